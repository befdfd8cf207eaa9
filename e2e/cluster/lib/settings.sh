# shellcheck shell=bash
# shellcheck disable=SC2034  # What all the commands of the local cluster agree on; each uses some of it.

HERE=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
STATE=${XDG_STATE_HOME:-$HOME/.local/state}/outrider/cluster
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/outrider
KUBECONFIG_FILE=$STATE/kubeconfig

# 172.30.0.0/24 joins the two nodes. Docker takes its networks from 172.17 upwards, one by one, so this one is far off.
NODE_NETWORK=172.30.0.0/24
NODE1_IP=172.30.0.1
NODE2_IP=172.30.0.2
API_SERVER=https://$NODE1_IP:6443
SERVICES=10.96.0.0/16
PODS=10.88.0.0/16
declare -A NODE_IP=([node1]=$NODE1_IP [node2]=$NODE2_IP)
declare -A NODE_PODS=([node1]=10.88.1.0/24 [node2]=10.88.2.0/24)
REGISTRY_PORT=5000

# Names in the kernel that a cluster leaves behind when it is killed, and by which its traces are found.
BRIDGE=outrider0
NETNS=outrider-node2
NODE2_LINK=or-node2
CGROUP=outrider
# Which state folder this machine's cluster has: bridge, addresses and ports exist once, so there can be one only.
MACHINE_RECORD=/run/outrider-cluster
LOCK=/run/lock/outrider-cluster

# The daemons run programs that are in sbin, which a user's PATH (or sudo's) may lack; Go is often only in its own folder.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin:/usr/lib/go/bin

say() { echo "cluster: $*" >&2; }
die() {
  say "$*"
  exit 1
}

need_root() {
  [ "$(id -u)" = 0 ] || die "root is needed (network namespaces, mounts, iptables); run: sudo --preserve-env=HOME,XDG_STATE_HOME,XDG_CACHE_HOME $0"
}

# Two commands that change the cluster at the same time would start everything twice.
lock() {
  mkdir -p "$(dirname "$LOCK")"
  exec 9> "$LOCK"
  if ! flock -n 9; then
    say "another cluster command is running; waiting for it"
    flock -w 900 9 || die "gave up waiting; see who holds $LOCK: fuser -v $LOCK"
  fi
}

# until_true SECONDS COMMAND…: false if the command has not succeeded in that time
until_true() {
  local deadline=$((${EPOCHREALTIME//[.,]/} + $1 * 1000000))
  shift
  until "$@"; do
    [ "${EPOCHREALTIME//[.,]/}" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}
