#!/usr/bin/env bash
# Builds the container images brokerd runs, on this machine and without an image registry:
#   docker/build.sh                      all that are missing or whose inputs changed
#   docker/build.sh rabbitmq:4.3 …       only these
#   docker/build.sh brokerd              brokerd itself, from the binary that cargo built; with BROKERD_PROFILE=dev from that of dev
#   docker/build.sh --force activemq:5.19   in any case and from scratch, with the newest Debian packages
#   docker/build.sh --list               which there are
# BROKERD_IMAGE_PREFIX=mine builds mine/activemq:5.19 and leaves brokerd/activemq:5.19, which others run, alone.
set -euo pipefail
# Only the classic builder is asked for: Debian's engine has no other, and the Dockerfiles need none.
export DOCKER_BUILDKIT=0

here=$(cd "$(dirname "$0")" && pwd)
prefix=${BROKERD_IMAGE_PREFIX:-brokerd}
logs=${BROKERD_BUILD_LOGS:-${TMPDIR:-/tmp}/$prefix-images}
# shellcheck source=versions.env
. "$here/versions.env"

# Two lanes are built side by side, each from left to right, what a first broker needs first.
lanes=(
  "postgres:17 firewall:trixie activemq:5.19 activemq:5.18 disk:trixie"
  "rabbitmq:4.3 rabbitmq:4.0 rabbitmq:3.10"
)

# brokerd itself is no engine's image, and is built only if it is named.
case ${BROKERD_PROFILE:-release} in
  dev) own=brokerd:dev own_binary=debug/brokerd ;;
  *) own=brokerd:latest own_binary=release/brokerd ;;
esac
own_binary=${CARGO_TARGET_DIR:-$here/../target}/$own_binary

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"; }
die() { printf 'build: %s\n' "$*" >&2; exit 1; }

# setting rabbitmq:4.3 SUITE -> value of RABBITMQ_4_3_SUITE
setting() {
  local key=${1^^}_$2
  key=${key//[:.]/_}
  printf '%s' "${!key:?$key is missing in docker/versions.env}"
}

label() { docker image inspect -f "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null || true; }
present() { docker image inspect "$1" >/dev/null 2>&1; }

# ---- base images -------------------------------------------------------------------------------------------------------------

# Asked once and only if a base image is missing: without a registry every pull would cost its full time-out.
registry_answers() { timeout 5 docker manifest inspect debian:trixie-slim >/dev/null 2>&1; }

# host_tool COMMAND PACKAGE PURPOSE: installs it on Debian, or tells what to install.
host_tool() {
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" != 0 ] || [ ! -r /etc/debian_version ]; then die "$1 is needed $3: install it (Debian package $2)"; fi
  say "installing the package $2 $3"
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >"$logs/apt-$2.log" 2>&1 ||
    die "apt-get could not install $2; see $logs/apt-$2.log"
}

bootstrap() {
  local suite=$1
  # Check-Valid-Until: the index of sid outlives its date quickly on a mirror that lags, or where the clock is ahead.
  # shellcheck disable=SC2016 # the hook's $1 is the new root, which mmdebstrap fills in
  mmdebstrap --variant=minbase --quiet \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*.log' \
    "$suite" - | docker import --change 'CMD ["/bin/bash"]' - "brokerd/base:$suite"
}

ensure_base() {
  local suite=$1
  present "brokerd/base:$suite" && return
  if [ "$registry" = yes ] && timeout 120 docker pull -q "debian:$suite-slim"; then
    docker tag "debian:$suite-slim" "brokerd/base:$suite"
    return
  fi
  bootstrap "$suite"
}

# ---- engine images -----------------------------------------------------------------------------------------------------------

# The files and settings an image is made of; a change of any of them is what makes it stale.
inputs() {
  local name=$1 family=${1%%:*}
  {
    grep -E "^$(tr ':.' '__' <<<"${name^^}")_" "$here/versions.env"
    # An image without this label is stale.
    case $family in activemq | rabbitmq) echo brokerd.engine.modules ;; esac
    if [ "$family" = brokerd ]; then sha256sum <"$own_binary"; fi
    cd "$here/$family"
    find . -type f ! -name '*.md' ! -path "$(examples_apart "$family")" -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c1-16
}

# ActiveMQ's class archive is trained with the example; RabbitMQ's is for reading only.
examples_apart() { if [ "$1" = activemq ]; then echo ''; else echo './example/*'; fi; }

true_version() {
  local image=$1 family=$2
  case $family in
    postgres) docker run --rm --network none --entrypoint postgres "$image" --version | awk '{ print $3 }' ;;
    brokerd) docker run --rm --network none "$image" --version | awk '{ print $2 }' ;;
    rabbitmq) docker run --rm --network none --entrypoint dpkg-query "$image" -W -f '${Version}' rabbitmq-server | sed 's/[-+~].*//' ;;
    disk) docker run --rm --network none --entrypoint dpkg-query "$image" -W -f '${Version}' e2fsprogs ;;
    firewall) docker run --rm --network none --entrypoint dpkg-query "$image" -W -f '${Version}' nftables ;;
    activemq) docker run --rm --network none --entrypoint cat "$image" /opt/apache-activemq/VERSION ;;
  esac
}

