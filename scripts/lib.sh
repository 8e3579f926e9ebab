# shellcheck shell=bash
# What all scripts share: where things are, how they speak. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
installation=${BROKERD_INSTALLATION:-default}
me=$(basename "$0" .sh)

# Progress goes to standard error: standard output is for what others read.
say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { printf '%s: %s\n' "$me" "$*" >&2; exit 1; }

[[ $installation =~ ^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$ ]] ||
  die "BROKERD_INSTALLATION=$installation: use at most 20 lower-case letters, digits and hyphens"

# The same place as the binary's own default; other installations get one beside it.
default_data_dir() {
  local base
  if [ "$(id -u)" = 0 ]; then base=/var/lib; else base=${XDG_STATE_HOME:-$HOME/.local/state}; fi
  if [ "$installation" = default ]; then echo "$base/brokerd"; else echo "$base/brokerd-$installation"; fi
}
data_dir=${BROKERD_DATA_DIR:-$(default_data_dir)}
case $data_dir in /*) ;; *) die "BROKERD_DATA_DIR=$data_dir: an absolute path is needed" ;; esac
export BROKERD_INSTALLATION=$installation BROKERD_DATA_DIR=$data_dir

# The engine that the docker command speaks to by its context, as rootless Docker and Docker Desktop make one: brokerd knows no contexts.
heed_context() {
  local endpoint
  [ -z "${DOCKER_HOST:-}" ] || return 0
  # Where none is chosen, the command need not be asked, which takes a moment.
  [ -n "${DOCKER_CONTEXT:-}" ] ||
    grep -qs '"currentContext"' "${DOCKER_CONFIG:-${HOME:-/root}/.docker}/config.json" || return 0
  endpoint=$(timeout 5 docker context inspect -f '{{.Endpoints.docker.Host}}' 2>/dev/null) || return 0
  case $endpoint in
    unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
    unix://* | tcp://*) export DOCKER_HOST=$endpoint ;;
  esac
}
heed_context

ensure_data_dir() {
  if [ ! -d "$data_dir" ]; then
    (umask 077 && mkdir -p "$data_dir") || die "can't make $data_dir: run this as root or set BROKERD_DATA_DIR"
  fi
  [ -w "$data_dir" ] || die "can't write to $data_dir: run this as its owner or set BROKERD_DATA_DIR"
}

# write_secret FILE: standard input becomes its content, there completely or not at all, for this user only.
write_secret() { (umask 077 && cat >"$1.new" && mv "$1.new" "$1"); }

random_hex() { od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# address_taken HOST:PORT: somebody answers there.
address_taken() {
  local host=${1%:*} port=${1##*:}
  [ "$port" != 0 ] || return 1
  host=${host#[}
  case ${host%]} in 0.0.0.0 | '') host=127.0.0.1 ;; ::) host=::1 ;; *) host=${host%]} ;; esac
  (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null
}

# who_listens PORT: its name and process, as far as this user may know.
who_listens() {
  local who=''
  if command -v ss >/dev/null; then
    who=$(ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\),.*/\1 (pid \2)/p' | head -n 1)
  fi
  case $who in '') echo "another program" ;; brokerd\ *) echo "another $who" ;; *) echo "$who" ;; esac
}

# toml_value SECTION KEY: the text of a key in the TOML on standard input; SECTION is empty for what comes before all sections.
toml_value() {
  awk -v wanted="$1" -v key="$2" '
    /^[[:space:]]*\[/ { section = $0; gsub(/[][[:space:]]/, "", section); next }
    section == wanted && $0 ~ "^[[:space:]]*" key "[[:space:]]*=" {
      sub(/^[^=]*=[[:space:]]*/, "")
      quote = substr($0, 1, 1)
      if (quote != "\"" && quote != "\047") next
      $0 = substr($0, 2)
      print substr($0, 1, index($0, quote) - 1)
      exit
    }'
}

profile=${BROKERD_PROFILE:-release}
case $profile in
  release) profile_dir=release ;;
  dev) profile_dir=debug ;;
  *) die "BROKERD_PROFILE=$profile: use release or dev" ;;
esac
# shellcheck disable=SC2034 # for those that source this
binary=${CARGO_TARGET_DIR:-$root/target}/$profile_dir/brokerd

