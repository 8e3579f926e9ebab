#!/usr/bin/env bash
# Brings brokerd up from nothing: engine, images, binary, PostgreSQL, brokerd itself. Does only what is missing.
#   scripts/run.sh                  up and ready
#   scripts/run.sh describe         says how to use it, as at the end of that
#   scripts/run.sh env              prints the exports for a shell
#   scripts/run.sh console          prints a link to the web console that signs in once, within a minute
#   scripts/run.sh down             stops everything of this installation, keeps its data
#   scripts/run.sh clean            removes everything of this installation
#   scripts/run.sh service          up, and from now on with the machine: a service of systemd
#   scripts/run.sh service-remove   stops that, keeps everything else
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=service.sh
. "$(dirname "$0")/service.sh"

pid_file=$data_dir/brokerd.pid
log_file=$data_dir/brokerd.log
# The effective configuration of the running process, to see whether it is the one wanted now.
running_config=$data_dir/running.toml

# When a process began, in clock ticks since boot: with its id, its identity. The name before it may hold blanks, so fields are counted
# from behind that. Nothing for a process that has ended and is only not reaped yet.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# Prints the id of our process, if it still is that process and not a later one that got the same id.
our_pid() {
  local pid start
  if service_is_installed && service_pid; then return; fi
  [ -r "$pid_file" ] && read -r pid start <"$pid_file" || return 1
  [ -n "$start" ] && [ "$(began "$pid")" = "$start" ] && echo "$pid"
}

runs_current_binary() { cmp -s "/proc/$1/exe" "$binary"; }

stop_brokerd() {
  local pid deadline=$((SECONDS + 30)) killed=no
  if service_is_installed && service_pid >/dev/null; then
    [ "$(id -u)" = 0 ] || die "systemd runs this brokerd: use sudo systemctl stop $service_name, or run this as root"
    say "stopping the service $service_name"
    systemctl stop "$service_name" || die "systemd does not stop $service_name; see systemctl status $service_name"
  fi
  if pid=$(our_pid); then
    say "stopping brokerd (pid $pid)"
    kill -TERM "$pid" 2>/dev/null || true
    while our_pid >/dev/null; do
      if [ "$SECONDS" -ge "$deadline" ] && [ $killed = no ]; then
        killed=yes
        say "brokerd (pid $pid) does not stop, killing it"
        kill -KILL "$pid" 2>/dev/null || true
      fi
      sleep 0.1
    done
  fi
  rm -f "$pid_file" "$running_config"
}

config_file() { echo "${BROKERD_CONFIG:-$data_dir/brokerd.toml}"; }

# make has these two from the environment, which beats the file: one that says otherwise would go unheard.
heed_configuration() {
  local file said
  file=$(config_file)
  [ -r "$file" ] || return 0
  said=$(toml_value '' installation <"$file")
  [ "${said:-$installation}" = "$installation" ] || die "$file says installation = \"$said\": set BROKERD_INSTALLATION=$said for make"
  said=$(toml_value '' data_dir <"$file")
  [ "${said:-$data_dir}" = "$data_dir" ] || die "$file says data_dir = \"$said\": set BROKERD_DATA_DIR=$said for make"
}

ready_seconds=120

own_database() { [ -z "${DATABASE_URL:-}${BROKERD_DATABASE_URL:-}${BROKERD_DATABASE_URL_FILE:-}" ]; }

