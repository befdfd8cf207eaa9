# shellcheck shell=bash
# The cluster's certificates and the kubeconfig files that hold them.

make_certificates() {
  local node
  mkdir -p "$STATE/pki"
  chmod 700 "$STATE/pki"
  (
    cd "$STATE/pki"
    printf '[req]\ndistinguished_name=dn\n[dn]\n' > openssl.cnf
    # Python 3.13 and newer (Patroni) refuses a CA without basic constraints and key usage.
    openssl req -config openssl.cnf -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout ca.key -out ca.crt \
      -subj /CN=outrider-local-cluster -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>&1
    openssl ecparam -name prime256v1 -genkey -noout -out service-accounts.key 2>&1
    openssl ec -in service-accounts.key -pubout -out service-accounts.pub 2>&1
    certificate apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$NODE1_IP,IP:${SERVICES%.*}.1"
    certificate admin /O=system:masters/CN=admin
    certificate apiserver-to-kubelet /O=system:masters/CN=apiserver-to-kubelet
    certificate controller-manager /CN=system:kube-controller-manager
    certificate scheduler /CN=system:kube-scheduler
    certificate proxy /CN=system:kube-proxy
    for node in node1 node2; do
      certificate "$node" "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:${NODE_IP[$node]}"
    done
  ) > "$STATE/log/certificates.log" || die "could not make certificates: see $STATE/log/certificates.log"
  kubeconfig admin > "$KUBECONFIG_FILE"
  local user
  for user in controller-manager scheduler proxy node1 node2; do
    kubeconfig "$user" > "$STATE/pki/$user.kubeconfig"
  done
}

# certificate NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
certificate() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
  # People's key: Java's Kubernetes client takes a key in PKCS#8 for RSA whatever it is. The others need not wait for RSA.
  [ "$1" != admin ] || key=(-newkey rsa:2048)
  openssl req -config openssl.cnf -x509 -CA ca.crt -CAkey ca.key "${key[@]}" -nodes -days 3650 \
    -keyout "$1.key" -out "$1.crt" -subj "$2" ${3:+-addext "subjectAltName=$3"} \
    -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
    -addext extendedKeyUsage=serverAuth,clientAuth -addext authorityKeyIdentifier=keyid -addext subjectKeyIdentifier=hash 2>&1
}

# Everything is inside, so that the file can be copied.
kubeconfig() {
  cat << YAML
apiVersion: v1
kind: Config
clusters:
  - name: outrider-local
    cluster:
      server: $API_SERVER
      certificate-authority-data: $(base64 -w0 "$STATE/pki/ca.crt")
users:
  - name: $1
    user:
      client-certificate-data: $(base64 -w0 "$STATE/pki/$1.crt")
      client-key-data: $(base64 -w0 "$STATE/pki/$1.key")
contexts:
  - name: outrider-local
    context: {cluster: outrider-local, user: $1}
current-context: outrider-local
YAML
}

# api PATH [CURL-ARGUMENT…]: a request as admin; curl, because starting kubectl takes longer than most requests
api() {
  local path=$1
  shift
  curl -sS --fail-with-body --max-time 5 --noproxy '*' --cacert "$STATE/pki/ca.crt" --cert "$STATE/pki/admin.crt" --key "$STATE/pki/admin.key" \
    "$@" "$API_SERVER$path" 2>&1
}
