#!/usr/bin/env bash
# The private PostgreSQL of an installation, in a container:
#   scripts/postgres.sh ensure             starts it, and keeps its URL in <data_dir>/database.url
#   scripts/postgres.sh url                prints that URL, password and all
#   scripts/postgres.sh stale              succeeds if it runs otherwise than it would be started now
#   scripts/postgres.sh stop               stops it; the data stays in its volume
#   scripts/postgres.sh --ephemeral NAME   starts one in memory that forgets everything, prints its URL
#   scripts/postgres.sh --durable NAME     starts one that flushes to disk like an installation's, prints its URL
#   scripts/postgres.sh stop NAME          removes that one
# An installation's listens on a socket in <data_dir>/postgres/run and in no network at all. With BROKERD_POSTGRES_PORT, and with engines
# on another machine than this one (Docker Desktop's counts), it is published on that port of the loopback instead, or a free one.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

image=brokerd/postgres:17
wait_seconds=60
first_port=15432
last_port=15931
user=brokerd
database=brokerd
# A volume, because nothing can be put into a root that is read-only.
password_mount=/run/brokerd-database

# As the containers of engines are.
hardening=(
  --cap-drop ALL --security-opt no-new-privileges --read-only --pids-limit 512
  # Every call waits for it: engines that boot must not keep processors from it.
  --cpu-shares 8192
  --tmpfs "/tmp:rw,nosuid,nodev,noexec,size=64m,mode=1777"
  --log-driver json-file --log-opt max-size=10m --log-opt max-file=2
  --shm-size 128m
)
# Where the server's socket is if nobody but the server itself needs it.
hidden_socket=(--tmpfs "/run/postgresql:rw,nosuid,nodev,noexec,size=1m,uid=999,gid=999,mode=0755")

state() { docker inspect -f '{{.State.Status}}' "$1" 2>/dev/null || true; }
running() { [ "$(state "$1")" = running ]; }

require_image() {
  docker image inspect "$image" >/dev/null 2>&1 || die "the image $image is missing: run docker/build.sh postgres:17"
}

# The entrypoint reads the password once, when it creates the cluster. It goes in as a file owned by the server's user, so that it is in
# no environment, argument or label.
inject_password() {
  local container=$1 password=$2 staging
  staging=$(mktemp -d)
  (umask 077 && printf '%s\n' "$password" >"$staging/password")
  tar -C "$staging" --owner=999 --group=999 --mode=0400 -cf - password | docker cp - "$container:$password_mount/" >/dev/null 2>&1 ||
    { rm -rf "$staging"; die "can't put the password into $container"; }
  rm -rf "$staging"
}

# create NAME PASSWORD OPTION… -- SERVER-OPTION…
create() {
  local name=$1 password=$2 options=()
  shift 2
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  docker create --name "$name" "${options[@]}" "${hardening[@]}" -v $password_mount \
    -e POSTGRES_USER=$user -e POSTGRES_DB=$database -e POSTGRES_PASSWORD_FILE=$password_mount/password \
    "$image" postgres "$@" >/dev/null
  inject_password "$name" "$password"
}

wait_until_answers() {
  local name=$1 deadline=$((SECONDS + wait_seconds))
  until docker exec "$name" pg_isready -q -U $user 2>/dev/null; do
    if ! running "$name"; then
      docker logs --tail 20 "$name" >&2 || true
      die "$name ended right after its start; the end of its log is above"
    fi
    [ "$SECONDS" -lt "$deadline" ] || die "$name does not answer after $wait_seconds s; see docker logs $name"
    sleep 0.1
  done
}

free_port() {
  local port
  for port in $(seq $first_port $last_port); do
    if ! port_taken "$port"; then echo "$port"; return; fi
  done
  die "no port is free in $first_port-$last_port"
}

container=brokerd-$installation-postgres
volume=brokerd-$installation-postgres
password_file=$data_dir/postgres.password
port_file=$data_dir/postgres.port
url_file=$data_dir/database.url
# Everybody may look into the inner directory, among them the server in its container, which is another user; but nobody gets that far.
private_dir=$data_dir/postgres
socket_dir=$private_dir/run
socket=$socket_dir/.s.PGSQL.5432
# Noted when a socket turned out not to be seen on this side.
no_socket=$private_dir/no-socket