# module=version of each of ActiveMQ's jars that belongs in the image.
activemq_modules() {
  local name=$1 module
  for module in broker client jaas kahadb-store openwire-legacy; do echo "$module=$(setting "$name" VERSION)"; done
  for module in pool jms-pool; do echo "$module=$(setting "$name" POOL)"; done
  for module in amqp http mqtt spring; do echo "$module=$(setting "$name" PROTOCOLS)"; done
  echo "stomp=$(setting "$name" STOMP)"
  echo "web=$(setting "$name" WEB)"
  echo "web-console=$(setting "$name" CONSOLE)"
}

# What an image is made of, as module=version,…: what advisories are about.
modules() {
  local image=$1 name=$2
  case ${name%%:*} in
    activemq) activemq_modules "$name" | sort ;;
    rabbitmq)
      # shellcheck disable=SC2016 # dpkg fills in the fields
      docker run --rm --network none --entrypoint dpkg-query "$image" -W -f '${Package}=${Version}\n' rabbitmq-server erlang-base |
        sed 's/^rabbitmq-server=/server=/; s/^erlang-base=/erlang=/; s/=[0-9]*:/=/; s/[-+~].*//'
      ;;
  esac | paste -sd,
}

# open_advisories ACTIVEMQ broker=5.19.2,… -> a line for each advisory of docker/advisories.toml that is open for one of the modules. The
# API has the same rule in brokerd_domain: fixed is the line that a fixed version is of from that version on, and all from the newest on.
open_advisories() {
  local engine=$1 modules=$2
  awk -v engine="$engine" -v modules="$modules" '
    function number(version, part) { split(version, part, "."); return (part[1] * 1000 + part[2]) * 1000 + part[3] }
    function line(version, part) { split(version, part, "."); return part[1] "." part[2] }
    function told(one, other) { return one || other ? " (" one (one && other ? "; " : "") other ")" : "" }
    function judge(  i, newest, fixed, fixes, have) {
      if (field["engine"] != engine || !(field["module"] in version)) return
      have = version[field["module"]]
      gsub(/[^0-9.,]/, "", field["fixed_in"])
      newest = split(field["fixed_in"], fixes, ",")
      for (i in fixes) if (line(fixes[i]) == line(have) && number(have) >= number(fixes[i])) fixed = 1
      for (i in fixes) if (number(fixes[i]) > number(fixes[newest])) newest = i
      if (!fixed && number(have) < number(fixes[newest]))
        printf "  %s %s %s: %s%s\n", field["id"], field["module"], have, field["summary"], told(field["mitigation"], field["launcher"])
    }
    BEGIN { n = split(modules, all, ","); for (i = 1; i <= n; i++) { split(all[i], pair, "="); version[pair[1]] = pair[2] } }
    /^\[\[advisory\]\]/ { judge(); split("", field) }
    /^[a-z_]+ = / { key = $1; value = $0; sub(/^[a-z_]+ = /, "", value); gsub(/^"|"$/, "", value); field[key] = value }
    END { judge() }' "$here/advisories.toml"
}

