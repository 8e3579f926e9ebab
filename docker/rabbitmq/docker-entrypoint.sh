#!/bin/sh
# Runs the broker in the foreground; as root it only hands the data over to uid 999 and becomes that user.
set -eu
if [ "$(id -u)" = 0 ] && [ "${1:-}" = rabbitmq-server ]; then
  chown -R 999:999 /var/lib/rabbitmq
  exec setpriv --reuid=999 --regid=999 --clear-groups "$0" "$@"
fi
# The scripts take any value, even an empty one, for yes.
if [ -z "${RABBITMQ_USE_LONGNAME:-}" ]; then
  case "$(cat /proc/sys/kernel/hostname)" in
    *.*) export RABBITMQ_USE_LONGNAME=true ;;
    *) unset RABBITMQ_USE_LONGNAME ;;
  esac
fi
exec "$@"
