#!/usr/bin/env bash
# Prometheus beside `make run`, with the rules and targets of observability/, and Grafana with its dashboards where an image can be had.
#   scripts/observe.sh              starts them, or starts them anew, and says how to use them
#   scripts/observe.sh stop         stops them, keeps their data
#   scripts/observe.sh remove       removes them with their data
#   scripts/observe.sh install DIR  only unpacks Prometheus there, and prints the directory of its programs
#   scripts/observe.sh config       only prints the configuration
# BROKERD_OBSERVE_PORT (9090) and BROKERD_OBSERVE_GRAFANA_PORT (3000): where they listen, on loopback.
# BROKERD_OBSERVE_USERNAME, BROKERD_OBSERVE_PASSWORD: a user that RabbitMQ brokers have. Without it their nodes are left out.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

directory=$data_dir/observe
port=${BROKERD_OBSERVE_PORT:-9090}
grafana_port=${BROKERD_OBSERVE_GRAFANA_PORT:-3000}
grafana_image=${BROKERD_OBSERVE_GRAFANA_IMAGE:-docker.io/grafana/grafana:latest}
grafana=brokerd-$installation-grafana
pid_file=$directory/prometheus.pid
log_file=$directory/prometheus.log

# install DIR: Debian's Prometheus, unpacked there, because its package would also start one as a service of the machine.
install() {
  local to=$1 deb
  if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    dirname "$(command -v prometheus)"
    return
  fi
  if [ ! -x "$to/usr/bin/prometheus" ]; then
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
      die "Prometheus is missing: install it, so that prometheus and promtool are found"
    fi
    say "fetching Debian's Prometheus"
    mkdir -p "$to"
    if [ -z "$(apt_candidate prometheus)" ] && [ "$(id -u)" = 0 ]; then apt-get update -qq >/dev/null 2>&1 || true; fi
    (cd "$to" && apt-get download -qq prometheus >/dev/null 2>&1) || die "apt-get can't download the package prometheus: install it yourself"
    for deb in "$to"/prometheus_*.deb; do dpkg-deb -x "$deb" "$to"; done
    rm -f "$to"/prometheus_*.deb
  fi
  echo "$to/usr/bin"
}

# The operations listener as it is configured; `auto` is a thousand beside the port that the API listens on, which its URL need not have.
operations() {
  local configured listen api
  configured=$("$binary" config)
  listen=$(toml_value operations listen <<<"$configured")
  case $listen in '' | auto) ;; *) echo "${listen/0.0.0.0/127.0.0.1}"; return ;; esac
  api=$(toml_value api listen <<<"$configured")
  api=${api##*:}
  if [ "$api" -gt 64535 ]; then echo "127.0.0.1:$((api - 1000))"; else echo "127.0.0.1:$((api + 1000))"; fi
}

