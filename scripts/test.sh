#!/usr/bin/env bash
# All tests, with a database of their own, which is gone afterwards.
#   scripts/test.sh                             all, several side by side (BROKERD_TEST_JOBS=2)
#   scripts/test.sh ARGUMENTS OF cargo test     only those that cargo chooses, one program after the other
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

require_cargo
run=test-$$
"$root/docker/engine.sh" >&2
say "images (log ${TMPDIR:-/tmp}/brokerd-images)"
"$root/docker/build.sh" >&2

# Installations that tests make are named after this run, so that what a killed test leaves behind is found.
export BROKERD_TEST_RUN=$run
trap 'sweep_run "$run"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$root/scripts/console.sh"
# Those that tell stories in a browser skip them without one.
if found=$(find_chromium); then export CHROMIUM=$found; else [ -z "${CHROMIUM:-}" ] || die "CHROMIUM=$CHROMIUM is not there"; fi
say "starting a database in memory"
DATABASE_URL=$("$root/scripts/postgres.sh" --ephemeral "$run")
export DATABASE_URL
cd "$root"
if [ $# -gt 0 ]; then
  # The binary that scenarios start is built with the test of its command line.
  cargo test --locked --workspace --no-run --test command_line "$@"
  cargo test --locked --workspace "$@"
  exit
fi
# Pictures are for people, who ask for single tests.
export BROKERD_BROWSER_PICTURES="${BROKERD_BROWSER_PICTURES:-0}"
say "building the tests"
programs=$(mktemp)
trap 'rm -f "$programs"; sweep_run "$run"' EXIT
cargo test --locked --workspace --no-run --message-format=json-render-diagnostics >"$programs"
# As it was built just now: `cargo run` would build it, and all it depends on, with the features of its package alone.
run_tests=$(sed -n 's/.*"executable":"\([^"]*\/run_tests\)".*/\1/p' "$programs" | tail -1)
"$run_tests" <"$programs"
