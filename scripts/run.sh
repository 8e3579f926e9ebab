#!/usr/bin/env bash
# Brings brokerd up from nothing: engine, images, binary, PostgreSQL, brokerd itself. Does only what is missing.
#   scripts/run.sh          up and ready
#   scripts/run.sh env      prints the exports for a shell
#   scripts/run.sh down     stops everything of this installation, keeps its data
#   scripts/run.sh clean    removes everything of this installation
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

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
  [ -r "$pid_file" ] && read -r pid start <"$pid_file" || return 1
  [ -n "$start" ] && [ "$(began "$pid")" = "$start" ] && echo "$pid"
}

runs_current_binary() { [ "$(stat -Lc %d:%i "/proc/$1/exe" 2>/dev/null)" = "$(stat -c %d:%i "$binary" 2>/dev/null)" ]; }

stop_brokerd() {
  local pid deadline=$((SECONDS + 30)) killed=no
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

# make has these two from the environment, which beats the file: one that says otherwise would go unheard.
heed_configuration() {
  local file=${BROKERD_CONFIG:-$data_dir/brokerd.toml} said
  [ -r "$file" ] || return 0
  said=$(sed -n 's/^installation *= *"\(.*\)".*/\1/p' "$file")
  [ "${said:-$installation}" = "$installation" ] || die "$file says installation = \"$said\": set BROKERD_INSTALLATION=$said for make"
  said=$(sed -n 's/^data_dir *= *"\(.*\)".*/\1/p' "$file")
  [ "${said:-$data_dir}" = "$data_dir" ] || die "$file says data_dir = \"$said\": set BROKERD_DATA_DIR=$said for make"
}

ready_seconds=120

own_database() { [ -z "${DATABASE_URL:-}${BROKERD_DATABASE_URL:-}${BROKERD_DATABASE_URL_FILE:-}" ]; }

start() {
  local wanted pid listen deadline=$((SECONDS + ready_seconds))
  if own_database; then
    "$root/scripts/postgres.sh" ensure
    export BROKERD_DATABASE_URL_FILE=$data_dir/database.url
  fi
  wanted=$("$binary" config) || exit 1
  if pid=$(our_pid); then
    if runs_current_binary "$pid" && [ "$wanted" = "$(cat "$running_config" 2>/dev/null)" ] && "$binary" ready --timeout 2 2>/dev/null; then
      say "brokerd (pid $pid) is up to date, running and ready"
      return
    fi
    say "brokerd (pid $pid) is another build, configured otherwise or not ready: starting it anew"
    stop_brokerd
  fi
  # A stranger that answers there would be taken for ours.
  listen=$(sed -n 's/^listen = "\(.*\)"$/\1/p' <<<"$wanted")
  if port_taken "${listen##*:}"; then
    die "another program listens on port ${listen##*:}: stop it, or choose another address with BROKERD_API_LISTEN"
  fi
  # Every connection of a client takes two descriptors.
  ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
  say "starting brokerd, log $log_file"
  setsid nohup "$binary" serve >>"$log_file" 2>&1 </dev/null &
  pid=$!
  printf '%s %s\n' "$pid" "$(began "$pid")" >"$pid_file"
  printf '%s\n' "$wanted" | write_secret "$running_config"
  until "$binary" ready --timeout 1 2>/dev/null; do
    if ! our_pid >/dev/null; then
      tail -n 20 "$log_file" >&2
      rm -f "$pid_file"
      die "brokerd did not start; the end of $log_file is above"
    fi
    [ "$SECONDS" -lt "$deadline" ] || die "brokerd (pid $pid) is not ready after $ready_seconds s; see $log_file"
  done
}

describe() {
  local url region
  # Only these two are wanted, not the credentials.
  url=$("$binary" env | sed -n "s/^export AWS_ENDPOINT_URL_MQ='\(.*\)'$/\1/p")
  region=$("$binary" env | sed -n "s/^export AWS_REGION='\(.*\)'$/\1/p")
  cat <<TEXT

brokerd is ready.

  API           $url
  region        $region
  credentials   $data_dir/credentials
  CA            $data_dir/ca.pem
  log           $log_file

A broker and a message, with the AWS command line:

  eval "\$(make -s env)"
  id=\$(aws mq create-broker --broker-name demo --engine-type RABBITMQ --engine-version 4.3 --deployment-mode SINGLE_INSTANCE --host-instance-type mq.m7g.medium --auto-minor-version-upgrade --no-publicly-accessible --users Username=demo,Password=correct-horse-battery --query BrokerId --output text)
  until url=\$(aws mq describe-broker --broker-id \$id --query "BrokerState == 'RUNNING' && BrokerInstances[0].ConsoleURL" --output text | grep ^https); do sleep 1; done
  curl --fail --cacert "\$BROKERD_CA_FILE" -u demo:correct-horse-battery -X PUT \$url/api/queues/%2f/hello -H content-type:application/json -d '{}' --next --cacert "\$BROKERD_CA_FILE" -u demo:correct-horse-battery \$url/api/exchanges/%2f/amq.default/publish -d '{"routing_key":"hello","payload":"world","payload_encoding":"string","properties":{}}'

Stop it with make down.
TEXT
}

down() {
  local own
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
  local file
  stop_brokerd
  if engine_answers; then
    remove "container(s)" ps -a -- rm -f -v
    remove "network(s)" network ls -- network rm
    detach_disks
    remove "volume(s)" volume ls -- volume rm
  else
    # Data and keys go together or not at all.
    die "no Docker engine answers, so volumes can't be removed: run docker/engine.sh first"
  fi
  for file in master.key credentials ca.pem api.url routes.json database.url postgres.password postgres.port running.toml brokerd.pid brokerd.log images.log; do
    rm -f "$data_dir/$file"
  done
  # Those that were killed have left files there, which are named by identifiers.
  rm -f "$data_dir"/provisioners/????????-????-????-????-????????????
  rmdir "$data_dir/provisioners" 2>/dev/null || true
  if [ -d "$data_dir" ] && ! rmdir "$data_dir" 2>/dev/null; then
    say "$data_dir stays: it holds files that brokerd did not make"
  fi
  say "installation $installation is removed"
}

case ${1:-up} in
  up)
    require_cargo
    ensure_data_dir
    heed_configuration
    "$root/docker/engine.sh" >&2
    build
    start
    describe
    ;;
  env)
    [ -x "$binary" ] || die "brokerd is not built yet: run make run"
    exec "$binary" env
    ;;
  down) down ;;
  clean) clean ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
