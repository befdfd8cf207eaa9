# shellcheck shell=bash
# What runs, in the order of its start, and how.

CONTROL_COMPONENTS=(etcd apiserver controller-manager scheduler provisioner dns registry registry-nodes)
NODE_COMPONENTS=(containerd kubelet proxy) # each as NODE-COMPONENT

ETCD_PORT=23790 # not 2379: somebody's own etcd may be there

components() {
  printf '%s\n' "${CONTROL_COMPONENTS[@]}" node1-{containerd,kubelet,proxy} node2-{containerd,kubelet,proxy}
}

start() {
  local node=${1%-*} in_network=()
  [ "$node" != node2 ] || in_network=(nsenter "--net=/run/netns/$NETNS" --)
  case $1 in
    etcd)
      # The state is deleted at `down`, so nothing is gained by waiting for the disk.
      launch etcd control "$KUBE" etcd --name local --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
        --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
        --listen-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" --initial-advertise-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
        --initial-cluster "local=http://127.0.0.1:$((ETCD_PORT + 1))"
      ;;
    apiserver)
      # Only on the nodes' own network: nothing of this cluster can be reached from outside the machine.
      launch apiserver control "$KUBE" apiserver --etcd-servers "http://127.0.0.1:$ETCD_PORT" \
        --bind-address "$NODE1_IP" --advertise-address "$NODE1_IP" --secure-port 6443 --service-cluster-ip-range "$SERVICES" \
        --cert-dir "$STATE/pki" --client-ca-file pki/ca.crt --tls-cert-file pki/apiserver.crt --tls-private-key-file pki/apiserver.key \
        --service-account-key-file pki/service-accounts.pub --service-account-signing-key-file pki/service-accounts.key \
        --service-account-issuer https://kubernetes.default.svc.cluster.local \
        --kubelet-client-certificate pki/apiserver-to-kubelet.crt --kubelet-client-key pki/apiserver-to-kubelet.key \
        --kubelet-certificate-authority pki/ca.crt --kubelet-preferred-address-types InternalIP \
        --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged
      ;;
    controller-manager)
      launch controller-manager control "$KUBE" controller-manager --kubeconfig pki/controller-manager.kubeconfig \
        --authentication-kubeconfig pki/controller-manager.kubeconfig --authorization-kubeconfig pki/controller-manager.kubeconfig \
        --bind-address 127.0.0.1 --cert-dir "$STATE/pki" --leader-elect=false --use-service-account-credentials \
        --service-account-private-key-file pki/service-accounts.key --root-ca-file pki/ca.crt \
        --cluster-signing-cert-file pki/ca.crt --cluster-signing-key-file pki/ca.key
      ;;
    scheduler)
      launch scheduler control "$KUBE" scheduler --kubeconfig pki/scheduler.kubeconfig \
        --authentication-kubeconfig pki/scheduler.kubeconfig --authorization-kubeconfig pki/scheduler.kubeconfig \
        --bind-address 127.0.0.1 --cert-dir "$STATE/pki" --leader-elect=false
      ;;
    provisioner)
      launch provisioner control "$KUBE" provisioner --kubeconfig "$KUBECONFIG_FILE" --root "$STATE/volumes"
      ;;
    dns)
      launch dns control "$COREDNS" -conf config/Corefile
      ;;
    registry)
      # As localhost:5000 for people and builds on this machine.
      launch registry control env REGISTRY_HTTP_ADDR="127.0.0.1:$REGISTRY_PORT" docker-registry serve config/registry.yaml
      ;;
    registry-nodes)
      # The same folder a second time where the nodes and pods can reach it; a single one would have to listen everywhere.
      launch registry-nodes control env REGISTRY_HTTP_ADDR="$NODE1_IP:$REGISTRY_PORT" docker-registry serve config/registry.yaml
      ;;
    *-containerd)
      launch "$1" "$node/system" "${in_network[@]}" containerd --config "$node/containerd.toml"
      ;;
    *-kubelet)
      launch "$1" "$node/system" "${in_network[@]}" "$KUBE" kubelet --config "$node/kubelet.yaml" --kubeconfig "pki/$node.kubeconfig" \
        --hostname-override "$node" --node-ip "${NODE_IP[$node]}" --root-dir "$STATE/$node/kubelet" --cert-dir "$STATE/$node/pki"
      ;;
    *-proxy)
      # Raising the conntrack table's size is refused without CAP_SYS_RESOURCE, and in a network namespace.
      launch "$1" "$node/system" "${in_network[@]}" "$KUBE" proxy --kubeconfig pki/proxy.kubeconfig --hostname-override "$node" \
        --proxy-mode iptables --cluster-cidr "$PODS" --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0 \
        --healthz-bind-address "${NODE_IP[$node]}:10256" --metrics-bind-address "${NODE_IP[$node]}:10249"
      ;;
    *) die "no such component: $1" ;;
  esac
}

write_configuration() {
  local node
  mkdir -p "$STATE"/{config,bin,volumes} "$STATE/config/registries/localhost:$REGISTRY_PORT" "$CACHE/registry"

  # Both nodes know the host's registry by the name that it has on the host, so that an image has one name everywhere.
  cat > "$STATE/config/registries/localhost:$REGISTRY_PORT/hosts.toml" << TOML
server = "http://$NODE1_IP:$REGISTRY_PORT"
[host."http://$NODE1_IP:$REGISTRY_PORT"]
  capabilities = ["pull", "resolve"]
TOML
  # The images stay in the cache folder, so that a new cluster finds them without a push.
  # No cache in memory: two registries share the folder.
  cat > "$STATE/config/registry.yaml" << YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: "$CACHE/registry"}
  delete: {enabled: true}
