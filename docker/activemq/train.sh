#!/bin/sh
# Runs once in the image build, as the image's user: boots the example configuration, uses every protocol and records the classes.
set -eu
cd "$ACTIVEMQ_HOME"
cp /opt/train/* conf/
keytool -genkeypair -keyalg EC -groupname secp256r1 -alias broker -dname CN=localhost -validity 2 -storetype PKCS12 \
  -keystore conf/broker.p12 -storepass example-keystore-password >/dev/null 2>&1
echo "-XX:ArchiveClassesAtExit=$ACTIVEMQ_HOME/lib/classes.jsa" >> conf/jvm.options
activemq train
test -s lib/classes.jsa
rm -rf "${ACTIVEMQ_CONF:?}"/* "${ACTIVEMQ_DATA:?}"/*