# at_least WANTED HAVE: versions.
at_least() { [ -n "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

cargo_version() { (cargo --version 2>/dev/null || true) | awk '{ print $2 }'; }

# apt_install PACKAGE…: on Debian and Ubuntu, for root.
can_apt_install() { [ "$(id -u)" = 0 ] && [ -r /etc/debian_version ] && command -v apt-get >/dev/null; }
apt_install() {
  local out
  say "installing the package(s) $*"
  out=$(mktemp)
  # Somebody may have killed an installation halfway.
  if ! { dpkg --configure -a && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >"$out" 2>&1; then
    tail -n 20 "$out" >&2
    die "apt-get could not install $*; the end of its output is above ($out)"
  fi
  rm -f "$out"
}

# apt_candidate PACKAGE: the version that would be installed.
apt_candidate() { { apt-cache policy "$1" 2>/dev/null || true; } | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

# Rust that is new enough, and what it links with: found, installed where that can be done, or said in a line.
require_cargo() {
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
  # A shell that was open before rustup came does not know it.
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi
  have=$(cargo_version)
  if [ -z "$have" ] && ! command -v rustup >/dev/null && can_apt_install; then
    [ -n "$(apt_candidate rustup)" ] || apt-get update -qq >/dev/null 2>&1 || true
    if at_least "$wanted" "$(apt_candidate cargo)"; then
      apt_install cargo
    elif [ -n "$(apt_candidate rustup)" ]; then
      # It fetches over TLS, and recommends what that takes.
      apt_install rustup ca-certificates
    fi
    have=$(cargo_version)
  fi
  # Its package brings none, and somebody may have killed what brings one.
  if [ -z "$have" ] && command -v rustup >/dev/null; then
    say "installing Rust"
    { rustup -q toolchain install stable --profile minimal && rustup -q default stable; } >&2 ||
      die "rustup could not install Rust; its words are above"
    have=$(cargo_version)
  fi
  [ -n "$have" ] || die "cargo is missing: install Rust $wanted or newer with https://rustup.rs"
  at_least "$wanted" "$have" || die "cargo $have is too old: Rust $wanted or newer is needed, rustup update brings it"
  if ! command -v cc >/dev/null; then
    can_apt_install || die "a C compiler is missing, which Rust links with: install gcc (Debian packages gcc and libc6-dev)"
    apt_install gcc libc6-dev
  fi
}

# What brokerd is made of: images and the binary, each if it is missing or stale.
build() {
  local images_log=$data_dir/images.log images
  say "preparing images (log $images_log) and the binary ($profile)"
  # A group of its own: its lanes would outlive a build of the binary that fails. One that outlived a start that was killed is waited for.
  # shellcheck disable=SC2016 # the arguments are the inner shell's
  setsid bash -c 'if [ -O "$1" ]; then flock "$1" true; fi; exec "$2"' images \
    "${BROKERD_BUILD_LOGS:-${TMPDIR:-/tmp}/brokerd-images}/lock" "$root/docker/build.sh" >"$images_log" 2>&1 &
  images=$!
  # Expanded now: the variable is gone when the trap runs.
  # shellcheck disable=SC2064
  trap "kill -- -$images 2>/dev/null || true" EXIT
  "$root/scripts/console.sh"
  (cd "$root" && cargo build --locked --profile "$profile" -p brokerd) || die "the binary can't be built; the compiler's words are above"
  while kill -0 "$images" 2>/dev/null; do
    tail -n 1 "$images_log" | sed "s/^/$me: images: /" >&2
    # Short enough not to be noticed, long enough not to fill the screen.
    for _ in $(seq 50); do kill -0 "$images" 2>/dev/null || break; sleep 0.2; done
  done
  trap - EXIT
  if ! wait "$images"; then
    tail -n 12 "$images_log" >&2
    docker image inspect brokerd/postgres:17 >/dev/null 2>&1 || die "the images can't be built; see $images_log"
    say "not all images could be built, their engine versions are not offered; see $images_log"
  fi
}

engine_answers() { command -v docker >/dev/null && timeout 10 docker version -f '{{.Server.Version}}' >/dev/null 2>&1; }

# ids LIST-COMMAND…: of what belongs to this installation.
ids() { docker "$@" --filter "label=brokerd.installation=$installation"; }

# remove KIND LIST-COMMAND… -- REMOVE-COMMAND…
remove() {
  local kind=$1 list=() found
  shift
  while [ "$1" != -- ]; do list+=("$1"); shift; done
  shift
  found=$(ids "${list[@]}" -q)
  [ -n "$found" ] || return 0
  say "removing $(wc -w <<<"$found") $kind"
  # shellcheck disable=SC2086 # one word per object
  docker "$@" $found >/dev/null || die "not all $kind could be removed"
}

# detach_disk VOLUME INSTALLATION: takes the disk whose file is in that volume off its loop device, so that the volume can go for good.
detach_disk() {
  docker run --rm --network none --device-cgroup-rule 'b 7:* rwm' --device-cgroup-rule 'c 10:237 rwm' -v /dev:/dev -v "$1:/disk" \
    brokerd/disk:trixie detach "/dev/brokerd-$2/${1%-disk}"
}

# The disks of this installation; see runtime.sized_volumes.
detach_disks() {
  local volume
  for volume in $(ids volume ls -q --filter label=brokerd.role=disk); do
    detach_disk "$volume" "$installation" || die "a disk could not be detached, see above; docker/build.sh disk:trixie makes what it takes"
  done
}

# firewall COMMAND…: what docker/firewall/firewall.sh does to the packet filter of the engine's host.
firewall() { docker run --rm --network host --userns host --cap-drop ALL --cap-add NET_ADMIN brokerd/firewall:trixie "$@"; }

# The rules for what engines of this installation connect to, and helpers that somebody who was killed has left.
remove_rules() {
  local left
  left=$(docker ps -aq --filter "label=brokerd.firewall=$installation")
  # shellcheck disable=SC2086 # one word per container
  [ -z "$left" ] || docker rm -f -v $left >/dev/null || die "not all helpers could be removed"
  # Without the image nobody has made any.
  docker image inspect brokerd/firewall:trixie >/dev/null 2>&1 || return 0
  firewall remove "brokerd-$installation" || die "the rules for what engines connect to could not be removed, see above"
}

# What tests and benchmarks of a run made and a kill left behind: containers, networks, volumes and data directories, with their keys,
# of installations named after it.
sweep_run() {
  local run=$1 id label
  "$root/scripts/postgres.sh" stop "$run"
  for id in $(docker ps -aq --filter label=brokerd.ephemeral); do
    label=$(docker inspect -f '{{index .Config.Labels "brokerd.ephemeral"}}' "$id" 2>/dev/null || true)
    case $label in "$run"-*) docker rm -f -v "$id" >/dev/null || true ;; esac
  done
  for id in $(docker ps -aq --filter label=brokerd.installation); do
    label=$(docker inspect -f '{{index .Config.Labels "brokerd.installation"}}' "$id" 2>/dev/null || true)
    case $label in "$run"-*) docker rm -f -v "$id" >/dev/null || true ;; esac
  done
  for id in $(docker network ls -q --filter label=brokerd.installation); do
    label=$(docker network inspect -f '{{index .Labels "brokerd.installation"}}' "$id" 2>/dev/null || true)
    case $label in "$run"-*) docker network rm "$id" >/dev/null || true ;; esac
  done
  for id in $(docker ps -aq --filter label=brokerd.firewall); do
    label=$(docker inspect -f '{{index .Config.Labels "brokerd.firewall"}}' "$id" 2>/dev/null || true)
    case $label in "$run"-*) docker rm -f -v "$id" >/dev/null || true ;; esac
  done
  if docker image inspect brokerd/firewall:trixie >/dev/null 2>&1; then
    for label in $(firewall list); do
      case $label in brokerd-"$run"-*) firewall remove "$label" || true ;; esac
    done
  fi
  # There is one cluster of Kubernetes at most.
  label=$(docker ps -a --filter label=brokerd.kubernetes --format '{{.Label "brokerd.kubernetes"}}' | head -n 1)
  case $label in "$run" | "$run"-*) "$root/scripts/kubernetes.sh" down || true ;; esac
  for id in $(docker volume ls -q --filter label=brokerd.installation); do
    label=$(docker volume inspect -f '{{index .Labels "brokerd.installation"}}' "$id" 2>/dev/null || true)
    case $label in
      "$run"-*)
        case $id in *-disk) detach_disk "$id" "$label" || true ;; esac
        docker volume rm "$id" >/dev/null || true
        ;;
    esac
  done
  # Those who are not root may not remove what engines wrote there.
  rm -rf "${TMPDIR:-/tmp}/brokerd-${run:?}-"* 2>/dev/null || true
}

# A Chromium: CHROMIUM if it is set. The headless shell draws nothing for a screen, so pages take it a third less processor time.
find_chromium() {
  local name
  if [ -n "${CHROMIUM:-}" ]; then command -v "$CHROMIUM"; return; fi
  for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    if command -v "$name"; then return; fi
  done
  return 1
}