url() { "$binary" env | sed -n "s/^export AWS_ENDPOINT_URL_MQ='\(.*\)'$/\1/p"; }
authority() { local u; u=$(url); u=${u#*://}; case $u in *:*) echo "$u" ;; *) echo "$u:443" ;; esac; }

config() {
  local token scheme nodes='/begin of nodes/,/end of nodes/d'
  token=$("$binary" config | toml_value prometheus token_file)
  scheme=$(url)
  scheme=${scheme%%://*}
  if [ -n "${BROKERD_OBSERVE_USERNAME:-}" ]; then nodes="s#username: prometheus#username: $BROKERD_OBSERVE_USERNAME#"; fi
  sed -e "$nodes" \
    -e "s#/usr/share/brokerd/observability#$root/observability#" \
    -e "s#/var/lib/brokerd/prometheus-token#${token:-$data_dir/prometheus-token}#" \
    -e "s#/var/lib/brokerd/observe/password#$directory/password#" \
    -e "s#/var/lib/brokerd/ca.pem#$data_dir/ca.pem#" \
    -e "s#127\.0\.0\.1:9642#$(operations)#" \
    -e "s#http://127\.0\.0\.1:8642#$(url)#" \
    -e "s#127\.0\.0\.1:8642#$(authority)#" \
    -e "s#scheme: http\$#scheme: $scheme#" "$root/observability/prometheus.yaml"
}

# When a process began: with its id, its identity.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

our_pid() {
  local pid start
  [ -r "$pid_file" ] && read -r pid start <"$pid_file" || return 1
  [ -n "$start" ] && [ "$(began "$pid")" = "$start" ] && echo "$pid"
}

stop() {
  local pid deadline=$((SECONDS + 30))
  if pid=$(our_pid); then
    say "stopping Prometheus (pid $pid)"
    kill -TERM "$pid" 2>/dev/null || true
    while our_pid >/dev/null; do
      [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.1
    done
  fi
  rm -f "$pid_file"
  if engine_answers && [ -n "$(docker ps -aq --filter "name=^$grafana\$")" ]; then docker rm -f "$grafana" >/dev/null; fi
}

start_prometheus() {
  local programs deadline=$((SECONDS + 60))
  programs=$(install "$directory/prometheus")
  config >"$directory/prometheus.yaml"
  "$programs/promtool" check config --syntax-only "$directory/prometheus.yaml" >/dev/null || die "the configuration is wrong, see above"
  if port_taken "$port"; then die "port $port is taken by $(who_listens "$port"): set BROKERD_OBSERVE_PORT"; fi
  setsid nohup "$programs/prometheus" --config.file="$directory/prometheus.yaml" --storage.tsdb.path="$directory/data" \
    --storage.tsdb.retention.time=15d --web.listen-address="127.0.0.1:$port" >>"$log_file" 2>&1 </dev/null &
  printf '%s %s\n' $! "$(began $!)" >"$pid_file"
  until curl -fsS -o /dev/null "http://127.0.0.1:$port/-/ready" 2>/dev/null; do
    our_pid >/dev/null || { tail -n 5 "$log_file" >&2; die "Prometheus did not start; the end of $log_file is above"; }
    [ "$SECONDS" -lt "$deadline" ] || die "Prometheus is not ready after 60 s; see $log_file"
    sleep 0.2
  done
}

# Prints the line about Grafana.
start_grafana() {
  local files=$directory/grafana
  if ! engine_answers; then echo "not here: no Docker engine answers"; return; fi
  if ! docker image inspect "$grafana_image" >/dev/null 2>&1 && ! timeout 300 docker pull -q "$grafana_image" >/dev/null 2>&1; then
    echo "not here: the image $grafana_image can't be had; import observability/dashboards into yours"
    return
  fi
  mkdir -p "$files/datasources" "$files/dashboards"
  cat >"$files/datasources/prometheus.yaml" <<TEXT
apiVersion: 1
datasources: [{ name: Prometheus, type: prometheus, url: "http://127.0.0.1:$port", isDefault: true }]
TEXT
  cat >"$files/dashboards/brokerd.yaml" <<TEXT
apiVersion: 1
providers: [{ name: brokerd, folder: brokerd, type: file, options: { path: /brokerd } }]
TEXT
  if ! docker run -d --name "$grafana" --network host --label "brokerd.installation=$installation" \
    -e GF_SERVER_HTTP_ADDR=127.0.0.1 -e "GF_SERVER_HTTP_PORT=$grafana_port" -e GF_AUTH_ANONYMOUS_ENABLED=true -e GF_AUTH_ANONYMOUS_ORG_ROLE=Editor \
    -v "$files:/etc/grafana/provisioning:ro" -v "$root/observability/dashboards:/brokerd:ro" "$grafana_image" >/dev/null; then
    echo "not here: its container does not start, see above"
    return
  fi
  echo "http://127.0.0.1:$grafana_port, dashboards in the folder brokerd"
}

start() {
  local shown nodes=''
  if [ ! -x "$binary" ] || ! "$binary" ready --timeout 2 2>/dev/null; then die "brokerd is not ready: run make run first"; fi
  command -v curl >/dev/null || die "curl is missing: install it"
  ensure_data_dir
  (umask 077 && mkdir -p "$directory")
  stop
  if [ -n "${BROKERD_OBSERVE_USERNAME:-}" ]; then
    printf '%s' "${BROKERD_OBSERVE_PASSWORD:?is missing beside BROKERD_OBSERVE_USERNAME}" | write_secret "$directory/password"
  else
    nodes='
RabbitMQ nodes are left out: they ask for a user. Give one that your brokers have, as the one of the first steps:

  BROKERD_OBSERVE_USERNAME=admin BROKERD_OBSERVE_PASSWORD=correct-horse-battery make observe
'
  fi
  start_prometheus
  shown=$(start_grafana)
  cat <<TEXT

Prometheus watches brokerd and its brokers.

  Prometheus    http://127.0.0.1:$port (its own pages are bare: it is Debian's, unpacked)
  alerts        http://127.0.0.1:$port/api/v1/alerts
  Grafana       $shown
  configuration $directory/prometheus.yaml
  log           $log_file
$nodes
All brokers that serve:

  curl -sS 'http://127.0.0.1:$port/api/v1/query' --data-urlencode 'query=brokerd_broker_up'

Stop it with scripts/observe.sh stop.
TEXT
}

case ${1:-start} in
  start) start ;;
  stop) stop ;;
  remove)
    stop
    rm -rf "$directory"
    ;;
  install) install "${2:?which directory?}" ;;
  config) config ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
