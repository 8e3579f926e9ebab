#!/bin/bash
# Does what the official image's does as long as none of the variables is set by which it edits the configuration in place.
set -e
for variable in ACTIVEMQ_CONNECTION_USER ACTIVEMQ_JMX_USER ACTIVEMQ_WEB_USER; do
  if [ -n "${!variable}" ]; then echo "$variable would have the configuration edited" >&2; exit 1; fi
done
ACTIVEMQ_OPTS_MEMORY=${ACTIVEMQ_OPTS_MEMORY:--Xms64M -Xmx1G}
if [ -z "$ACTIVEMQ_OPTS" ]; then
  export ACTIVEMQ_OPTS="$ACTIVEMQ_OPTS_MEMORY -Djava.util.logging.config.file=logging.properties -Djava.security.auth.login.config=$ACTIVEMQ_CONF/login.config -Djetty.host=0.0.0.0"
fi
"$@" &
child=$!
trap 'kill -TERM "$child"' TERM INT
# The first one ends when the signal comes, too.
wait "$child" || true
wait "$child"
