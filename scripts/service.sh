# shellcheck shell=bash
# brokerd as a service of systemd. Sourced by run.sh, never run.
#
# The unit of the system starts a copy of the binary, so that building or removing the sources changes nothing until make run does. What
# the environment said when it was made is in <data_dir>/service.env.

# shellcheck disable=SC2154 # what is not assigned here is lib.sh's
{
  service_name=brokerd
  [ "$installation" = default ] || service_name=brokerd-$installation
  unit_file=/etc/systemd/system/$service_name.service
  service_environment=$data_dir/service.env
  service_binary=/usr/local/lib/brokerd/$installation/brokerd
}

has_systemd() { [ -d /run/systemd/system ]; }
service_is_installed() { has_systemd && [ -f "$unit_file" ]; }

# The process, while it runs.
service_pid() {
  local pid
  pid=$(systemctl show -p MainPID --value "$service_name" 2>/dev/null) && [ "${pid:-0}" != 0 ] && echo "$pid"
}

# unit BINARY: the unit.
# shellcheck disable=SC2154 # root is lib.sh's
unit() {
  local user=''
  # Who is not root may use Docker by a group.
  [ "$(id -u)" = 0 ] || user=$(printf 'User=%s\nAmbientCapabilities=CAP_NET_BIND_SERVICE' "$(id -un)")
  # A unit's % are specifiers.
  cat <<UNIT
# Made by make service; the next one makes it anew.
[Unit]
Description=brokerd, a control plane for message brokers (installation $installation)
Documentation=file://${root//%/%%}/docs/operating.md
# Not Requires: while Docker is away, the API and the gateway go on. brokerd starts its database and the engines by itself.
Wants=network-online.target docker.service
After=network-online.target docker.service
StartLimitIntervalSec=0

[Service]
Type=notify
$user
EnvironmentFile=${service_environment//%/%%}
ExecStart="${1//%/%%}" serve
Restart=on-failure
RestartSec=2
WatchdogSec=30
TimeoutStartSec=180
TimeoutStopSec=40
# Every connection of a client takes two descriptors.
LimitNOFILE=524288
OOMScoreAdjust=-500
UMask=0022
NoNewPrivileges=yes
# Docker's socket is all it needs to be root for, and that is its own.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
PrivateTmp=yes
ProtectSystem=full
ProtectHome=read-only
ReadWritePaths="${data_dir//%/%%}"
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
UNIT
}

# The variables that brokerd and these scripts know.
write_service_environment() {
  local name value
  compgen -e | grep -E '^(BROKERD_.*|DATABASE_URL|DOCKER_HOST|SSL_CERT_FILE|SSL_CERT_DIR)$' | while read -r name; do
    value=${!name}
    value=${value//\\/\\\\}
    printf '%s="%s"\n' "$name" "${value//\"/\\\"}"
  done | write_secret "$service_environment"
}

# shellcheck disable=SC2154 # binary is lib.sh's
# Has systemd run what is built now, as it is configured now.
run_service() {
  local fresh=$unit_file.new
  [ "$(id -u)" = 0 ] || die "systemd runs this brokerd: use sudo systemctl restart $service_name, or run this as root"
  write_service_environment
  mkdir -p "$(dirname "$service_binary")"
  # A program that runs can't be written to, but replaced.
  install -m 0755 "$binary" "$service_binary.new"
  mv "$service_binary.new" "$service_binary"
  unit "$service_binary" >"$fresh"
  mv "$fresh" "$unit_file"
  systemctl daemon-reload
  systemctl enable --quiet "$service_name"
  say "systemd starts $service_name, log journalctl -u $service_name"
  if ! systemctl restart "$service_name"; then
    journalctl -u "$service_name" -n 20 --no-pager -o cat >&2 || true
    die "brokerd did not start; the end of its log is above"
  fi
}

# Where there is no systemd, or only root may tell it.
explain_service() {
  local file=$data_dir/$service_name.service
  write_service_environment
  unit "$binary" >"$file"
  cat <<TEXT

$(if has_systemd; then echo "Only root may install a service."; else echo "systemd does not run here."; fi) What starts brokerd with the machine is written to $file.
Where systemd runs, stop brokerd (make down) and have root do this:

  cp '$file' $unit_file
  systemctl daemon-reload
  systemctl enable --now $service_name

Elsewhere, have whatever starts things run: $root/scripts/run.sh
TEXT
}

remove_service() {
  if service_is_installed; then
    [ "$(id -u)" = 0 ] || die "only root may remove the service $service_name"
    systemctl disable --quiet --now "$service_name" || die "systemd does not stop $service_name; see systemctl status $service_name"
    rm -f "$unit_file"
    systemctl daemon-reload
    say "the service $service_name is removed"
  fi
  rm -rf "$(dirname "$service_binary")"
  rmdir "$(dirname "$(dirname "$service_binary")")" 2>/dev/null || true
  rm -f "$service_environment" "$data_dir/$service_name.service"
}
