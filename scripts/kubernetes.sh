#!/usr/bin/env bash
# A Kubernetes cluster for tests on this machine: a control plane and three nodes in zones a, b and c, each a container. Takes root.
#   scripts/kubernetes.sh build             compiles Kubernetes from Go modules and builds the nodes' image, as far as anything changed
#   scripts/kubernetes.sh up IMAGE…         a new cluster with these images of the machine's engine in its nodes; the old one goes
#   scripts/kubernetes.sh images IMAGE…     copies more images into all nodes
#   scripts/kubernetes.sh status            which cluster is up, and how its nodes are
#   scripts/kubernetes.sh env               the variables by which tests find it, for eval
#   scripts/kubernetes.sh kubectl …         kubectl with all rights; helm … alike
#   scripts/kubernetes.sh test              a new cluster, on it the conformance suite of brokerd's runtime and all scenarios, then the
#                                           cluster goes; with MODULE PROGRAM only those tests of a program as cargo has built it
#   scripts/kubernetes.sh check             whether it keeps what tests rely on; takes brokerd/base:trixie in its nodes
#   scripts/kubernetes.sh down              removes the cluster and all that it made on this machine
#   scripts/kubernetes.sh clean             and what build made
# What happens to nodes (a, b or c):
#   scripts/kubernetes.sh kill-node a       switches it off
#   scripts/kubernetes.sh start-node a      switches it on and waits until it is ready
#   scripts/kubernetes.sh fence-node a      tells Kubernetes that a node that was killed is off for certain, so that its pods go
#   scripts/kubernetes.sh cut-node a        cuts its network; what runs there goes on
#   scripts/kubernetes.sh heal-node a       mends it
#   scripts/kubernetes.sh freeze-kubelet a  stops its kubelet as if it hung; what runs there goes on. thaw-kubelet lets it go on
#   scripts/kubernetes.sh drain-node a      evicts its pods, as before its maintenance; uncordon-node takes it back
#   scripts/kubernetes.sh plain-registry HOST:PORT   lets nodes pull from a registry without TLS
# What has nothing to do with a cluster:
#   scripts/kubernetes.sh render            writes kubernetes/manifests from kubernetes/chart; with the argument check, says whether they differ
# There is one cluster on a machine, because its addresses are fixed. The cluster of another checkout is left alone while it runs;
# with BROKERD_KUBERNETES_TAKE=1 it is removed all the same. BROKERD_TEST_RUN names the run of tests that it goes with.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

sources=$root/tests/kubernetes
# shellcheck source=../tests/kubernetes/keys.sh
. "$sources/keys.sh"
# shellcheck source=../tests/kubernetes/build.sh
. "$sources/build.sh"
# shellcheck source=../tests/kubernetes/nodes.sh
. "$sources/nodes.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/brokerd/kubernetes
cluster=$cache/cluster
run=${BROKERD_TEST_RUN:-kubernetes}
zones=(a b c)
node_image=brokerd/kubernetes-node:trixie
pause_image=brokerd/kubernetes-pause:1
programs="kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet policies volumes"

network=10.212.0
control=$network.10
server=https://$control:6443
services=10.96.0.0/16

# How long a node may be silent before it counts as lost; Kubernetes' own default is 50 s, which tests would wait for again and again.
silence=${BROKERD_KUBERNETES_SILENCE:-16s}
node_memory=${BROKERD_KUBERNETES_NODE_MEMORY:-4g}

# Where brokerd itself is in the cluster, and where its engines are, as kubernetes/manifests has it.
own_namespace=brokerd
engines_namespace=brokerd-default

# ---- what all share ----------------------------------------------------------------------------------------------------------

# until_true SECONDS COMMAND…: 1 if it does not come true in time.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# Some version of it is as good as any other to talk to the cluster with.
kubectl() { KUBECONFIG=$cluster/admin.kubeconfig "$(cat "$cluster/programs")/kubectl" "$@"; }

container() { echo "brokerd-kubernetes-$1"; }
exists() { docker inspect "$(container "$1")" >/dev/null 2>&1; }
runs() { [ "$(docker inspect -f '{{.State.Running}}' "$(container "$1")" 2>/dev/null)" = true ]; }
label_of() { docker inspect -f "{{index .Config.Labels \"$2\"}}" "$(container "$1")" 2>/dev/null || true; }
in_node() { docker exec -i "$(container "node-$1")" "${@:2}"; }

