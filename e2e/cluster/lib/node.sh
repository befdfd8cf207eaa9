# shellcheck shell=bash
# The life of the cluster and of node2.

# start_afresh BINARIES: what `build` printed
start_afresh() {
  local node port holder component
  for port in "127.0.0.1:$REGISTRY_PORT" "127.0.0.1:$ETCD_PORT"; do
    holder=$(ss -Hltnp "sport = :${port#*:}" | awk '{ print $4, $6 }')
    [ -z "$holder" ] || die "port ${port#*:} is needed and is taken by: $holder; end that first"
  done
  mkdir -p "$STATE"/{run,log.new}
  # The logs of the cluster before are kept for one more cluster.
  rm -rf "$STATE/log.previous"
  [ ! -d "$STATE/log" ] || mv "$STATE/log" "$STATE/log.previous"
  mv "$STATE/log.new" "$STATE/log"
  echo "$STATE" > "$MACHINE_RECORD"
  echo "$1" > "$STATE/binaries"
  make_groups
  network_up
  write_configuration
  # What a registry that was killed in the middle of a push has left. An empty file is one that was never written.
  find "$CACHE/registry" -type d -name _uploads -prune -exec rm -rf {} +
  find "$CACHE/registry" -type f -size 0 -delete
  start etcd
  start node1-containerd
  start node2-containerd
  start registry
  start registry-nodes
  make_certificates
  start apiserver
  for node in node1 node2; do
    until_true 30 containerd_is_ready "$node" || need_alive "$node-containerd"
    import_pause_image "$node"
  done
  if ! until_true 60 api_is_ready; then
    need_alive etcd apiserver
    die "the API server is not ready after a minute: see $STATE/log/apiserver.log"
  fi
  for component in "${CONTROL_COMPONENTS[@]}"; do
    alive "$component" || start "$component"
  done
  start_node node1
  start_node node2
  create_objects
}

wait_until_ready() {
  local node
  if ! until_true 90 everything_is_ready; then
    # shellcheck disable=SC2046  # names without spaces
    need_alive $(components)
    for node in node1 node2; do
      node_is_ready "$node" || say "$node is not ready: $(api "/api/v1/nodes/$node" | jq -r '.status.conditions[]? | select(.type == "Ready") | .message' 2> /dev/null)"
    done
    api_is_ready || say "the API server does not answer /readyz at $API_SERVER"
    dns_is_ready || say "DNS is not ready at $NODE1_IP:53"
    registry_is_ready localhost || say "the registry does not answer at localhost:$REGISTRY_PORT"
    die "the cluster is not ready after 90 s; its logs are in $STATE/log"
  fi
}

# The service account is what the very first pod waits for.
everything_is_ready() {
  api_is_ready && api /api/v1/namespaces/default/serviceaccounts/default > /dev/null && node_is_ready node1 && node_is_ready node2 && dns_is_ready && registry_is_ready localhost && registry_is_ready "$NODE1_IP"
}

# Ends everything of node2 at once and takes away what a machine that loses its power does not find again: processes,
# mounts, what was in memory. Its disk (images, volumes, the kubelet's folder) stays.
power_off_node2() {
  kill_group node2
  rm -f "$STATE"/run/node2-*
  forget_shims node2
  unmount_below "$STATE/node2"
  rm -rf "$STATE"/node2/{containerd-state,containerd.sock,containerd.sock.ttrpc,runc}
}

stop_node2() {
  touch "$STATE/node2/stopped"
  # First the network: nobody shall see a connection closed in an orderly way.
  node2_link down
  power_off_node2
}

restart_node2() {
  power_off_node2
  node2_network_down
  node2_network_up
  start_node node2
  rm -f "$STATE/node2/stopped"
}