# The jars of an ActiveMQ version, fetched by the host's Maven: its settings may name a mirror a build container knows nothing of.
fetch_jars() {
  local name=$1 context=$2
  host_tool mvn maven "to fetch ActiveMQ from Maven Central"
  mvn -B -q -f "$here/activemq/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$context/lib" \
    -Dactivemq.version="$(setting "$name" VERSION)" -Dactivemq.pool.version="$(setting "$name" POOL)" \
    -Dactivemq.protocols.version="$(setting "$name" PROTOCOLS)" -Dactivemq.stomp.version="$(setting "$name" STOMP)" \
    -Dactivemq.web.version="$(setting "$name" WEB)" -Dactivemq.console.version="$(setting "$name" CONSOLE)" \
    -Dslf4j.version="$(setting "$name" SLF4J)"
}

build_image() {
  local name=$1 family=${1%%:*} suite args=() context unlabelled version labels
  suite=$(setting "$name" SUITE)
  # Two lanes may want the same base at the same time.
  (flock 9 && ensure_base "$suite") 9>"$logs/base-$suite.lock"
  args=(--force-rm --build-arg "BASE=brokerd/base:$suite")
  if [ "$force" = yes ]; then args+=(--no-cache); fi
  context=$here/$family
  case $family in
    postgres) args+=(--build-arg "POSTGRES=${name##*:}") ;;
    activemq)
      args+=(--build-arg "VERSION=$(setting "$name" VERSION)" --build-arg "MODULES=$(activemq_modules "$name" | paste -sd' ')")
      context=$logs/$name.context
      rm -rf "$context"
      cp -r "$here/activemq" "$context"
      fetch_jars "$name" "$context"
      ;;
    brokerd)
      context=$logs/$name.context
      rm -rf "$context"
      cp -r "$here/brokerd" "$context"
      cp "$own_binary" "$context/brokerd"
      # Only what a debugger reads goes, which is most of it.
      if command -v strip >/dev/null; then strip --strip-debug "$context/brokerd"; fi
      ;;
  esac
  docker build "${args[@]}" --iidfile "$logs/$name.id" "$context"
  rm -rf "$logs/$name.context"
  unlabelled=$(cat "$logs/$name.id")
  version=$(true_version "$unlabelled" "$family")
  [ -n "$version" ] || { echo "the image does not tell its version"; return 1; }
  labels="LABEL brokerd.inputs=$(inputs "$name") brokerd.engine.version=$version"
  case $family in
    activemq | rabbitmq) labels="$labels brokerd.engine=${family^^} brokerd.engine.modules=$(modules "$unlabelled" "$name")" ;;
  esac
  # The version is known only now, so the labels are a last step of their own.
  printf 'FROM %s\n%s\n' "$unlabelled" "$labels" | docker build --force-rm -t "$prefix/$name" -
}

run_lane() {
  local name start log=$logs
  for name in $1; do
    log=$logs/${name/:/-}.log
    start=$SECONDS
    if [ "$force" = no ] && [ "$(label "$prefix/$name" brokerd.inputs)" = "$(inputs "$name")" ]; then
      say "$prefix/$name is up to date"
      echo "up to date" >"$logs/$name.state"
    else
      say "$prefix/$name: building, log $log"
      # A child of its own, because errexit does not hold inside a condition.
      if "$0" --one "$name" >"$log" 2>&1; then
        say "$prefix/$name: built in $((SECONDS - start)) s"
        echo "built in $((SECONDS - start)) s" >"$logs/$name.state"
      else
        { say "$prefix/$name FAILED after $((SECONDS - start)) s; the end of $log:"; tail -n 15 "$log" | sed 's/^/    /'; } >&2
        echo "FAILED, see $log" >"$logs/$name.state"
      fi
    fi
  done
}

