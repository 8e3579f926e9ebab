#!/usr/bin/env bash
# Measures what the gateway costs and, if brokerd runs and the AWS command line is there, how long brokers take.
#   scripts/bench.sh [ROUNDS]
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${1:-3}
require_cargo
cd "$root"
cargo run --quiet --locked --release -p brokerd-gateway --example throughput

if ! command -v aws >/dev/null; then say "the AWS command line is missing: broker times are not measured"; exit 0; fi
if ! [ -x "$binary" ] || ! "$binary" ready --timeout 1 2>/dev/null; then
  say "brokerd does not run: broker times are not measured; run make run first"
  exit 0
fi
exports=$("$binary" env)
eval "$exports"

created=()
remove_created() {
  local id
  for id in "${created[@]}"; do aws mq delete-broker --broker-id "$id" >/dev/null || true; done
}
trap remove_created EXIT
trap 'exit 130' INT

milliseconds() { date +%s%3N; }

# once ENGINE VERSION MODE TYPE: prints how long it took until the broker was running
once() {
  local begin id state name
  name=bench-$$-$RANDOM
  begin=$(milliseconds)
  id=$(aws mq create-broker --broker-name "$name" --engine-type "$1" --engine-version "$2" --deployment-mode "$3" --host-instance-type "$4" \
    --auto-minor-version-upgrade --no-publicly-accessible --users "Username=bench,Password=$(random_hex 12)" --query BrokerId --output text)
  created+=("$id")
  while :; do
    state=$(aws mq describe-broker --broker-id "$id" --query BrokerState --output text)
    case $state in
      RUNNING) break ;;
      CREATION_FAILED) die "$1 $2 could not be created; see the log of brokerd" ;;
    esac
    [ $(($(milliseconds) - begin)) -lt 300000 ] || die "$1 $2 does not run after 300 s"
    sleep 0.1
  done
  printf '%s %s %s: %s ms until RUNNING\n' "$1" "$2" "$3" $(($(milliseconds) - begin))
}

for _ in $(seq "$rounds"); do
  once RABBITMQ 4.3 SINGLE_INSTANCE mq.m7g.medium
  once ACTIVEMQ 5.19 SINGLE_INSTANCE mq.t3.micro
done
