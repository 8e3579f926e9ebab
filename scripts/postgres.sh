#!/usr/bin/env bash
# The private PostgreSQL of an installation, in a container:
#   scripts/postgres.sh ensure             starts it, and keeps its URL in <data_dir>/database.url
#   scripts/postgres.sh url                prints that URL, password and all
#   scripts/postgres.sh stop               stops it; the data stays in its volume
#   scripts/postgres.sh --ephemeral NAME   starts one in memory that forgets everything, prints its URL
#   scripts/postgres.sh --durable NAME     starts one that flushes to disk like an installation's, prints its URL
#   scripts/postgres.sh stop NAME          removes that one
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

image=brokerd/postgres:17
wait_seconds=60
first_port=15432
last_port=15931
user=brokerd
database=brokerd

running() { [ "$(docker inspect -f '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }
exists() { docker container inspect "$1" >/dev/null 2>&1; }

require_image() {
  docker image inspect "$image" >/dev/null 2>&1 || die "the image $image is missing: run docker/build.sh postgres:17"
}

# The entrypoint reads the password once, when it creates the cluster. It goes in as a file owned by the server's user, so that it is in
# no environment, argument or label.
inject_password() {
  local container=$1 password=$2 staging
  staging=$(mktemp -d)
  (umask 077 && printf '%s\n' "$password" >"$staging/brokerd_password")
  tar -C "$staging" --owner=999 --group=999 --mode=0400 -cf - brokerd_password | docker cp - "$container:/var/lib/postgresql/" >/dev/null 2>&1 ||
    { rm -rf "$staging"; die "can't put the password into $container"; }
  rm -rf "$staging"
}

# create NAME PASSWORD OPTION… -- SERVER-OPTION…
create() {
  local name=$1 password=$2 options=()
  shift 2
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  docker create --name "$name" "${options[@]}" --shm-size 128m \
    -e POSTGRES_USER=$user -e POSTGRES_DB=$database -e POSTGRES_PASSWORD_FILE=/var/lib/postgresql/brokerd_password \
    "$image" postgres "$@" >/dev/null
  inject_password "$name" "$password"
}

wait_until_answers() {
  local name=$1 deadline=$((SECONDS + wait_seconds))
  until docker exec "$name" pg_isready -q -h 127.0.0.1 -U $user 2>/dev/null; do
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

write_url() {
  printf 'postgres://%s:%s@127.0.0.1:%s/%s\n' $user "$(cat "$password_file")" "$(cat "$port_file")" $database | write_secret "$url_file"
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
  create "$container" "$(cat "$password_file")" \
    --label "brokerd.installation=$installation" --label brokerd.role=postgres --restart unless-stopped --stop-timeout 30 \
    -v "$volume:/var/lib/postgresql/data" -p "127.0.0.1:$(cat "$port_file"):5432" --
}

start_own() {
  local out
  if out=$(docker start "$container" 2>&1 >/dev/null); then return; fi
  case $out in
    *'already allocated'* | *'address already in use'*)
      # The data is in the volume, so the container can go.
      say "port $(cat "$port_file") is taken by another program, choosing another one"
      docker rm -f "$container" >/dev/null
      free_port >"$port_file"
      create_own
      docker start "$container" >/dev/null || die "can't start $container"
      ;;
    *) die "can't start $container: $out" ;;
  esac
}

ensure() {
  ensure_data_dir
  if ! running "$container"; then
    require_image
    ensure_password
    [ -s "$port_file" ] || free_port >"$port_file"
    # A new image or a lost port file means a new container for the same data.
    if exists "$container" && { [ "$(docker inspect -f '{{.Image}}' "$container")" != "$(docker image inspect -f '{{.Id}}' "$image")" ] ||
      [ "$(docker inspect -f '{{(index (index .HostConfig.PortBindings "5432/tcp") 0).HostPort}}' "$container")" != "$(cat "$port_file")" ]; }; then
      docker rm "$container" >/dev/null
    fi
    exists "$container" || create_own
    # brokerd brings its engines back after a restart of Docker, and needs the database for it.
    docker update --restart unless-stopped "$container" >/dev/null
    say "starting $container on 127.0.0.1:$(cat "$port_file")"
    start_own
    wait_until_answers "$container"
  fi
  if [ ! -s "$password_file" ] || [ ! -s "$port_file" ]; then
    die "$container runs, but $password_file or $port_file is missing: restore them, or remove everything with make clean"
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
    create "$name" "$password" --label "$label" -p "127.0.0.1:$port:5432" "$@"
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

durable() { throwaway "$1" --restart unless-stopped -v /var/lib/postgresql/data --; }

case ${1:-} in
  ensure) ensure ;;
  url) [ -s "$url_file" ] || die "there is none yet: run scripts/postgres.sh ensure"; cat "$url_file" ;;
  stop)
    if [ -n "${2:-}" ]; then
      docker rm -f -v "brokerd-ephemeral-$2" >/dev/null 2>&1 || true
    elif running "$container"; then
      docker stop "$container" >/dev/null
      say "$container stopped"
    fi
    ;;
  --ephemeral | --durable) [ -n "${2:-}" ] || die "$1 needs a name"; "${1#--}" "$2" ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