by_port() {
  [ -z "${BROKERD_POSTGRES_PORT:-}" ] || return 0
  case ${DOCKER_HOST:-unix://} in unix://*) ;; *) return 0 ;; esac
  # The longest address of a socket.
  [ ${#socket} -le 107 ] || return 0
  [ ! -e "$no_socket" ] || return 0
  [ "$(docker info -f '{{.OperatingSystem}}' 2>/dev/null)" = 'Docker Desktop' ]
}

ensure_port() {
  [ -z "${BROKERD_POSTGRES_PORT:-}" ] || printf '%s\n' "$BROKERD_POSTGRES_PORT" >"$port_file"
  [ -s "$port_file" ] || free_port >"$port_file"
}

# Fills own_options and own_server_options. Whoever changes them, changes what containers are replaced by.
choose() {
  own_options=(
    --label "brokerd.installation=$installation" --label brokerd.role=postgres --restart unless-stopped --stop-timeout 30
    -v "$volume:/var/lib/postgresql/data"
  )
  own_server_options=()
  if by_port; then
    ensure_port
    own_options+=("${hidden_socket[@]}" -p "127.0.0.1:$(cat "$port_file"):5432")
    where=127.0.0.1:$(cat "$port_file")
  else
    (umask 077 && mkdir -p "$private_dir")
    mkdir -p "$socket_dir"
    chmod 0777 "$socket_dir"
    own_options+=(--network none -v "$socket_dir:/run/postgresql:z")
    own_server_options=(-c listen_addresses=)
    where=$socket
  fi
}

# What the container is made from, in short. Without the image, nothing can be made anew.
fingerprint() {
  local id
  id=$(docker image inspect -f '{{.Id}}' "$image" 2>/dev/null) || return 0
  printf '%s\n' "$id" "${own_options[@]}" "${hardening[@]}" "${own_server_options[@]}" | sha256sum | cut -c1-16
}

is_stale() {
  local wanted
  wanted=$(fingerprint)
  [ -n "$wanted" ] && [ "$(docker inspect -f '{{index .Config.Labels "brokerd.spec"}}' "$container" 2>/dev/null)" != "$wanted" ]
}

# A parameter of a URL.
escaped() {
  local text=$1 i
  for ((i = 0; i < ${#text}; i++)); do
    case ${text:i:1} in [a-zA-Z0-9/._~-]) printf '%s' "${text:i:1}" ;; *) printf '%s' "${text:i:1}" | od -An -tx1 -v | tr -d '\n' | tr ' ' '%' ;; esac
  done
}

write_url() {
  local password
  password=$(cat "$password_file")
  if by_port; then
    printf 'postgres://%s:%s@127.0.0.1:%s/%s\n' $user "$password" "$(cat "$port_file")" $database
  else
    printf 'postgres://%s:%s@localhost/%s?host=%s\n' $user "$password" $database "$(escaped "$socket_dir")"
  fi | write_secret "$url_file"
}

ensure_password() {
  [ -s "$password_file" ] && return
  if docker volume inspect "$volume" >/dev/null 2>&1; then
    die "the volume $volume exists, but its password $password_file does not: restore that file, or remove everything with make clean"
  fi
  random_hex 24 | write_secret "$password_file"
}

create_own() {
  docker volume create --label "brokerd.installation=$installation" "$volume" >/dev/null
  create "$container" "$(cat "$password_file")" "${own_options[@]}" --label "brokerd.spec=$(fingerprint)" -- "${own_server_options[@]}"
}

start_own() {
  local out
  if out=$(docker start "$container" 2>&1 >/dev/null); then return; fi
  case $out in
    *'already allocated'* | *'address already in use'*)
      [ -z "${BROKERD_POSTGRES_PORT:-}" ] || die "port $BROKERD_POSTGRES_PORT is taken by another program: choose another BROKERD_POSTGRES_PORT"
      # The data is in the volume, so the container can go.
      say "port $(cat "$port_file") is taken by another program, choosing another one"
      docker rm -f -v "$container" >/dev/null
      free_port >"$port_file"
      choose
      create_own
      docker start "$container" >/dev/null || die "can't start $container"
      ;;
    *) die "can't start $container: $out" ;;
  esac
}

ensure() {
  ensure_data_dir
  ensure_password
  choose
  case $(state "$container") in
    '') ;;
    # A start that was killed may not have given it its password.
    created) docker rm -v "$container" >/dev/null ;;
    *)
      if is_stale; then
        say "$container is made anew, on the same data"
        docker stop "$container" >/dev/null
        docker rm -f -v "$container" >/dev/null
      fi
      ;;
  esac
  if ! running "$container"; then
    [ -n "$(state "$container")" ] || { require_image; create_own; }
    # Docker starts it after a restart of its own, and brokerd if Docker does not.
    docker update --restart unless-stopped "$container" >/dev/null
    say "starting $container on $where"
    start_own
  fi
  wait_until_answers "$container"
  if ! by_port && [ ! -S "$socket" ]; then
    say "the engine does not share $socket with this machine: using a port"
    touch "$no_socket"
    ensure
    return
  fi
  write_url
}

# throwaway NAME OPTION… -- SERVER-OPTION…: one that goes with everything in it when it is stopped. It keeps its port when it is
# started again.
throwaway() {
  local name=brokerd-ephemeral-$1 label=brokerd.ephemeral=$1 password port out=''
  shift
  require_image
  docker rm -f -v "$name" >/dev/null 2>&1 || true
  password=$(random_hex 16)
  for port in $(seq $first_port $last_port); do
    if port_taken "$port"; then continue; fi
    create "$name" "$password" --label "$label" "${hidden_socket[@]}" -p "127.0.0.1:$port:5432" "$@"
    if out=$(docker start "$name" 2>&1 >/dev/null); then
      wait_until_answers "$name"
      printf 'postgres://%s:%s@127.0.0.1:%s/%s\n' $user "$password" "$port" $database
      return
    fi
    docker rm -f -v "$name" >/dev/null
    # Somebody else was quicker.
    case $out in *'already allocated'* | *'address already in use'*) ;; *) die "can't start $name: $out" ;; esac
  done
  die "no port is free in $first_port-$last_port"
}

ephemeral() {
  throwaway "$1" --tmpfs /var/lib/postgresql/data:rw,uid=999,gid=999,mode=0700,size=2g \
    -- -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 -c max_wal_size=256MB
}

durable() {
  # Benchmarks ask it what it was asked.
  throwaway "$1" --restart unless-stopped -v /var/lib/postgresql/data -- -c shared_preload_libraries=pg_stat_statements
}

case ${1:-} in
  ensure) ensure ;;
  url) [ -s "$url_file" ] || die "there is none yet: run scripts/postgres.sh ensure"; cat "$url_file" ;;
  stale) running "$container" && choose && is_stale ;;
  stop)
    if [ -n "${2:-}" ]; then
      docker rm -f -v "brokerd-ephemeral-$2" >/dev/null 2>&1 || true
    elif running "$container"; then
      docker stop "$container" >/dev/null
      say "$container stopped"
    fi
    ;;
  --ephemeral | --durable) [ -n "${2:-}" ] || die "$1 needs a name"; "${1#--}" "$2" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
