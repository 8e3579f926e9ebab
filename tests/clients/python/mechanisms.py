"""The mechanisms that a broker offers in Connection.Start of AMQP 0-9-1.

Given: {"url": …, "ca": …, "names": as in client.py}
"""
import json
import socket
import ssl
import struct
import sys
from urllib.parse import urlsplit

from client import know


def exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise ConnectionError("the broker closed the connection")
        data += part
    return data


given = json.load(sys.stdin)
know(given.get("names"))
url = urlsplit(given["url"])
context = ssl.create_default_context(cafile=given["ca"])
with socket.create_connection((url.hostname, url.port), 10) as plain:
    with context.wrap_socket(plain, server_hostname=url.hostname) as stream:
        stream.sendall(b"AMQP\x00\x00\x09\x01")
        _, _, size = struct.unpack(">BHI", exactly(stream, 7))
        payload = exactly(stream, size)
# Class, method, version, then a table and two long strings, of which the first is the mechanisms.
assert payload[:6] == struct.pack(">HHBB", 10, 10, 0, 9), payload[:6]
table = struct.unpack(">I", payload[6:10])[0]
start = 10 + table
length = struct.unpack(">I", payload[start : start + 4])[0]
json.dump(sorted(payload[start + 4 : start + 4 + length].decode().split()), sys.stdout)