# refuse_stranger HOST:PORT: a stranger that answers there would be taken for ours.
refuse_stranger() {
  if address_taken "$1"; then
    die "port ${1##*:} is taken by $(who_listens "${1##*:}"): stop it, or choose another address with BROKERD_API_LISTEN"
  fi
}

# Before anything is built, as far as it can be told without the binary.
heed_port() {
  local listen=${BROKERD_API_LISTEN:-} file
  our_pid >/dev/null && return
  file=$(config_file)
  if [ -z "$listen" ] && [ -r "$file" ]; then listen=$(toml_value api listen <"$file"); fi
  refuse_stranger "${listen:-127.0.0.1:8642}"
}

launched=''
# The process writes down who it is before it is brokerd, so that a start that is killed leaves none that nobody knows.
launch() {
  # shellcheck disable=SC2016 # the inner shell's
  setsid nohup bash -c '
    read -r stat <"/proc/$$/stat"
    set -- "$1" "$2" ${stat##*) }
    printf "%s %s\n" $$ "${22}" >"$1"
    exec "$2" serve
  ' brokerd "$pid_file" "$binary" >>"$log_file" 2>&1 </dev/null &
  launched=$!
}

# Fails if the process has ended.
wait_until_ready() {
  local deadline=$((SECONDS + ready_seconds))
  # It is another brokerd's answer if there is no authority here yet, and if there is one, brokerd compares it.
  until [ -s "$data_dir/ca.pem" ] && "$binary" ready --timeout 1 2>/dev/null && our_pid >/dev/null; do
    if ! our_pid >/dev/null && { [ -z "$launched" ] || [ -z "$(began "$launched")" ]; }; then return 1; fi
    [ "$SECONDS" -lt "$deadline" ] || die "brokerd (pid $(our_pid || true)) is not ready after $ready_seconds s; see its log"
    sleep 0.1
  done
}

# start [service]
start() {
  local wanted listen pid service=${1:-} length own=no
  if service_is_installed; then service=service; fi
  if own_database; then
    own=yes
    export BROKERD_DATABASE_URL_FILE=$data_dir/database.url
  fi
  wanted=$("$binary" config) || exit 1
  # systemd keeps the log of a service; this one's file would grow for ever if brokerd did not write it itself.
  if [ -z "$service" ] && [ -z "$(toml_value log file <<<"$wanted")" ]; then
    export BROKERD_LOG_FILE=$log_file
    wanted=$("$binary" config)
  fi
  listen=$(toml_value api listen <<<"$wanted")
  our_pid >/dev/null || refuse_stranger "$listen"
  if [ $own = yes ]; then
    if "$root/scripts/postgres.sh" stale; then
      say "the database has to be made anew, on the same data"
      stop_brokerd
    fi
    "$root/scripts/postgres.sh" ensure
  fi
  if pid=$(our_pid); then
    if runs_current_binary "$pid" && [ "$wanted" = "$(cat "$running_config" 2>/dev/null)" ] && "$binary" ready --timeout 2 2>/dev/null &&
      { [ -z "$service" ] || service_is_installed; }; then
      say "brokerd (pid $pid) is up to date, running and ready"
      return
    fi
    say "brokerd (pid $pid) is another build, configured otherwise or not ready: starting it anew"
    stop_brokerd
  fi
  refuse_stranger "$listen"
  if [ -n "$service" ]; then
    run_service
    printf '%s\n' "$wanted" | write_secret "$running_config"
    wait_until_ready || die "brokerd did not start; see journalctl -u $service_name"
    return
  fi
  # Every connection of a client takes two descriptors.
  ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
  say "starting brokerd, log $log_file"
  length=$(stat -c %s "$log_file" 2>/dev/null || echo 0)
  printf '%s\n' "$wanted" | write_secret "$running_config"
  launch
  if ! wait_until_ready; then
    tail -c "+$((length + 1))" "$log_file" | tail -n 20 >&2
    rm -f "$pid_file"
    die "brokerd did not start; the end of $log_file is above"
  fi
}

# The commands of the README that create a broker and get a message through it.
first_steps() { awk '/^<!-- first steps -->$/ { on = 1; next } /^<!-- end -->$/ { on = 0 } on && /^```$/ { code = 0; print "" } on && code { print } on && /^```sh$/ { code = 1 }' "$root/README.md"; }

# A link of a minute, or the page where people sign in by a key.
console_link() {
  if own_database; then export BROKERD_DATABASE_URL_FILE=$data_dir/database.url; fi
  "$binary" console
}

describe() {
  local url region log=$log_file link
  # Only these two are wanted, not the credentials.
  url=$("$binary" env | sed -n "s/^export AWS_ENDPOINT_URL_MQ='\(.*\)'$/\1/p")
  region=$("$binary" env | sed -n "s/^export AWS_REGION='\(.*\)'$/\1/p")
  if service_is_installed; then log="journalctl -u $service_name"; fi
  link=$(console_link 2>/dev/null) || link=$url/console/
  cat <<TEXT

brokerd is ready.

  console       $link
                (signs in once, within a minute; make console prints another one)
  API           $url
  region        $region
  credentials   $data_dir/credentials
  CA            $data_dir/ca.pem
  log           $log

A broker and a message, with bash and the AWS command line:

$(first_steps | sed 's/^\(.\)/  \1/')

Stop it with make down.
TEXT
}

down() {
  local own
  "$root/scripts/observe.sh" stop
  stop_brokerd
  if ! engine_answers; then say "no Docker engine answers, so no container runs"; return; fi
  # Engines first: the database is what remembers them.
  own=$(ids ps -q | grep -vFx "$(docker ps -q --filter "name=^brokerd-$installation-postgres$" | grep . || echo none)" || true)
  if [ -n "$own" ]; then
    say "stopping $(wc -w <<<"$own") engine container(s)"
    # shellcheck disable=SC2086 # one word per container
    docker stop $own >/dev/null || die "not all containers could be stopped; see docker ps"
  fi
  "$root/scripts/postgres.sh" stop
  say "installation $installation is down; its data is kept"
}

clean() {
  local file had_key=no
  # Data and keys go together or not at all.
  engine_answers || die "no Docker engine answers, so volumes can't be removed: run docker/engine.sh first"
  stop_brokerd
  "$root/scripts/observe.sh" remove
  remove_service
  remove "container(s)" ps -a -- rm -f -v
  remove "network(s)" network ls -- network rm
  remove_rules
  detach_disks
  remove "volume(s)" volume ls -- volume rm
  [ ! -e "$data_dir/master.key" ] || had_key=yes
  for file in master.key credentials ca.pem prometheus-token api.url routes.json database.url postgres.password postgres.port postgres/no-socket running.toml \
    brokerd.pid brokerd.log images.log; do
    rm -f "$data_dir/$file" "$data_dir/$file.new"
  done
  # Earlier versions left files named by an identifier when they were killed in the middle of a write; older logs are numbered.
  local id='????????-????-????-????-????????????'
  # shellcheck disable=SC2086 # a pattern
  rm -f "$data_dir"/*.new-$id "$data_dir"/provisioners/w-$id "$data_dir"/brokerd.log.[0-9]* \
    "$data_dir"/postgres/run/.s.PGSQL.5432 "$data_dir"/postgres/run/.s.PGSQL.5432.lock
  rmdir "$data_dir/provisioners" "$data_dir/postgres/run" "$data_dir/postgres" 2>/dev/null || true
  if [ -d "$data_dir" ] && ! rmdir "$data_dir" 2>/dev/null; then
    say "$data_dir stays: it holds files that brokerd did not make"
  fi
  if [ $had_key = yes ] && ! own_database; then
    say "the database stays, because it is yours; master.key, which opened it, is gone: empty it before the next make run"
  fi
  say "installation $installation is removed"
}

up() {
  ensure_data_dir
  heed_configuration
  heed_port
  require_cargo
  "$root/docker/engine.sh" >&2
  build
  start "$@"
}

case ${1:-up} in
  up)
    up
    describe
    ;;
  describe) describe ;;
  console)
    [ -x "$binary" ] || die "brokerd is not built yet: run make run"
    console_link
    ;;
  env)
    [ -x "$binary" ] || die "brokerd is not built yet: run make run"
    exec "$binary" env
    ;;
  down) down ;;
  clean) clean ;;
  service)
    if has_systemd && [ "$(id -u)" = 0 ]; then
      up service
      describe
    else
      up
      # Where systemd keeps the log, brokerd writes no file of its own.
      [ "${BROKERD_LOG_FILE:-}" != "$log_file" ] || unset BROKERD_LOG_FILE
      explain_service
    fi
    ;;
  service-remove)
    # Where it is, it is what runs brokerd.
    remove_service
    ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
