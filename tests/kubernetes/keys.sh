# shellcheck shell=bash
# Keys, accounts and kubeconfigs of a cluster of tests, in the current directory. Sourced by scripts/kubernetes.sh, never run.

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

# certificate NAME SUBJECT [EXTENSION]: signed by the cluster's authority.
certificate() {
  key "$1"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" \
    ${3:+-extfile <(printf '%s' "$3")} 2>/dev/null
  rm "$1.csr"
}

# make_keys ADDRESS SERVICE-ADDRESS: of the API server.
make_keys() {
  local names
  key ca
  openssl req -x509 -new -key ca.key -subj /CN=brokerd-kubernetes -days 30 -out ca.crt
  names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost
  certificate apiserver /CN=kube-apiserver "subjectAltName=$names,IP:127.0.0.1,IP:$1,IP:$2"
  certificate kubelet-client /O=system:masters/CN=kube-apiserver
  # What tokens of service accounts are signed with.
  key accounts
  openssl ec -in accounts.key -pubout -out accounts.pub 2>/dev/null
}

# kubeconfig FILE SERVER TOKEN [NAMESPACE]
kubeconfig() {
  cat >"$1" <<KUBECONFIG
apiVersion: v1
kind: Config
clusters: [{ name: test, cluster: { server: "$2", certificate-authority-data: $(base64 -w0 ca.crt) } }]
users: [{ name: test, user: { token: $3 } }]
contexts: [{ name: test, context: { cluster: test, user: test, namespace: ${4:-default} } }]
current-context: test
KUBECONFIG
}

# account NAME SERVER USER [GROUP]: one that the API server knows from its start.
account() {
  local token
  token=$(random_hex 16)
  printf '%s,%s,%s,"%s"\n' "$token" "$3" "$3" "${4:-}" >>tokens.csv
  kubeconfig "$1.kubeconfig" "$2" "$token"
}
