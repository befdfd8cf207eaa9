# shellcheck shell=bash
# Taking away what a cluster leaves in the system, whether it was ended properly, killed, or lost to a reboot.

# mounts_below FOLDER: sets `mounts` to the mount points in it, the innermost first
mounts_below() {
  local mount
  mounts=()
  while IFS= read -r mount; do
    # The kernel writes odd characters in octal: `\040` is a space.
    printf -v mount %b "${mount//\\/\\0}"
    case $mount in "$1"/*) mounts+=("$mount") ;; esac
  done < <(awk '{ print $5 }' /proc/self/mountinfo | sort -r)
}

# Nothing may be deleted below a mount, so this ends the script if something stays mounted: what is mounted can be
# somebody's true folder.
unmount_below() {
  local mounts _
  for _ in {1..20}; do
    mounts_below "$1"
    [ ${#mounts[@]} -gt 0 ] || return 0
    # Lazily only on the second try: a process that was killed a moment ago may still be on its way out.
    umount -n "${mounts[@]}" 2> /dev/null || sleep 0.05
    mounts_below "$1"
    [ ${#mounts[@]} -eq 0 ] || umount -n -l "${mounts[@]}" 2> /dev/null || true
  done
  die "could not unmount, so $1 stays as it is: ${mounts[*]}"
}

# forget_shims NODE: the shims' sockets are in a folder that all containerds of a machine share; each container's record
# names its own
forget_shims() {
  local record socket
  for record in "$STATE/$1"/containerd-state/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ -e "$record" ] || continue
    socket=$(< "$record")
    case $socket in unix:///run/containerd/s/*) rm -f "${socket#unix://}" ;; esac
  done
}

# remove_traces STATE: ends every process of the cluster and leaves nothing of it but its logs
remove_traces() {
  local STATE=$1 record link pod
  for record in "$STATE"/run/*; do
    [ ! -e "$record" ] || finish "$(basename "$record")"
  done
  kill_group .
  forget_shims node1
  forget_shims node2
  rmdir /run/containerd/s /run/containerd 2> /dev/null || true
  unmount_below "$STATE"
  network_down
  for link in /var/log/containers/*; do
    case $(readlink "$link" || true) in "$STATE"/*) rm -f "$link" ;; esac
  done
  # What the CNI plugins answered, by network and pod; the loopback's network has the same name for everybody.
  for record in /var/lib/cni/results/outrider-node?-*-eth0; do
    [ -e "$record" ] || continue
    pod=${record##*/outrider-node?-}
    rm -f "$record" "/var/lib/cni/results/cni-loopback-${pod%-eth0}-lo"
  done
  # The kubelet makes this one wherever its own folder is.
  rm -f /var/lib/kubelet/device-plugins/{kubelet.sock,DEPRECATION,kubelet_internal_checkpoint}
  rmdir /var/lib/kubelet/device-plugins /var/lib/kubelet /var/log/containers /var/lib/cni/results /var/lib/cni 2> /dev/null || true
  remove_groups
  if [ -d "$STATE" ]; then find "$STATE" -mindepth 1 -maxdepth 1 ! -name log -exec rm -rf {} +; fi
  rm -f "$MACHINE_RECORD"
}
