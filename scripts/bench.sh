#!/usr/bin/env bash
# Measures what brokerd costs, beside the same work without it: brokers, failover, also under load, an idle fleet, memory, the API, the
# gateway beside HAProxy, in front of real brokers (publishes) and of a plain sink, what ten thousand simulated brokers cost (scale), and
# what a day of the metrics of a thousand takes (metrics). Only where it is named: brokers on a Kubernetes cluster beside those on Docker.
# Brings an engine, images and databases of its own, which are gone afterwards.
#   scripts/bench.sh [ROUNDS] [brokers] [failover] [load] [idle] [memory] [api] [publishes] [gateway] [scale] [metrics] [kubernetes]
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

parts=() rounds=()
for argument in "$@"; do
  case $argument in
    brokers | failover | load | idle | memory | api | publishes | gateway | scale | metrics | kubernetes) parts+=("$argument") ;;
    *[!0-9]* | 0 | '') sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) rounds=("$argument") ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(brokers failover load idle memory api publishes gateway scale metrics)

wants() { local part; for part in "${parts[@]}"; do [ "$part" != "$1" ] || return 0; done; return 1; }

measure_brokerd() {
  local run=bench-$$ wanted=() part measuring status
  for part in "${parts[@]}"; do case $part in gateway | scale | metrics) ;; *) wanted+=("$part") ;; esac; done
  "$root/docker/engine.sh" >&2
  say "images (log ${TMPDIR:-/tmp}/brokerd-images)"
  "$root/docker/build.sh" >&2
  cargo build --locked --release -p brokerd
  cargo build --locked --release -p brokerd-provisioner --example render
  cargo build --locked --release -p brokerd-tests --example bench
  export BROKERD_TEST_RUN=$run
  # shellcheck disable=SC2064 # the run as it is now
  trap "sweep_run $run" EXIT
  if wants kubernetes; then
    # shellcheck disable=SC2064 # the run as it is now
    trap "'$root/scripts/kubernetes.sh' down; sweep_run $run" EXIT
    "$root/scripts/kubernetes.sh" up brokerd/rabbitmq:4.3 brokerd/activemq:5.19
    eval "$("$root/scripts/kubernetes.sh" env)"
  fi
  say "starting a database that flushes to disk"
  DATABASE_URL=$("$root/scripts/postgres.sh" --durable "$run")
  export DATABASE_URL
  "$(dirname "$binary")/examples/bench" "${rounds[@]}" "${wanted[@]}" &
  measuring=$!
  # It cleans up by itself when it is asked to stop, and is waited for: a signal ends only one wait.
  trap 'kill -TERM "$measuring" 2>/dev/null || true' INT TERM
  while :; do
    status=0
    wait "$measuring" || status=$?
    kill -0 "$measuring" 2>/dev/null || break
  done
  [ "$status" = 0 ] || exit "$status"
}

# What the gateway is compared with. Where it can't be had, the benchmark says that it is missing.
prepare_haproxy() {
  command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "HAProxy is missing: the gateway is measured without it"
    return
  fi
  say "installing the package haproxy"
  local out
  out=$(mktemp)
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends haproxy; } >"$out" 2>&1; then
    tail -n 5 "$out" >&2
    say "apt-get could not install haproxy: the gateway is measured without it"
  else
    # The package brings a service, which nobody asked for.
    { service haproxy stop && update-rc.d haproxy disable; } >/dev/null 2>&1 || true
  fi
  rm -f "$out"
}

# Ten thousand brokers on simulated engines: only the database is real.
measure_scale() (
  run=bench-scale-$$
  "$root/docker/engine.sh" >&2
  "$root/docker/build.sh" postgres:17 >&2
  cargo build --quiet --locked --release -p brokerd-provisioner --example scale
  # shellcheck disable=SC2064 # the run as it is now
  trap "'$root/scripts/postgres.sh' stop $run" EXIT
  DATABASE_URL=$("$root/scripts/postgres.sh" --durable "$run")
  export DATABASE_URL
  postmaster=$(docker inspect -f '{{.State.Pid}}' "brokerd-ephemeral-$run")
  "$(dirname "$binary")/examples/scale" "${SCALE_BROKERS:-10000}" "${SCALE_SECONDS:-60}" "$postmaster"
)

# Samples of simulated brokers in a real database.
measure_metrics() (
  run=bench-metrics-$$
  "$root/docker/engine.sh" >&2
  "$root/docker/build.sh" postgres:17 >&2
  cargo build --quiet --locked --release -p brokerd-store --example metrics
  # shellcheck disable=SC2064 # the run as it is now
  trap "'$root/scripts/postgres.sh' stop $run" EXIT
  DATABASE_URL=$("$root/scripts/postgres.sh" --durable "$run")
  export DATABASE_URL
  "$(dirname "$binary")/examples/metrics" "${METRICS_BROKERS:-1000}" "${METRICS_HOURS:-24}"
)

require_cargo
[ "$profile" = release ] || die "BROKERD_PROFILE=$profile: only a release build is worth measuring"
cd "$root"
if wants publishes || wants gateway; then prepare_haproxy; fi
if wants brokers || wants failover || wants load || wants idle || wants memory || wants api || wants publishes || wants kubernetes; then
  measure_brokerd
fi
if wants gateway; then
  cargo build --quiet --locked --release -p brokerd-gateway --example throughput
  "$(dirname "$binary")/examples/throughput" "${rounds[@]}"
fi
if wants scale; then measure_scale; fi
if wants metrics; then measure_metrics; fi