http: {addr: "set by the environment"}
YAML
  # Clients remember a name for 5 seconds; CoreDNS answers from its own copy of the API's objects, so it needs no cache
  # of its own for them, which would only keep what is gone.
  cat > "$STATE/config/Corefile" << CONF
cluster.local 10.in-addr.arpa {
  bind $NODE1_IP
  ready $NODE1_IP:8181
  errors
  kubernetes cluster.local 10.in-addr.arpa {
    kubeconfig $KUBECONFIG_FILE
    ttl 5
  }
}
. {
  bind $NODE1_IP
  errors
  cache 30
$(if grep -q '^nameserver' /etc/resolv.conf; then printf '  forward . /etc/resolv.conf {\n    failfast_all_unhealthy_upstreams\n  }'; fi)
}
CONF
  echo "nameserver $NODE1_IP" > "$STATE/config/resolv.conf"

  cat > "$STATE/bin/kubectl" << SH
#!/bin/sh
KUBECONFIG=\${KUBECONFIG:-$KUBECONFIG_FILE} exec $KUBE kubectl "\$@"
SH
  chmod +x "$STATE/bin/kubectl"

  for node in node1 node2; do
    mkdir -p "$STATE/$node/cni" "$STATE/volumes/$node"
    # restrict_oom_score_adj: lowering it is refused without CAP_SYS_RESOURCE, and then no container starts at all.
    # netns_mounts_under_state_dir: pods' network namespaces are where they are cleaned up with the node, not in /run/netns.
    cat > "$STATE/$node/containerd.toml" << TOML
version = 2
root = "$STATE/$node/containerd"
state = "$STATE/$node/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "$STATE/$node/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "$PAUSE_IMAGE"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/$node/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$STATE/config/registries"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "$STATE/$node/runc"
TOML
    # ptp, not a bridge: all traffic between pods is routed, so that Services work also between two pods of one node on
    # kernels that do not show bridged traffic to iptables.
    cat > "$STATE/$node/cni/10-pods.conflist" << JSON
{"cniVersion": "0.4.0", "name": "outrider-$node", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "dataDir": "$STATE/$node/leases", "ranges": [[{"subnet": "${NODE_PODS[$node]}"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
    # cgroupRoot: each kubelet removes the groups of pods that it does not know, so the two must not share one.
    # oomScoreAdj: as above. evictionHard: a developer's disk is often fuller than the default allows.
    cat > "$STATE/$node/kubelet.yaml" << YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ${NODE_IP[$node]}
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP/$node
containerRuntimeEndpoint: unix://$STATE/$node/containerd.sock
authentication: {x509: {clientCAFile: $STATE/pki/ca.crt}, webhook: {enabled: true}, anonymous: {enabled: false}}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/$node.crt
tlsPrivateKeyFile: $STATE/pki/$node.key
clusterDNS: [$NODE1_IP]
clusterDomain: cluster.local
resolvConf: $STATE/config/resolv.conf
podLogsDir: $STATE/$node/pod-logs
volumePluginDir: $STATE/$node/volume-plugins
failSwapOn: false
oomScoreAdj: 0
evictionHard: {memory.available: 100Mi}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
maxPods: 200
YAML
  done
}

# What a fresh API server has to be told.
create_objects() {
  api /apis/storage.k8s.io/v1/storageclasses --json '{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
    "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "local/folder", "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Delete"}' > /dev/null
}

api_is_ready() { [ "$(api /readyz)" = ok ]; } 2> /dev/null
dns_is_ready() { curl -sf --max-time 2 --noproxy '*' "http://$NODE1_IP:8181/ready" > /dev/null; }
registry_is_ready() { curl -sf --max-time 2 --noproxy '*' "http://$1:$REGISTRY_PORT/v2/" > /dev/null; }
containerd_is_ready() { ctr_on "$1" version > /dev/null 2>&1; }
ctr_on() { ctr --address "$STATE/$1/containerd.sock" --namespace k8s.io "${@:2}"; }

# node_is_ready NODE: also says no to what an earlier kubelet said
node_is_ready() {
  local start ticks
  { read -r _ start _ < "$STATE/run/$1-kubelet"; } 2> /dev/null || return 1
  ticks=$(($(awk '/^btime/ { print $2 }' /proc/stat) + start / $(getconf CLK_TCK)))
  api "/api/v1/nodes/$1" | jq -e --argjson since "$ticks" '
    .status.conditions[]? | select(.type == "Ready") | .status == "True" and (.lastHeartbeatTime | fromdate) >= $since' > /dev/null 2>&1
}

# start_node NODE: its three components, each if it does not run
start_node() {
  local component
  for component in "${NODE_COMPONENTS[@]}"; do
    if ! alive "$1-$component"; then
      [ ! -e "$STATE/complete" ] || say "starting $1-$component"
      start "$1-$component"
      # A kubelet gives up at once when it finds no containerd.
      [ "$component" != containerd ] || until_true 30 containerd_is_ready "$1" || need_alive "$1-containerd"
    fi
  done
}
