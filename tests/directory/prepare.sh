#!/bin/sh
# Makes an authority, its certificate for the host name in $1, and the directory. It is served when somebody says so:
#   slapd -f /etc/directory/slapd.conf -h 'ldaps:/// ldapi:///'
set -eu
cd /etc/directory
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
# shellcheck disable=SC2086 # these are several arguments
{
  openssl req -x509 $key -subj "/CN=authority of $1" -days 2 -keyout ca.key -out authority.pem \
    -addext keyUsage=critical,keyCertSign
  openssl req $key -subj "/CN=$1" -keyout server.key -out server.csr
} 2>&1
printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$1" > extensions
openssl x509 -req -in server.csr -CA authority.pem -CAkey ca.key -days 2 -extfile extensions -out server.pem
mkdir -p /var/lib/directory /run/slapd
slapadd -f slapd.conf -l directory.ldif
# It appears when all is done.
mv authority.pem ca.pem
exec sleep infinity