summary() {
  local name state advisories failed=0
  printf '\n%-24s %-10s %8s  %s\n' IMAGE VERSION SIZE RESULT
  for name in $wanted; do
    state=$(cat "$logs/$name.state" 2>/dev/null || echo "FAILED, no result")
    case $state in FAILED*) failed=1 ;; esac
    printf '%-24s %-10s %8s  %s\n' "$prefix/$name" "$(label "$prefix/$name" brokerd.engine.version)" \
      "$(docker image inspect -f '{{.Size}}' "$prefix/$name" 2>/dev/null | awk '{ printf "%d MB", $1 / 1e6 }')" "$state"
  done
  for name in $wanted; do
    advisories=$(open_advisories "$(label "$prefix/$name" brokerd.engine)" "$(label "$prefix/$name" brokerd.engine.modules)")
    if [ -n "$advisories" ]; then printf '\nopen advisories of %s (docker/advisories.toml):\n%s\n' "$prefix/$name" "$advisories"; fi
  done
  return "$failed"
}

main() {
  local names=() arg lane filtered pids=() suite
  force=no
  for arg in "$@"; do
    case $arg in
      --force) force=yes ;;
      --list) for lane in "${lanes[@]}"; do tr ' ' '\n' <<<"$lane"; done; exit 0 ;;
      -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
      -*) die "unknown option $arg; see --help" ;;
      brokerd) names+=("$own") ;;
      *) names+=("${arg#"$prefix"/}") ;;
    esac
  done
  for arg in "${names[@]}"; do
    if [ "$arg" = "$own" ]; then
      [ -x "$own_binary" ] || die "there is no $own_binary: build it with cargo build -p brokerd, or use make image"
      lanes+=("$own")
      continue
    fi
    case " ${lanes[*]} " in *" $arg "*) ;; *) die "unknown image $arg; there are: ${lanes[*]}" ;; esac
  done
  docker info >/dev/null 2>&1 || die "no Docker engine answers; run docker/engine.sh"

  wanted=
  for lane in "${lanes[@]}"; do
    for arg in $lane; do
      if [ ${#names[@]} = 0 ] || [[ " ${names[*]} " = *" $arg "* ]]; then wanted="$wanted $arg"; fi
    done
  done
  mkdir -p "$logs"
  # Anybody may make a directory of that name in /tmp, and what is written and locked there is run or waited for.
  [ -O "$logs" ] || die "$logs belongs to another user: set BROKERD_BUILD_LOGS to a directory of yours"
  if [ "$wanted" = " $own" ]; then
    # Seconds: whoever builds it as well is waited for, and a build of engines does not matter.
    exec 8>"$logs/lock-brokerd"
    flock 8
  else
    exec 8>"$logs/lock"
    flock -n 8 || die "another build is running (lock $logs/lock)"
  fi
  for arg in $wanted; do rm -f "$logs/$arg.state"; done

  registry=no
  for suite in $(for arg in $wanted; do setting "$arg" SUITE; echo; done | sort -u); do
    if ! present "brokerd/base:$suite"; then
      if registry_answers; then
        registry=yes
      else
        say "no image registry answers"
        [ "$(id -u)" = 0 ] || die "making the base images without one takes root; or tag a debian:$suite-slim you have as brokerd/base:$suite"
        host_tool mmdebstrap mmdebstrap "to make the base images"
      fi
      break
    fi
  done
  export registry force

  for lane in "${lanes[@]}"; do
    filtered=
    for arg in $lane; do if [[ " $wanted " = *" $arg "* ]]; then filtered="$filtered $arg"; fi; done
    [ -n "$filtered" ] || continue
    run_lane "$filtered" &
    pids+=($!)
  done
  for arg in "${pids[@]}"; do wait "$arg"; done
  # Build stages, what failed builds left, and replaced images, unless a container still runs them.
  # Of one's own only, because the other kind may be in the middle of its stages.
  if [ "$wanted" = " $own" ]; then
    docker image prune -f --filter label=brokerd.stage=own >/dev/null
  else
    docker image prune -f --filter label=brokerd.stage --filter label!=brokerd.stage=own >/dev/null
  fi
  summary
}

if [ "${1:-}" = --one ]; then build_image "$2"; else main "$@"; fi
