#!/bin/bash
# What brokerd does to the packet filter of the host of its engines. It runs in that host's network, and everything may be repeated.
#   firewall apply TABLE RULES   puts a table's rules in force, in one step; ends with 10 if there was no such table
#   firewall list                prints the names of brokerd's tables
#   firewall remove TABLE…       removes tables
set -euo pipefail

unfit() { printf '%s\n' "$*" >&2; exit 3; }

# Where names are resolved: Docker's own resolver asks these from inside the containers' networks.
resolvers() {
  local key address rest
  while read -r key address rest; do
    if [ "$key" != nameserver ]; then continue; fi
    case $address in
      127.* | ::1 | *%*) ;;
      *:*) printf 'add element inet %s resolvers6 { %s }\n' "$1" "$address" ;;
      *.*) printf 'add element inet %s resolvers4 { %s }\n' "$1" "$address" ;;
    esac
  done </etc/resolv.conf
}

apply() {
  local table=$1 rules=$2 were=0 words
  nft list table inet "$table" >/dev/null 2>&1 || were=10
  # Creating it first, so that there is something to delete, and all of it as one transaction: there is no moment without rules.
  if ! words=$({ printf 'table inet %s\ndelete table inet %s\n%s\n' "$table" "$table" "$rules" && resolvers "$table"; } | nft -f - 2>&1); then
    unfit "nftables refuses the rules: ${words:-no reason is told}"
  fi
  exit "$were"
}

tables() { nft list tables inet 2>/dev/null | sed -n 's/^table inet \(brokerd-.*\)$/\1/p'; }

case ${1:-} in
  apply) apply "$2" "$3" ;;
  list) tables ;;
  remove)
    shift
    for table in "$@"; do printf 'table inet %s\ndelete table inet %s\n' "$table" "$table" | nft -f -; done
    ;;
  *) echo "usage: firewall apply TABLE RULES, firewall list, firewall remove TABLE…" >&2; exit 1 ;;
esac
