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

profile=${BROKERD_PROFILE:-release}
case $profile in
  release) profile_dir=release ;;
  dev) profile_dir=debug ;;
  *) die "BROKERD_PROFILE=$profile: use release or dev" ;;
esac
# shellcheck disable=SC2034 # for those that source this
binary=${CARGO_TARGET_DIR:-$root/target}/$profile_dir/brokerd

require_cargo() {
  command -v cargo >/dev/null ||
    die "cargo is missing: install Rust 1.95 or newer with https://rustup.rs and open a new shell"
}

# What brokerd is made of: images and the binary, each if it is missing or stale.
build() {
  local images_log=$data_dir/images.log images
  say "preparing images (log $images_log) and the binary ($profile)"
  # A group of its own: its lanes would outlive a build of the binary that fails.
  setsid "$root/docker/build.sh" >"$images_log" 2>&1 &
  images=$!
  trap 'kill -- "-$images" 2>/dev/null || true' EXIT
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

# What tests and benchmarks of a run made and a kill left behind: containers, networks and volumes of installations named after it.
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
  for id in $(docker volume ls -q --filter label=brokerd.installation); do
    label=$(docker volume inspect -f '{{index .Labels "brokerd.installation"}}' "$id" 2>/dev/null || true)
    case $label in
      "$run"-*)
        case $id in *-disk) detach_disk "$id" "$label" || true ;; esac
        docker volume rm "$id" >/dev/null || true
        ;;
    esac
  done
}
