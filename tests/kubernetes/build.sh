# shellcheck shell=bash
# Makes the programs and images of a cluster of tests, and Helm. Sourced by scripts/kubernetes.sh, never run.
# shellcheck disable=SC2154 # what is not assigned here is that script's or lib.sh's

# version MODULE [FOLDER]: as go.mod has it.
version() { awk -v module="$1" '$1 == module && $2 ~ /^v/ { sub(/^v/, "", $2); print $2; exit }' "$sources/${2:-.}/go.mod"; }

wanted_go() { awk '$1 == "go" { print $2; exit }' "$sources/go.mod"; }
go_version() { (GOTOOLCHAIN=local go version 2>/dev/null || true) | sed -n 's/^go version go\([0-9.]*\).*/\1/p'; }

require_go() {
  local wanted have package
  wanted=$(wanted_go)
  # Where Go's own archive is unpacked.
  if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then PATH=$PATH:/usr/local/go/bin; fi
  have=$(go_version)
  if ! at_least "$wanted" "$have" && can_apt_install; then
    apt-get update -qq >/dev/null 2>&1 || true
    for package in golang-go "golang-${wanted%.*}-go"; do
      at_least "${wanted%.*}" "$(apt_candidate "$package" | sed 's/^[0-9]*://')" || continue
      apt_install "$package"
      PATH=/usr/lib/go-${wanted%.*}/bin:$PATH
      break
    done
    have=$(go_version)
  fi
  [ -n "$have" ] || die "Go is missing: install $wanted or newer (https://go.dev/dl)"
  at_least "$wanted" "$have" || die "Go $have is too old: $wanted or newer is needed (https://go.dev/dl)"
}

# Of all that the programs are made of.
program_inputs() {
  (cd "$sources" && find . \( -name '*.go' -o -name 'go.*' \) -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}
image_inputs() {
  (cd "$sources/node" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

# compile OUTPUT FOLDER PACKAGE LINKER-FLAGS
compile() {
  local start=$SECONDS
  say "compiling $(basename "$1")"
  (cd "$sources/$2" && CGO_ENABLED=0 GOFLAGS='-buildvcs=false -mod=readonly' \
    go build -trimpath -tags grpcnotrace -ldflags "-s -w $4" -o "$1" "$3") 2> >(grep -v '^go: downloading' >&2) ||
    die "$(basename "$1") can't be compiled; the compiler's words are above"
  say "$(basename "$1"): $(($(stat -c %s "$1") / 1000000)) MB in $((SECONDS - start)) s"
}

# build_programs INPUTS: into the cache, there completely or not at all.
build_programs() {
  local out=$cache/$1 new=$cache/$1.new kubernetes flags='' package program old
  [ ! -x "$out/kubectl" ] || return 0
  require_go
  rm -rf "$new"
  mkdir -p "$new"
  kubernetes=$(version k8s.io/kubernetes)
  # Without these, parts call themselves v0.0.0-master, and some refuse to work with others.
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags="$flags -X $package.gitVersion=v$kubernetes -X $package.gitTreeState=clean"
    flags="$flags -X $package.gitMajor=${kubernetes%%.*} -X $package.gitMinor=$(cut -d . -f 2 <<<"$kubernetes")"
  done
  compile "$new/pause" . ./pause ''
  compile "$new/dns" dns . ''
  compile "$new/kubernetes" . . "$flags"
  for program in $programs; do ln -s kubernetes "$new/$program"; done
  mv "$new" "$out"
  # The last two stay: a checkout of yesterday need not build again.
  # shellcheck disable=SC2012 # names without surprises, by age
  for old in $(ls -dt "$cache"/????????????????/ | tail -n +3); do rm -rf "$old"; done
}

# build_image TAG INPUTS CONTEXT [OPTION…]
build_image() {
  local tag=$1 inputs=$2 context=$3 start=$SECONDS log=$cache/image.log
  shift 3
  [ "$(docker image inspect -f '{{index .Config.Labels "brokerd.inputs"}}' "$tag" 2>/dev/null)" != "$inputs" ] || return 0
  say "building $tag, log $log"
  # As for brokerd's own images: only the classic builder is asked for.
  if ! DOCKER_BUILDKIT=0 docker build --force-rm --label "brokerd.inputs=$inputs" -t "$tag" "$@" "$context" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "$tag can't be built; the end of $log is above"
  fi
  say "$tag: built in $((SECONDS - start)) s"
}

build() {
  local inputs context
  mkdir -p "$cache"
  "$root/docker/engine.sh" >&2
  exec 9>"$cache/building"
  flock 9
  inputs=$(program_inputs)
  build_programs "$inputs"
  # Any image on the base will do to have the base made.
  docker image inspect brokerd/base:trixie >/dev/null 2>&1 || "$root/docker/build.sh" --force firewall:trixie >&2
  build_image "$node_image" "$(image_inputs)" "$sources/node" --build-arg BASE=brokerd/base:trixie
  context=$cache/pause
  rm -rf "$context"
  mkdir -p "$context"
  cp "$cache/$inputs/pause" "$context/"
  printf 'FROM scratch\nLABEL brokerd.kubernetes.stage=image\nCOPY pause /pause\nUSER 65534:65534\nENTRYPOINT ["/pause"]\n' >"$context/Dockerfile"
  build_image "$pause_image" "$inputs" "$context"
  rm -rf "$context"
  docker image prune -f --filter label=brokerd.kubernetes.stage >/dev/null
  flock -u 9
}

# The version whose libraries are those of the cluster.
helm_version=3.19.5

# helm_program: the path of Helm, which is made where it is missing.
helm_program() {
  local folder=$cache/helm-$helm_version begun=$SECONDS flags minor package
  if [ ! -x "$folder/helm" ]; then
    mkdir -p "$cache"
    exec 9>"$cache/building"
    flock 9
    require_go
    say "compiling Helm $helm_version"
    # Without these it takes every cluster that it does not see for one of version 1.20.
    minor=$(version k8s.io/kubernetes | cut -d . -f 2)
    flags="-s -w -X helm.sh/helm/v3/internal/version.version=v$helm_version"
    for package in helm.sh/helm/v3/pkg/chartutil helm.sh/helm/v3/pkg/lint/rules; do
      flags="$flags -X $package.k8sVersionMajor=1 -X $package.k8sVersionMinor=$minor"
    done
    GOBIN=$folder CGO_ENABLED=0 GOFLAGS=-trimpath go install -ldflags "$flags" "helm.sh/helm/v3/cmd/helm@v$helm_version" >&2 ||
      die "Helm can't be compiled; the compiler's words are above"
    say "helm: $(($(stat -c %s "$folder/helm") / 1000000)) MB in $((SECONDS - begun)) s"
    flock -u 9
  fi
  echo "$folder/helm"
}
