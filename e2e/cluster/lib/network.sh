# shellcheck shell=bash
# The network: node1 is the host, node2 is a network namespace, a bridge joins them. The bridge also carries node1's
# address (not every kernel has `dummy` devices).
#
#   host (node1) ── outrider0 172.30.0.1 ── or-node2 ═══ eth0 172.30.0.2 ── node2
#     │ ptp links, pods 10.88.1.0/24                         │ ptp links, pods 10.88.2.0/24
#
# Pods see each other's true addresses on both nodes: only what leaves for the outside is masqueraded.

# on NODE COMMAND…: runs it in the node's network. Not `ip netns exec`: that hides /sys/fs/cgroup under a new /sys.
on() {
  local node=$1
  shift
  if [ "$node" = node1 ]; then "$@"; else nsenter --net="/run/netns/$NETNS" -- "$@"; fi
}

network_is_up() {
  [ -e "/sys/class/net/$BRIDGE" ] && mountpoint -q "/run/netns/$NETNS"
}

network_up() {
  # A fixed MAC address: otherwise the bridge takes that of its ports and changes it each time node2 is restarted.
  ip link add "$BRIDGE" address 02:0f:0f:0f:00:01 type bridge
  ip address add "$NODE1_IP/${NODE_NETWORK#*/}" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  # Without a default route (a laptop in a train) the host would not even try to reach a Service.
  ip route replace "$SERVICES" dev "$BRIDGE"
  sysctl -qw net.ipv4.ip_forward=1
  # What goes to a pod that is no more must not leave by the default route, where anybody might answer.
  ip route replace unreachable "${NODE_PODS[node1]}"

  # Docker, if it runs here too, drops what is forwarded and nobody accepts. At the end of the chain, so that kube-proxy
  # still refuses what goes to a Service without endpoints.
  iptables -w -N OUTRIDER-FORWARD
  local network
  for network in "$PODS" "$NODE_NETWORK"; do
    iptables -w -A OUTRIDER-FORWARD -s "$network" -j ACCEPT
    iptables -w -A OUTRIDER-FORWARD -d "$network" -j ACCEPT
  done
  iptables -w -A FORWARD -j OUTRIDER-FORWARD
  iptables -w -t nat -N OUTRIDER-OUT
  iptables -w -t nat -A OUTRIDER-OUT -d "$PODS" -j RETURN
  iptables -w -t nat -A OUTRIDER-OUT -d "$NODE_NETWORK" -j RETURN
  iptables -w -t nat -A OUTRIDER-OUT -s "$PODS" -j MASQUERADE
  iptables -w -t nat -A OUTRIDER-OUT -s "$NODE_NETWORK" -j MASQUERADE
  iptables -w -t nat -A POSTROUTING -j OUTRIDER-OUT

  node2_network_up
}

node2_network_up() {
  ip netns add "$NETNS"
  # A fixed MAC address here too: the host remembers it for a minute and would talk to the node2 of before.
  ip link add "$NODE2_LINK" type veth peer name eth0 address 02:0f:0f:0f:00:02 netns "$NETNS"
  ip link set "$NODE2_LINK" master "$BRIDGE" up
  ip -n "$NETNS" link set lo up
  ip -n "$NETNS" address add "$NODE2_IP/${NODE_NETWORK#*/}" dev eth0
  ip -n "$NETNS" link set eth0 up
  ip -n "$NETNS" route add default via "$NODE1_IP"
  ip -n "$NETNS" route add unreachable "${NODE_PODS[node2]}"
  on node2 sysctl -qw net.ipv4.ip_forward=1
  ip route replace "${NODE_PODS[node2]}" via "$NODE2_IP" dev "$BRIDGE" onlink
}

node2_network_down() {
  ip link delete "$NODE2_LINK" 2> /dev/null || true
  if [ -e "/run/netns/$NETNS" ]; then ip netns delete "$NETNS" 2> /dev/null || rm -f "/run/netns/$NETNS"; fi
}

# Only the host's end is switched, as if the cable was pulled: node2 keeps its addresses and routes.
node2_link() { ip link set "$NODE2_LINK" "$1"; }
node2_link_is_up() {
  local flags
  { read -r flags < "/sys/class/net/$NODE2_LINK/flags"; } 2> /dev/null && ((flags & 1))
}

network_down() {
  local link
  node2_network_down
  # The host's ends of node1's pods all carry the first address of node1's range.
  for link in $(ip -o -4 address show to "${NODE_PODS[node1]%.*}.1" 2> /dev/null | awk '{ print $2 }'); do
    ip link delete "$link" 2> /dev/null || true
  done
  ip route delete unreachable "${NODE_PODS[node1]}" 2> /dev/null || true
  ip link delete "$BRIDGE" 2> /dev/null || true
  # `ip netns` leaves its folder mounted on itself.
  if mountpoint -q /run/netns && [ -z "$(ls -A /run/netns)" ]; then umount /run/netns && rmdir /run/netns; fi || true
  remove_chains iptables
  remove_chains ip6tables
  # A connection that the kernel remembers would go on to the address of a pod of the former cluster.
  conntrack -D -d "$SERVICES" > /dev/null 2>&1 || true
  conntrack -D -s "$PODS" > /dev/null 2>&1 || true
}

# remove_chains iptables|ip6tables: takes the chains of kube-proxy, kubelet, the CNI plugins and our own away, in one
# transaction, and leaves all others alone. The first pass of awk empties the chains and unhooks them, the last deletes.
remove_chains() {
  local saved
  saved=$("$1-save" 2> /dev/null) || return 0
  [[ $saved =~ (KUBE|CNI|OUTRIDER)- ]] || return 0
  awk '
    function ours(chain) { return chain ~ /^(KUBE|CNI|OUTRIDER)-/ }
    /^\*/ { print; chains = "" }
    /^:/ { chain = substr($1, 2); if (ours(chain)) { print ":" chain " - [0:0]"; chains = chains "-X " chain "\n" } }
    /^-A/ && !ours($2) {
      for (i = 3; i < NF; i++) if (($i == "-j" || $i == "-g") && ours($(i + 1))) { sub(/^-A/, "-D"); print; next }
    }
    /^COMMIT/ { printf "%s", chains; print }
  ' <<< "$saved" | "$1-restore" -w 30 --noflush
}
