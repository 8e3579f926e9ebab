#!/usr/bin/env bash
# Builds the web console, which the binary embeds, if what it is made of has changed: console/dist from console.
#   scripts/console.sh          builds; installs Node.js where that can be done
#   scripts/console.sh check    only says whether it is built
#   scripts/console.sh lint     checks its sources and runs its unit tests, if Node.js can be had
#   scripts/console.sh browser  tries the pages in a real Chromium, if there is one (CHROMIUM=/usr/bin/chromium); with file
#                               names of console/tests only those; pictures come to console/artefacts, unless
#                               BROKERD_BROWSER_PICTURES=0
# Without Node.js brokerd is built without its console, and says so there.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

folder=$root/console
dist=$folder/dist
built=$folder/node_modules/.brokerd-dist

# Of everything that the build reads. The types of the API are generated when the sources are checked; the build drops types.
inputs() {
  (cd "$folder" && find package.json package-lock.json index.html scripts src -type f ! -path src/api/schema.d.ts -print0 \
    2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
}

is_built() { [ -s "$dist/index.html" ] && [ "$(cat "$built" 2>/dev/null)" = "$1" ]; }

# As package.json has it.
wanted_node() { sed -n 's/.*"node": ">=\([0-9.]*\)".*/\1/p' "$folder/package.json"; }
node_version() { (node --version 2>/dev/null || true) | tr -d v; }

require_node() {
  local wanted
  wanted=$(wanted_node)
  if ! { at_least "$wanted" "$(node_version)" && command -v npm >/dev/null; } && can_apt_install; then
    [ -n "$(apt_candidate nodejs)" ] || apt-get update -qq >/dev/null 2>&1 || true
    if at_least "$wanted" "$(apt_candidate nodejs | sed 's/^[0-9]*://')"; then
      # In a shell of its own: that it can't be installed is no reason to have no brokerd.
      (apt_install nodejs npm) || true
    fi
  fi
  at_least "$wanted" "$(node_version)" && command -v npm >/dev/null
}

install_packages() {
  local lock
  lock=$(sha256sum <"$folder/package-lock.json" | cut -d ' ' -f 1)
  if [ "$(cat "$folder/node_modules/.brokerd-lock" 2>/dev/null)" != "$lock" ]; then
    say "installing what the console is built with"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || return 1
    printf '%s\n' "$lock" >"$folder/node_modules/.brokerd-lock"
  fi
}

build_console() {
  local wanted=$1
  install_packages || return 1
  say "building the console"
  (cd "$folder" && npm run --silent build >&2) || return 1
  printf '%s\n' "$wanted" >"$built"
  # Cargo knows of files that are embedded already, not of new ones.
  touch "$root/api/src/console/assets.rs"
}

# Without it a build machine fails, and a user's machine says what it skips, in the words that tests/src/bin/run_tests counts.
skip_browser() {
  [ "${CI:-}" != true ] || die "the pages can't be tried: $*"
  say "the pages are not tried: $*"
  printf 'SKIPPED: the pages of the console in a browser: %s\n' "$*" >&2
  exit 0
}

try_pages() {
  local wanted alone=()
  require_node || skip_browser "Node.js $(wanted_node) and npm are missing"
  if ! find_chromium >/dev/null && [ "${CI:-}" = true ] && can_apt_install; then
    (apt_install chromium-headless-shell) || true
  fi
  CHROMIUM=$(find_chromium) ||
    skip_browser "Chromium is missing: install Debian's package chromium-headless-shell or chromium, or set CHROMIUM"
  export CHROMIUM
  wanted=$(inputs)
  exec 9>"$folder/.building"
  flock 9
  install_packages || die "what the pages are tried with can't be installed; the words of npm are above"
  is_built "$wanted" || build_console "$wanted" || die "the console can't be built; the words of npm are above"
  exec 9>&-
  # Changes of networks, as Docker makes all the time, abort what Chromium loads. In a namespace of its own there are none.
  if [ "$(id -u)" = 0 ] && unshare -n sh -c 'ip link set lo up' 2>/dev/null; then
    # shellcheck disable=SC2016 # the arguments are the inner shell's
    alone=(unshare -n sh -c 'ip link set lo up && exec "$@"' sh)
  fi
  cd "$folder"
  [ $# -gt 0 ] || set -- tests/*.test.mjs
  exec "${alone[@]}" node --test --test-reporter=spec --test-concurrency="${BROKERD_BROWSER_JOBS:-2}" "$@"
}

[ -f "$folder/package.json" ] || { say "there is no console to build"; exit 0; }
if [ "${1:-}" = lint ]; then
  if ! require_node; then
    [ "${CI:-}" != true ] || die "Node.js $(wanted_node) and npm are missing: the console can't be checked"
    say "Node.js $(wanted_node) and npm are missing: the console is not checked"
    exit 0
  fi
  exec 9>"$folder/.building"
  flock 9
  install_packages
  cd "$folder"
  npm run --silent check
  exec npm test --silent
fi
if [ "${1:-}" = browser ]; then
  shift
  try_pages "$@"
fi
wanted=$(inputs)
if is_built "$wanted"; then exit 0; fi
[ "${1:-}" != check ] || die "the console is not built: run scripts/console.sh"
# Several builds at a time would empty each other's folder.
exec 9>"$folder/.building"
flock 9
if is_built "$wanted"; then exit 0; fi
if ! require_node; then
  say "Node.js $(wanted_node) and npm are missing, so brokerd is built without its web console: install them, or run this as root on Debian or Ubuntu"
  exit 0
fi
build_console "$wanted" || die "the console can't be built; the words of npm are above"