# number ZONE: of its node, in addresses.
number() {
  local i
  for i in "${!zones[@]}"; do if [ "${zones[$i]}" = "$1" ]; then echo $((i + 1)); return; fi; done
  die "there is no node $1; there are: ${zones[*]}"
}
address() { echo "$network.1$(number "$1")"; }
pods() { echo "10.244.$(number "$1").0/24"; }

condition() { kubectl get node "node-$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null; }
node_is() { [ "$(condition "$1")" = "$2" ]; }

# require_tool COMMAND PACKAGE
require_tool() {
  if ! command -v "$1" >/dev/null && can_apt_install; then apt_install "$2"; fi
  command -v "$1" >/dev/null || die "$1 is missing: install it (Debian package $2)"
}

require_root() { [ "$(id -u)" = 0 ] || die "$1 takes root: it changes routes of this machine"; }

require_cluster() {
  exists control || die "no cluster is up: run scripts/kubernetes.sh up"
  [ -r "$cluster/admin.kubeconfig" ] || die "the cluster belongs to another user: $cluster/admin.kubeconfig can't be read"
}

# Nobody changes the cluster meanwhile.
lock() {
  mkdir -p "$cache"
  exec 8>"$cache/lock"
  flock -w 120 8 || die "somebody else is changing the cluster (lock $cache/lock)"
}

# other_user: the other checkout whose cluster is in use. Nobody uses one whose checkout is gone, or of which nothing runs any more,
# as after a restart of the machine.
other_user() {
  local checkout
  exists control || return 0
  [ -z "${BROKERD_KUBERNETES_TAKE:-}" ] || return 0
  checkout=$(label_of control brokerd.kubernetes.checkout)
  if [ "$checkout" = "$root" ] || [ ! -d "$checkout" ] || [ -z "$(own_objects container)" ]; then return; fi
  echo "$checkout"
}

# What is up may be removed by the checkout that made it.
require_own() {
  local user
  user=$(other_user)
  [ -z "$user" ] ||
    die "the cluster of $user is up (run $(label_of control brokerd.kubernetes)): remove it there, or set BROKERD_KUBERNETES_TAKE=1"
}

# ---- up and down -------------------------------------------------------------------------------------------------------------

own_objects() { docker "$1" ls "${@:2}" -q --filter label=brokerd.kubernetes; }

remove_all() {
  local found zone
  found=$(own_objects container -a)
  # shellcheck disable=SC2086 # one word per container
  [ -z "$found" ] || docker rm -f -v $found >/dev/null || die "not all containers of the cluster could be removed"
  found=$(own_objects network)
  # shellcheck disable=SC2086 # one word per network
  [ -z "$found" ] || docker network rm $found >/dev/null || die "the network of the cluster could not be removed: is something else in it?"
  found=$(own_objects volume)
  # shellcheck disable=SC2086 # one word per volume
  [ -z "$found" ] || docker volume rm $found >/dev/null || die "not all volumes of the cluster could be removed"
  # They go with the network's bridge, unless somebody has made them otherwise.
  for zone in "${zones[@]}"; do ip route del "$(pods "$zone")" via "$(address "$zone")" 2>/dev/null || true; done
  ip route del "$services" via "$(address c)" 2>/dev/null || true
  rm -rf "$cluster"
}

make_accounts() {
  local zone
  make_keys "$control" 10.96.0.1
  account admin "$server" admin system:masters
  account controller-manager "$server" system:kube-controller-manager
  account scheduler "$server" system:kube-scheduler
  account proxy "$server" system:kube-proxy
  for zone in dns policies volumes; do account "$zone" "$server" "$zone"; done
  for zone in "${zones[@]}"; do account "node-$zone" "$server" "system:node:node-$zone" system:nodes; done
}

# start NAME OPTION… -- COMMAND
start() {
  local name=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  docker run -d --name "$(container "$name")" --hostname "$name" --network brokerd-kubernetes "${labels[@]}" "${options[@]}" \
    -v "$(cat "$cluster/programs"):/programs:ro" -v "$cluster:/cluster" --tmpfs /run:exec,mode=755 -e "SERVICES=$services" \
    -v brokerd-kubernetes-disks:/disks -v brokerd-kubernetes-shared:/shared "$node_image" "$2" >/dev/null ||
    die "the container of $name could not be started"
}

start_node() {
  local zone=$1 other peers=''
  for other in "${zones[@]}"; do
    if [ "$other" != "$zone" ]; then peers="$peers $(pods "$other")=$(address "$other")"; fi
  done
  # Much, but not the host: some capabilities are not every machine's to give, and --privileged wants all.
  start "node-$zone" --ip "$(address "$zone")" --memory "$node_memory" --cgroupns private \
    --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    --security-opt systempaths=unconfined --device-cgroup-rule 'a *:* rwm' -v /var/lib/containerd -v /var/lib/kubelet \
    -e "NAME=node-$zone" -e "ADDRESS=$(address "$zone")" -e "ZONE=$zone" -e "PODS=$(pods "$zone")" -e "PEERS=$peers" -- node.sh
  # Tests, and a gateway outside the cluster, reach pods themselves.
  ip route replace "$(pods "$zone")" via "$(address "$zone")"
}

# explain NAME: the end of what it said.
explain() {
  docker logs --tail 5 "$(container "$1")" >&2 || true
  tail -n 5 "$cluster"/log/*"${1#control}"*.log >&2 || true
}

# Everybody's rights but brokerd's are in cluster/objects.yaml; brokerd gets those of its manifest, and no more.
make_objects() {
  local folder=$root/kubernetes/manifests namespace token
  sed "s/@CONTROL@/$control/" "$sources/cluster/objects.yaml" | kubectl apply -f - >/dev/null
  kubectl create namespace "$own_namespace" >/dev/null
  kubectl apply -f "$folder/namespace.yaml" -f "$folder/rbac.yaml" >/dev/null
  # A pod of a namespace without this account is refused.
  for namespace in default "$own_namespace" "$engines_namespace"; do
    until_true 60 kubectl -n "$namespace" get serviceaccount default || die "the namespace $namespace has no service account after 60 s"
  done
  token=$(kubectl -n "$own_namespace" create token brokerd-provisioner --duration 720h)
  (cd "$cluster" && kubeconfig brokerd.kubeconfig "$server" "$token" "$engines_namespace")
}

up() {
  local zone begun=$SECONDS labels inputs copying image
  require_root up
  require_tool openssl openssl
  require_tool ip iproute2
  for image in "$@"; do
    docker image inspect "$image" >/dev/null 2>&1 || die "the image $image is missing: docker/build.sh builds brokerd's"
  done
  lock
  require_own
  build
  remove_all
  inputs=$(program_inputs)
  umask 077
  mkdir -p "$cluster/log"
  umask 022
  echo "$cache/$inputs" >"$cluster/programs"
  ln -s "$cache/$inputs/kubectl" "$cluster/kubectl"
  cp "$sources/cluster"/* "$cluster/"
  echo "nameserver 127.0.0.1" >"$cluster/resolv.conf"
  (cd "$cluster" && umask 077 && make_accounts)

  labels=(--label "brokerd.kubernetes=$run" --label "brokerd.kubernetes.checkout=$root")
  docker network create --subnet "$network.0/24" -o com.docker.network.bridge.name=brokerd-k8s "${labels[@]}" brokerd-kubernetes >/dev/null ||
    die "the network $network.0/24 could not be made, see above: something else may have these addresses"
  for zone in disks shared; do docker volume create "${labels[@]}" "brokerd-kubernetes-$zone" >/dev/null; done
  start control --ip "$control" --tmpfs /var/lib/etcd -e "ADDRESS=$control" -e "SILENCE=$silence" -- control.sh
  for zone in "${zones[@]}"; do start_node "$zone"; done
  ip route replace "$services" via "$(address c)"

  { copy_images "$pause_image" "$@" && touch "$cluster/images-copied"; } &
  copying=$!
  until_true 60 kubectl get --raw=/readyz || { explain control; die "the API server does not answer after 60 s; see $cluster/log"; }
  make_objects
  wait "$copying" || die "the images could not be copied into all nodes"
  for zone in "${zones[@]}"; do
    until_true 120 node_is "$zone" True || { explain "node-$zone"; die "node-$zone is not ready after 120 s; see $cluster/log"; }
  done
  say "three nodes are ready after $((SECONDS - begun)) s"
  status
}

down() {
  local begun=$SECONDS
  require_root down
  engine_answers || die "no Docker engine answers: run docker/engine.sh first"
  lock
  if [ -z "$(own_objects container -a)$(own_objects network)$(own_objects volume)" ]; then say "no cluster is up"; return; fi
  require_own
  remove_all
  say "the cluster is removed in $((SECONDS - begun)) s"
}

clean() {
  down
  rm -rf "$cache"
  docker rmi -f "$node_image" "$pause_image" >/dev/null 2>&1 || true
}

status() {
  require_cluster
  runs control || die "the control plane has ended: docker logs $(container control), $cluster/log"
  cat <<STATUS
checkout         $(label_of control brokerd.kubernetes.checkout), run $(label_of control brokerd.kubernetes)
KUBECONFIG       $cluster/admin.kubeconfig
as brokerd       $cluster/brokerd.kubeconfig, namespace $engines_namespace
logs             $cluster/log

STATUS
  kubectl get nodes -L topology.kubernetes.io/zone
  echo
  kubectl get storageclasses
}

# ---- images ------------------------------------------------------------------------------------------------------------------

# What has been copied, as "ID NAME", beside the images.
copied=/var/lib/containerd/brokerd-images

copy_to() { # ZONE IMAGE…
  local zone=$1 image id missing=() lines=''
  shift
  until_true 60 in_node "$zone" ctr version </dev/null || { explain "node-$zone"; return 1; }
  for image in "$@"; do
    id=$(docker image inspect -f '{{.Id}}' "$image") || return 1
    in_node "$zone" grep -qxF "$id $image" $copied </dev/null 2>/dev/null && continue
    missing+=("$image")
    lines="$lines$id $image"$'\n'
  done
  [ ${#missing[@]} != 0 ] || return 0
  docker save "${missing[@]}" | in_node "$zone" ctr -n k8s.io images import - >/dev/null || return 1
  printf %s "$lines" | in_node "$zone" tee -a $copied >/dev/null
}

copy_images() {
  local zone pids=() failed=0 begun=$SECONDS
  for zone in "${zones[@]}"; do
    copy_to "$zone" "$@" &
    pids+=($!)
  done
  for zone in "${pids[@]}"; do wait "$zone" || failed=1; done
  [ $failed = 0 ] || return 1
  say "$# image(s) are in all nodes after $((SECONDS - begun)) s"
}

images() {
  local image
  [ $# -gt 0 ] || die "which images? Name those of this machine's engine"
  require_cluster
  for image in "$@"; do docker image inspect "$image" >/dev/null 2>&1 || die "the image $image is missing"; done
  copy_images "$@" || die "the images could not be copied into all nodes"
  for image in "$@"; do
    until_true 60 all_list "$image" || die "not all nodes list $image after 60 s"
  done
}

# Those that are as good as gone list nothing new.
all_list() {
  local zone there
  for zone in "${zones[@]}"; do
    runs "node-$zone" || continue
    there=$(kubectl get node "node-$zone" -o 'jsonpath={.status.images[*].names[*]}') || return 1
    [[ " $there " == *"/$1 "* ]] || return 1
  done
}

# ---- manifests ---------------------------------------------------------------------------------------------------------------

# render [check]: what the chart makes, for those without Helm. It expects a Secret, because nothing secret belongs into files.
render() {
  local program out folder=$root/kubernetes/manifests file
  program=$(helm_program)
  out=$(mktemp -d)
  "$program" template brokerd "$root/kubernetes/chart" --namespace "$own_namespace" --kube-version "$(version k8s.io/kubernetes)" \
    --set existingSecret=brokerd,postgres.enabled=true --output-dir "$out" >/dev/null || die "the chart can't be rendered, see above"
  for file in "$out"/brokerd/templates/*.yaml; do
    # Who applies them is not Helm.
    sed -i -e '/^# Source: /d' -e '/app.kubernetes.io\/managed-by: Helm/d' -e '/helm.sh\/resource-policy/d' -e 's/[[:space:]]*$//' -e '/^$/d' \
      -e '1{/^---$/d}' "$file"
  done
  if [ "${1:-}" = check ]; then
    diff -ru "$folder" "$out/brokerd/templates" >&2 || die "kubernetes/manifests are not what the chart makes: run scripts/kubernetes.sh render"
  else
    rm -f "$folder"/*.yaml
    cp "$out"/brokerd/templates/*.yaml "$folder/"
  fi
  rm -rf "$out"
}

# ---- the suite ---------------------------------------------------------------------------------------------------------------

# Without it a build machine fails, and a user's machine says what it skips, in the words that tests/src/bin/run_tests counts.
skip_suite() {
  [ "${CI:-}" != true ] || die "nothing can be tried on Kubernetes: $*"
  printf 'SKIPPED: tests on Kubernetes: %s\n' "$*" >&2
  exit 0
}

# How tests and benchmarks find the cluster.
environment() {
  printf 'export %s=%q\n' BROKERD_TEST_KUBECONFIG "$cluster/admin.kubeconfig" BROKERD_TEST_ACCOUNT "$cluster/brokerd.kubeconfig" \
    BROKERD_TEST_KUBECTL "$cluster/kubectl"
}

# test_on_cluster [MODULE PROGRAM]: the tests of a module in a program as cargo has built it; or all that there are.
test_on_cluster() {
  local begun=$SECONDS module=${1:-} program=${2:-} user status=0 images=(brokerd/base:trixie)
  [ "$(id -u)" = 0 ] || skip_suite "a cluster takes root"
  # Nothing else than these tests is on it.
  user=$(other_user)
  [ -z "$user" ] || skip_suite "the cluster of $user is up"
  "$root/scripts/kubernetes.sh" build || skip_suite "it can't be built, see above"
  say "Kubernetes $(version k8s.io/kubernetes) is built after $((SECONDS - begun)) s"
  trap '"$root/scripts/kubernetes.sh" down' EXIT
  [ "$module" = kubernetes_runtime ] || images+=(brokerd/{rabbitmq:4.3,rabbitmq:4.0,activemq:5.19,activemq:5.18})
  (up "${images[@]}")
  eval "$(environment)"
  case $module in
    kubernetes_runtime) (cd "$root/provisioner" && "$program" "$module::" --test-threads 3) || status=$? ;;
    # One after the other, because they take nodes away.
    kubernetes) (cd "$root/tests" && "$program" "$module::" --test-threads 1 --nocapture) || status=$? ;;
    *)
      "$root/scripts/test.sh" -p brokerd-provisioner --test runtime_conformance -- kubernetes_runtime:: --test-threads 3 || status=$?
      "$root/scripts/test.sh" -p brokerd-tests --test scenarios -- kubernetes:: --include-ignored --test-threads 1 --nocapture || status=$?
      ;;
  esac
  say "the tests and their cluster took $((SECONDS - begun)) s"
  return "$status"
}

# on_node FUNCTION [NODE]
on_node() {
  local zone=${2:-}
  [ -n "$zone" ] || die "which node? There are: ${zones[*]}"
  zone=${zone#node-}
  number "$zone" >/dev/null
  require_cluster
  "$1" "$zone"
}

case ${1:-} in
  build)
    begun=$SECONDS
    build
    say "Kubernetes $(version k8s.io/kubernetes) and its images are built after $((SECONDS - begun)) s"
    ;;
  up) shift; up "$@" ;;
  down) down ;;
  clean) clean ;;
  status) status ;;
  env) require_cluster; environment ;;
  images) shift; images "$@" ;;
  kubectl) shift; require_cluster; kubectl "$@" ;;
  helm)
    shift
    program=$(helm_program)
    # Charts are rendered without a cluster.
    if [ -r "$cluster/admin.kubeconfig" ]; then export KUBECONFIG=$cluster/admin.kubeconfig; fi
    "$program" "$@"
    ;;
  kill-node) on_node kill_node "${2:-}" ;;
  start-node) on_node switch_on "${2:-}" ;;
  fence-node) on_node fence_node "${2:-}" ;;
  cut-node) on_node cut_node "${2:-}" ;;
  heal-node) on_node heal_node "${2:-}" ;;
  freeze-kubelet) on_node freeze_kubelet "${2:-}" ;;
  thaw-kubelet) on_node thaw_kubelet "${2:-}" ;;
  drain-node) on_node drain_node "${2:-}" ;;
  uncordon-node) on_node uncordon_node "${2:-}" ;;
  test) shift; test_on_cluster "$@" ;;
  check) require_cluster; exec "$sources/check.sh" ;;
  render) render "${2:-}" ;;
  plain-registry) plain_registry "${2:-}" ;;
  *) sed -n '2,26s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
