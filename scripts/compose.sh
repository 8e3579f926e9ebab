#!/usr/bin/env bash
# Brings brokerd up in containers, by docker/compose.yaml. Does only what is missing.
#   scripts/compose.sh           up and ready; with the argument --profile replica, a second brokerd too
#   scripts/compose.sh image     only builds the image of brokerd
#   scripts/compose.sh console   prints a link to the web console that signs in once, within a minute
#   scripts/compose.sh env       prints the exports for a shell on this machine
#   scripts/compose.sh down      stops everything of this installation, keeps its data
#   scripts/compose.sh clean     removes everything of this installation
#   scripts/compose.sh do …      any other command of Compose on it: do ps, do logs -f brokerd
# With BROKERD_IMAGE, that image is taken and nothing is built.
set -euo pipefail
# Not the one that make run brings up.
export BROKERD_INSTALLATION=${BROKERD_INSTALLATION:-compose}
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ready_seconds=120
socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=${socket#unix://}

compose_command() {
  if docker compose version >/dev/null 2>&1; then echo docker compose; elif command -v docker-compose >/dev/null; then echo docker-compose; fi
}

require_compose() {
  local package out
  [ -z "$(compose_command)" ] || return 0
  if [ "$(id -u)" != 0 ] || [ ! -r /etc/debian_version ]; then
    die "Docker Compose is missing: install it (https://docs.docker.com/compose/install/), or run this as root on Debian or Ubuntu"
  fi
  out=$(mktemp)
  apt-get update -qq >"$out" 2>&1 || true
  # Ubuntu's name for version 2 comes first; Debian's has version 1 or 2, as its release has it.
  for package in docker-compose-v2 docker-compose; do
    apt-cache show "$package" >/dev/null 2>&1 || continue
    say "installing the package $package"
    if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >>"$out" 2>&1; then
      rm -f "$out"
      return
    fi
  done
  tail -n 20 "$out" >&2
  die "apt-get could not install Docker Compose; the end of its output is above ($out)"
}

compose() {
  local command
  read -ra command <<<"$(compose_command)"
  [ ${#command[@]} != 0 ] || die "Docker Compose is missing: run make compose-up"
  COMPOSE_IGNORE_ORPHANS=1 "${command[@]}" -f "$root/docker/compose.yaml" -p "brokerd-$installation" "$@"
}

# The host's address in Docker's default network, which its programs, containers and brokers reach; loopback where it is another machine's.
shared_address() {
  local address
  # Not every engine tells it; then it is the first of its subnet.
  for address in $(docker network inspect -f '{{range .IPAM.Config}}{{.Gateway}} {{.Subnet}} {{end}}' bridge 2>/dev/null | sed 's|[0-9]*/[0-9]*|1|g'); do
    if here "$address"; then echo "$address"; return; fi
  done
  echo 127.0.0.1
}

# Whether an address is this machine's.
here() { awk -v wanted="$1" '$1 == "|--" { address = $2 } address == wanted && /host LOCAL/ { found = 1 } END { exit !found }' /proc/net/fib_trie 2>/dev/null; }

# Where endpoints are published, and what clients are told.
endpoints() {
  # One who publishes everything elsewhere means these, too.
  BROKERD_PUBLISH_ENDPOINTS=${BROKERD_PUBLISH_ENDPOINTS:-${BROKERD_PUBLISH_ADDRESS:-$(shared_address)}}
  if [ -z "${BROKERD_PUBLISH_HOST:-}" ]; then
    case $BROKERD_PUBLISH_ENDPOINTS in 0.0.0.0) BROKERD_PUBLISH_HOST=$(shared_address) ;; *) BROKERD_PUBLISH_HOST=$BROKERD_PUBLISH_ENDPOINTS ;; esac
  fi
  # Beside the port of the API, so that who chooses another one need not choose this, too.
  BROKERD_PUBLISH_OPERATIONS=${BROKERD_PUBLISH_OPERATIONS:-$((${BROKERD_PUBLISH_API:-8642} + 1000))}
  export BROKERD_PUBLISH_ENDPOINTS BROKERD_PUBLISH_HOST BROKERD_PUBLISH_OPERATIONS
}

# What compose.yaml wants to know.
variables() {
  case $socket in /*) ;; *) die "DOCKER_HOST=$socket: brokerd in a container needs Docker's socket on this machine" ;; esac
  [ -S "$socket" ] || die "$socket is no socket: run docker/engine.sh"
  export BROKERD_DOCKER_SOCKET=$socket
  BROKERD_DOCKER_GID=${BROKERD_DOCKER_GID:-$(stat -c %g "$socket")}
  case $profile in
    release) BROKERD_IMAGE=${BROKERD_IMAGE:-brokerd/brokerd:latest} ;;
    dev) BROKERD_IMAGE=${BROKERD_IMAGE:-brokerd/brokerd:dev} ;;
  esac
  export BROKERD_DOCKER_GID BROKERD_IMAGE
  endpoints
}

image() { BROKERD_PROFILE=$profile "$root/docker/build.sh" brokerd >&2; }

start() {
  local deadline=$((SECONDS + ready_seconds))
  say "starting the containers of brokerd-$installation"
  case $BROKERD_PUBLISH_HOST in 127.*) say "endpoints are at $BROKERD_PUBLISH_HOST, which leads no container and no broker to them; see BROKERD_PUBLISH_ENDPOINTS" ;; esac
  compose "$@" up -d >&2 || die "Compose could not start them; its words are above"
  until compose exec -T brokerd brokerd ready --timeout 5 >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      compose logs --tail 20 brokerd >&2 || true
      die "brokerd is not ready after $ready_seconds s; the end of its log is above"
    fi
    sleep 0.2
  done
}

environment() {
  ensure_data_dir
  compose exec -T brokerd cat /var/lib/brokerd/ca.pem >"$data_dir/ca.pem.new" || die "brokerd does not run: run make compose-up"
  mv "$data_dir/ca.pem.new" "$data_dir/ca.pem"
  compose exec -T brokerd brokerd env | sed "s|^export BROKERD_CA_FILE=.*|export BROKERD_CA_FILE='$data_dir/ca.pem'|"
}

# A link that signs in once, within a minute, at the address where this machine has the API.
console_link() {
  local address=${BROKERD_PUBLISH_ADDRESS:-127.0.0.1}
  case $address in 0.0.0.0) address=127.0.0.1 ;; esac
  compose exec -T brokerd brokerd console | sed "s|^\([a-z]*\)://[^/]*|\1://$address:${BROKERD_PUBLISH_API:-8642}|"
}

describe() {
  local link
  link=$(console_link 2>/dev/null) || link="scripts/compose.sh console"
  cat <<TEXT

brokerd is ready.

  console       $link
  API           http://${BROKERD_PUBLISH_ADDRESS:-127.0.0.1}:${BROKERD_PUBLISH_API:-8642}, in the network apps-$installation http://brokerd:8642
  endpoints     as DescribeBroker says, at $BROKERD_PUBLISH_HOST; in the network apps-$installation also at brokerd.internal, on the same ports
  metrics       http://127.0.0.1:$BROKERD_PUBLISH_OPERATIONS/metrics
  credentials   eval "\$(make -s compose-env)"
  logs          scripts/compose.sh do logs -f

Stop it with make compose-down.
TEXT
}

# Engines last: as long as brokerd runs, it starts what ends. Containers go, because one that was stopped could not be started any more
# once a network that it was in is gone.
down() {
  local own
  if ! engine_answers; then say "no Docker engine answers, so no container runs"; return; fi
  variables
  compose --profile replica rm -f -s -v brokerd replica gateway >&2 || die "Compose could not stop brokerd; its words are above"
  own=$(ids ps -q --filter label=brokerd.broker)
  if [ -n "$own" ]; then
    say "stopping $(wc -w <<<"$own") engine container(s)"
    # shellcheck disable=SC2086 # one word per container
    docker stop $own >/dev/null || die "not all containers could be stopped; see docker ps"
  fi
  compose rm -f -s postgres password >&2 || die "Compose could not stop the database; its words are above"
  # Another version of Compose would refuse to use them. Where applications still are, it stays.
  docker network rm "apps-$installation" "brokerd-${installation}_database" >/dev/null 2>&1 || true
  say "installation $installation is down; its data is kept"
}

clean() {
  engine_answers || die "no Docker engine answers, so volumes can't be removed: run docker/engine.sh first"
  # By label, so that it works without Compose, and for what a killed start left behind. Engines last: brokerd would replace them.
  remove "container(s) of brokerd" ps -a --filter label=brokerd.role -- rm -f -v
  remove "container(s)" ps -a -- rm -f -v
  remove_rules
  detach_disks
  remove "volume(s)" volume ls -- volume rm
  rm -f "$data_dir/ca.pem" "$data_dir/images.log"
  if [ -d "$data_dir" ] && ! rmdir "$data_dir" 2>/dev/null; then
    say "$data_dir stays: it holds files that were not made here"
  fi
  # Last, because an application that is still in one keeps it, and nothing else.
  remove "network(s)" network ls -- network rm
  say "installation $installation is removed"
}

case ${1:-up} in
  up | --profile)
    [ "${1:-}" != up ] || shift
    ensure_data_dir
    "$root/docker/engine.sh" >&2
    require_compose
    if [ -z "${BROKERD_IMAGE:-}" ]; then
      require_cargo
      build
      image
    fi
    variables
    start "$@"
    describe
    ;;
  image)
    require_cargo
    "$root/docker/engine.sh" >&2
    "$root/scripts/console.sh"
    (cd "$root" && cargo build --locked --profile "$profile" -p brokerd)
    image
    ;;
  env) variables; environment ;;
  console) variables; console_link ;;
  down) down ;;
  clean) clean ;;
  do) shift; variables; compose "$@" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
