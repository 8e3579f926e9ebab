#!/bin/sh
# Creates the cluster on first start, like the official image; with POSTGRES_PASSWORD_FILE no password is in the environment.
set -eu
if [ "$1" != postgres ]; then exec "$@"; fi
shift
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$user}
  passwords=${POSTGRES_PASSWORD_FILE:-}
  if [ -z "$passwords" ] && [ -n "${POSTGRES_PASSWORD:-}" ]; then
    passwords=/tmp/pg_password
    (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" > "$passwords")
  fi
  # Made beside and moved when it is whole, the file that says so last: an attempt that was killed is begun anew.
  fresh=$PGDATA/unfinished
  rm -rf "$fresh"
  if [ -n "$passwords" ]; then
    initdb -D "$fresh" -U "$user" --auth-local=trust --auth-host=scram-sha-256 --pwfile="$passwords" >/dev/null
    printf 'host all all all scram-sha-256\n' >> "$fresh/pg_hba.conf"
  elif [ "${POSTGRES_HOST_AUTH_METHOD:-}" = trust ]; then
    initdb -D "$fresh" -U "$user" --auth=trust >/dev/null
    printf 'host all all all trust\n' >> "$fresh/pg_hba.conf"
  else
    echo "set POSTGRES_PASSWORD_FILE (or POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust)" >&2
    exit 1
  fi
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "$database" | postgres --single -D "$fresh" postgres >/dev/null
  fi
  for part in "$fresh"/*; do
    name=${part##*/}
    if [ "$name" = PG_VERSION ]; then continue; fi
    rm -rf "${PGDATA:?}/$name"
    mv "$part" "$PGDATA/"
  done
  sync
  mv "$fresh/PG_VERSION" "$PGDATA/"
  rmdir "$fresh"
fi
unset POSTGRES_PASSWORD
rm -f /tmp/pg_password
exec postgres -D "$PGDATA" -c listen_addresses='*' "$@"
