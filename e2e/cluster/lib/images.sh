# shellcheck shell=bash
# Images of one layer made from a folder, without any image tool.

PAUSE_IMAGE=localhost/outrider-pause:1

# image ROOTFS SCRATCH COMMAND: writes SCRATCH/layer.tar and SCRATCH/config.json
image() {
  local architecture
  case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$(uname -m) ;;
  esac
  mkdir -p "$2"
  tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$2/layer.tar" .
  cat > "$2/config.json" << JSON
{"architecture": "$architecture", "os": "linux", "config": {"Entrypoint": ["$3"], "User": "65534:65534", "Env": ["PATH=/bin"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$(digest "$2/layer.tar")"]}}
JSON
}

digest() { sha256sum "$1" | cut -d' ' -f1; }

# The image that holds each pod's namespaces. It goes straight into containerd: it must be there before any registry is.
import_pause_image() {
  local scratch=$STATE/pause
  if [ ! -e "$scratch/image.tar" ]; then
    mkdir -p "$scratch/rootfs"
    cp "$PAUSE" "$scratch/rootfs/pause"
    image "$scratch/rootfs" "$scratch" /pause
    echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$PAUSE_IMAGE\"], \"Layers\": [\"layer.tar\"]}]" > "$scratch/manifest.json"
    tar -C "$scratch" -cf "$scratch/image.tar" manifest.json config.json layer.tar
  fi
  ctr_on "$1" images import "$scratch/image.tar" > "$STATE/log/pause-$1.log" 2>&1 || die "could not import the pause image into $1: see $STATE/log/pause-$1.log"
}

# push ROOTFS NAME:TAG COMMAND: makes an image and pushes it to the local registry
push() {
  local scratch name=${2%:*} tag=${2##*:} base=http://localhost:$REGISTRY_PORT/v2 location file
  scratch=$(mktemp -d)
  image "$1" "$scratch" "$3"
  for file in layer.tar config.json; do
    location=$(curl -sS --fail-with-body --noproxy '*' -X POST -D - -o /dev/null "$base/$name/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    curl -sS --fail-with-body --noproxy '*' -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$scratch/$file" \
      "$location&digest=sha256:$(digest "$scratch/$file")"
  done
  cat > "$scratch/manifest.json" << JSON
{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
 "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:$(digest "$scratch/config.json")", "size": $(stat -c %s "$scratch/config.json")},
 "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:$(digest "$scratch/layer.tar")", "size": $(stat -c %s "$scratch/layer.tar")}]}
JSON
  curl -sS --fail-with-body --noproxy '*' -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary "@$scratch/manifest.json" \
    "$base/$name/manifests/$tag"
  rm -rf "$scratch"
}
