"""One handshake of TLS 1.2 for each suite: which of them fail, and how.

Given: {"url": …, "ca": …, "suites": [OpenSSL's names], "names": as in client.py}
"""
import json
import socket
import ssl
import sys
from urllib.parse import urlsplit

from client import know


def failure(given, suite):
    url = urlsplit(given["url"])
    context = ssl.create_default_context(cafile=given["ca"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(suite)
        with socket.create_connection((url.hostname, url.port or 443), 10) as plain:
            with context.wrap_socket(plain, server_hostname=url.hostname) as stream:
                used = stream.cipher()[0]
                return None if used == suite else f"another suite: {used}"
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


given = json.load(sys.stdin)
know(given.get("names"))
failures = {suite: failure(given, suite) for suite in given["suites"]}
json.dump({suite: why for suite, why in failures.items() if why}, sys.stdout)
