#!/usr/bin/env bash
# Whether a cluster that is up keeps what tests rely on: rights, Pod Security, volumes, names, network policies, and what happens to nodes.
# Kills and cuts node-c. Called by scripts/kubernetes.sh check.
set -euo pipefail
# shellcheck source=../../scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"

cluster=${XDG_CACHE_HOME:-$HOME/.cache}/brokerd/kubernetes/cluster
namespace=check-$(random_hex 3)
image=brokerd/base:trixie
k() { "$cluster/kubectl" --kubeconfig "$cluster/admin.kubeconfig" -n "$namespace" "$@"; }
as_brokerd() { "$cluster/kubectl" --kubeconfig "$cluster/brokerd.kubeconfig" "$@"; }
nodes() { "$root/scripts/kubernetes.sh" "$@" 2>/dev/null; }

# eventually SECONDS WHAT COMMAND…
eventually() {
  local deadline=$((SECONDS + $1)) begun=$SECONDS what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || { k get pods,pvc -o wide >&2 || true; die "not after $((SECONDS - begun)) s: $what"; }
    sleep 0.2
  done
  say "after $((SECONDS - begun)) s: $what"
}
# holds WHAT COMMAND…, fails WHAT COMMAND…
holds() { "${@:2}" >/dev/null 2>&1 || die "it does not hold: $1"; say "it holds: $1"; }
fails() { if "${@:2}" >/dev/null 2>&1; then die "it does not hold: $1"; fi; say "it holds: $1"; }

# pod NAME ZONE CLAIM COMMAND…: as engines are.
pod() {
  local name=$1 zone=$2 claim=$3
  shift 3
  cat <<POD
---
apiVersion: v1
kind: Pod
metadata: { name: $name, labels: { pod: $name, app: check } }
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  hostname: $name
  subdomain: peers
  nodeSelector: { topology.kubernetes.io/zone: $zone }
  tolerations:
    - { key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute }
    - { key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute }
  securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: main
      image: $image
      imagePullPolicy: Never
      command: [$(printf '%s\n' "$@" | sed 's/"/\\"/g; s/.*/"&"/' | paste -sd,)]
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
      volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: $claim } }]
POD
}
claim() {
  printf -- '---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: %s }\nspec: { storageClassName: %s, accessModes: [%s], resources: { requests: { storage: 1Gi } } }\n' "$@"
}
policy() { # PEERS
  printf '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: server}, spec: {podSelector: {matchLabels: {pod: one}}, policyTypes: [Ingress], ingress: [%s]}}' "$1"
}

ready() { k wait --for=condition=Ready "pod/$1" --timeout=0s; }
connects() { k exec "$1" -- timeout 2 bash -c "exec 3<>/dev/tcp/$2/5671; read -r -t 1 -N 2 said <&3; [ \"\$said\" = up ]"; }
refused() { ! connects "$@"; }
condition() { [ "$(k get node node-c -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = "$1" ]; }
gone() { ! k get pod "$1"; }

# shellcheck disable=SC2016 # Perl's variables
serves='use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
bind($s, sockaddr_in(5671, INADDR_ANY)) && listen($s, 9) or die; while (accept(my $c, $s)) { syswrite($c, "up"); close($c) }'

k create namespace "$namespace" >/dev/null
trap 'k delete namespace "$namespace" --wait=false >/dev/null 2>&1 || true' EXIT
k label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted >/dev/null
eventually 30 "a new namespace has its account" k get serviceaccount default

holds "brokerd may make pods where engines are" as_brokerd auth can-i create pods
holds "brokerd may resize them" as_brokerd auth can-i patch pods/resize
fails "brokerd may not make pods elsewhere" as_brokerd auth can-i create pods -n default
fails "brokerd may not read Secrets of its own namespace" as_brokerd auth can-i get secrets -n brokerd
fails "brokerd may not change nodes" as_brokerd auth can-i patch nodes
fails "a pod with more rights than engines have is refused" k run rich --image="$image" --privileged

{
  claim disk-a brokerd-ebs ReadWriteOnce
  claim disk-c brokerd-ebs ReadWriteOnce
  claim share brokerd-efs ReadWriteMany
  printf -- '---\napiVersion: v1\nkind: Service\nmetadata: { name: peers }\nspec: { clusterIP: None, publishNotReadyAddresses: true, selector: { app: check }, ports: [{ port: 5671 }] }\n'
  pod one a disk-a perl -e "$(tr '\n' ' ' <<<"$serves")"
  pod two a share sleep infinity
  pod three b share sleep infinity
  pod four c disk-c sleep infinity
} | k apply -f - >/dev/null
for name in one two three four; do eventually 60 "the pod $name is ready" ready $name; done
address=$(k get pod one -o 'jsonpath={.status.podIP}')

holds "a share is written" k exec two -- sh -c 'echo told >/data/word'
holds "and read in another zone" k exec three -- grep -qx told /data/word
# shellcheck disable=SC2016 # the pod's shell expands it
holds "a disk belongs to the group that was asked for" k exec four -- sh -c 'echo kept >/data/word && [ "$(stat -c %g /data)" = 1000 ]'
k patch pvc disk-a -p '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}' >/dev/null
eventually 30 "a disk grows" k wait --for='jsonpath={.status.capacity.storage}=2Gi' pvc/disk-a --timeout=0s
holds "a service has a name" k exec three -- getent hosts kubernetes.default.svc.cluster.local
holds "a pod has one" k exec three -- getent hosts "one.peers.$namespace.svc.cluster.local"

for from in two three four; do holds "$from reaches one" connects $from "$address"; done
holds "the machine reaches one" timeout 2 bash -c "exec 3<>/dev/tcp/$address/5671"
policy '{from: [{podSelector: {matchLabels: {pod: three}}}]}' | k apply -f - >/dev/null
eventually 10 "a policy keeps out a pod of the same node" refused two "$address"
holds "and one of another" refused four "$address"
holds "and lets in whom it names" connects three "$address"
k delete networkpolicy server >/dev/null
eventually 10 "without it all are let in" connects four "$address"

nodes cut-node c || die "node-c could not be cut off"
holds "a node that is cut off reaches nobody" docker exec brokerd-kubernetes-node-c bash -c "! timeout 2 bash -c 'exec 3<>/dev/tcp/10.212.0.10/6443'"
fails "and can't be declared to be off" nodes fence-node c
eventually 60 "it counts as lost" condition Unknown
nodes heal-node c || die "node-c could not be healed"
holds "its pod goes on" k exec four -- grep -qx kept /data/word

nodes kill-node c || die "node-c could not be killed"
eventually 60 "a node that was killed counts as lost" condition Unknown
holds "its pod is left alone" k get pod four
nodes fence-node c || die "node-c could not be fenced"
eventually 60 "the pod of a node that is fenced goes" gone four
nodes start-node c || die "node-c could not be started"
pod four c disk-c sleep infinity | k apply -f - >/dev/null
eventually 60 "a new pod is ready there" ready four
holds "it has the old disk" k exec four -- grep -qx kept /data/word
say "the cluster keeps what tests rely on"
