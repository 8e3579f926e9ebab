#!/usr/bin/env bash
# Makes sure that a Docker engine answers on this machine. Safe to run at any time: returns at once when one does.
set -euo pipefail

log=/var/log/dockerd.log
pidfile=/var/run/docker.pid
wait_seconds=60

say() { printf 'engine: %s\n' "$*"; }
die() { printf 'engine: %s\n' "$*" >&2; exit 1; }

# -f makes the client fail when only itself, but no server, can be described.
answers() { timeout 10 docker info -f '{{.ServerVersion}}' >/dev/null 2>&1; }

describe() {
  say "Docker engine $(docker info -f '{{.ServerVersion}} ({{.Driver}}, cgroup v{{.CgroupVersion}}), root {{.DockerRootDir}}') answers"
}

# alive PID: a process that has ended but is not reaped yet does not count.
alive() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null; }

# wait_until_answers [PID]: 1 if that process ends before it answers.
wait_until_answers() {
  local deadline=$((SECONDS + wait_seconds))
  until answers; do
    if [ -n "${1:-}" ] && ! alive "$1"; then return 1; fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      [ ! -r "$log" ] || tail -n 20 "$log" >&2
      die "no answer within $wait_seconds s; see $log or 'journalctl -u docker'"
    fi
    sleep 0.2
  done
}

# dockerd needs the controllers of cgroup v1 mounted one by one where no init system has mounted anything (v2 needs one mount only).
mount_cgroups() {
  [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ] && return
  if ! mountpoint -q /sys/fs/cgroup; then
    say "mounting cgroup controllers"
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  fi
  local controller
  while read -r controller; do
    # Some hosts mount several controllers together (cpu,cpuacct) under another name.
    if ! awk '$3 == "cgroup" { print "," $4 "," }' /proc/mounts | grep -q ",$controller,"; then
      mkdir -p "/sys/fs/cgroup/$controller"
      mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || say "cgroup controller $controller stays unmounted"
    fi
  done < <(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups)
}

install_engine() {
  if [ ! -r /etc/debian_version ] || ! command -v apt-get >/dev/null; then
    die "no Docker engine found: install Docker Engine 20.10 or newer (https://docs.docker.com/engine/install/) and run this again"
  fi
  say "installing the package docker.io"
  local out
  out=$(mktemp)
  # The package would start the daemon itself where systemd runs; elsewhere it must not try.
  # Somebody may have killed an installation halfway.
  if ! { dpkg --configure -a && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables; } >"$out" 2>&1; then
    tail -n 20 "$out" >&2
    die "apt-get could not install docker.io; the end of its output is above ($out)"
  fi
  rm -f "$out"
}

start_with_systemd() {
  say "starting docker.service"
  systemctl start docker || die "systemctl start docker failed; see 'journalctl -u docker'"
  wait_until_answers
}

start_in_background() {
  local pid
  if pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$pid" ]; then
    if alive "$pid" && [ "$(cat "/proc/$pid/comm")" = dockerd ]; then
      say "dockerd (pid $pid) is running, waiting for its answer"
      if wait_until_answers "$pid"; then return; fi
    fi
    # A crashed daemon leaves it behind, and a new one refuses to start if another process has that id by now.
    say "removing the stale $pidfile"
    rm -f "$pidfile"
  fi
  mount_cgroups
  say "starting dockerd, log $log"
  if [ "$(stat -c %s "$log" 2>/dev/null || echo 0)" -gt 10000000 ]; then mv "$log" "$log.1"; fi
  # It outlives whoever starts it, and so must not hold on to the directory.
  (cd / && exec setsid nohup dockerd >>"$log" 2>&1 </dev/null) &
  if ! wait_until_answers $!; then
    tail -n 20 "$log" >&2
    die "dockerd ended right after its start; the end of $log is above"
  fi
}

main() {
  if command -v docker >/dev/null && answers; then
    describe
    return
  fi
  if [ -n "${DOCKER_HOST:-}" ]; then
    die "DOCKER_HOST=$DOCKER_HOST does not answer; start that engine, unset DOCKER_HOST or choose another docker context"
  fi
  if [ "$(id -u)" != 0 ]; then
    die "no Docker engine answers for $(id -un): run this as root, or start Docker and add the user to the group docker"
  fi
  command -v dockerd >/dev/null || install_engine
  if [ -d /run/systemd/system ]; then start_with_systemd; else start_in_background; fi
  describe
}

main "$@"
