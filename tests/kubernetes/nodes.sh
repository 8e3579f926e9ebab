# shellcheck shell=bash
# What happens to the nodes of a cluster of tests. Sourced by scripts/kubernetes.sh, never run.
# shellcheck disable=SC2154 # what is not assigned here is that script's or lib.sh's

taint=node.kubernetes.io/out-of-service

kill_node() {
  docker kill "$(container "node-$1")" >/dev/null || die "node-$1 does not run"
  say "node-$1 is off; Kubernetes notices after $silence"
}

switch_on() {
  local begun=$SECONDS
  docker start "$(container "node-$1")" >/dev/null || die "node-$1 could not be started"
  # The last word of a node that was killed may still be that it is ready.
  until_true 120 kubelet_answers "$1" || { explain "node-$1"; die "the kubelet of node-$1 does not answer after 120 s"; }
  until_true 120 node_is "$1" True || { explain "node-$1"; die "node-$1 is not ready after 120 s"; }
  kubectl taint node "node-$1" "$taint-" >/dev/null 2>&1 || true
  say "node-$1 is ready after $((SECONDS - begun)) s"
}
kubelet_answers() { kubectl get --raw "/api/v1/nodes/node-$1/proxy/healthz"; }

fence_node() {
  # Kubernetes takes the volumes of its pods for free, so that nothing may run there any more.
  ! runs "node-$1" || die "node-$1 runs: only one that was killed can be declared to be off"
  kubectl taint node "node-$1" "$taint=nodeshutdown:NoExecute" --overwrite >/dev/null
  say "node-$1 is declared to be off"
}

# severed ZONE -C|-I|-D: before connection tracking and after all other rules, so that nothing that is established goes on.
severed() {
  in_node "$1" iptables -w -t raw "$2" PREROUTING -i eth0 -j DROP </dev/null &&
    in_node "$1" iptables -w -t mangle "$2" POSTROUTING -o eth0 -j DROP </dev/null
}
cut_node() {
  runs "node-$1" || die "node-$1 does not run"
  if severed "$1" -C 2>/dev/null; then say "node-$1 is cut off already"; return; fi
  severed "$1" -I || die "the network of node-$1 could not be cut"
  say "node-$1 is cut off; Kubernetes notices after $silence"
}
heal_node() {
  runs "node-$1" || die "node-$1 does not run"
  while severed "$1" -D 2>/dev/null; do :; done
  until_true 120 node_is "$1" True || { explain "node-$1"; die "node-$1 is not ready after 120 s"; }
  say "node-$1 is connected"
}

freeze_kubelet() {
  runs "node-$1" || die "node-$1 does not run"
  in_node "$1" pkill -STOP -x kubelet </dev/null || die "the kubelet of node-$1 could not be stopped"
  say "the kubelet of node-$1 is stopped; Kubernetes notices after $silence"
}
thaw_kubelet() {
  in_node "$1" pkill -CONT -x kubelet </dev/null || die "node-$1 has no kubelet"
  until_true 120 node_is "$1" True || { explain "node-$1"; die "node-$1 is not ready after 120 s"; }
  say "the kubelet of node-$1 goes on"
}

# What may not be evicted is asked for again and again, which nobody waits for here.
drain_node() {
  kubectl drain "node-$1" --ignore-daemonsets --delete-emptydir-data --timeout=30s >&2 || die "not all pods of node-$1 could be evicted, see above"
  say "node-$1 is drained"
}
uncordon_node() { kubectl uncordon "node-$1" >&2; }

plain_registry() {
  local zone
  [[ ${1:-} =~ ^[a-z0-9.-]+:[0-9]+$ ]] || die "plain-registry takes HOST:PORT"
  require_cluster
  for zone in "${zones[@]}"; do
    printf '[host."http://%s"]\n  capabilities = ["pull", "resolve"]\n' "$1" |
      in_node "$zone" sh -c "mkdir -p '/etc/containerd/certs.d/$1' && cat >'/etc/containerd/certs.d/$1/hosts.toml'"
  done
}
