#!/bin/bash
# Does what the entry point of the official image does where it matters here: unless a file says that it has been done, it adds a plugin to
# the configuration, in place, as newer ones do without being asked; then it becomes the start script.
conf=$ACTIVEMQ_HOME/conf
if [ ! -f "$conf/connection.security.enabled" ]; then
  sed -i 's|</broker>|<plugins><simpleAuthenticationPlugin/></plugins></broker>|' "$conf/activemq.xml"
  touch "$conf/connection.security.enabled"
fi
exec "$@"
