"""Sends a STOMP broker more than it can hold, over TLS: messages that are permitted by their size, on connections of their own, of which
none comes to its end before all are there. Nothing of it is ever stored.

Input:  one line as for the other clients; "connections" and "bytes" are how many messages, and how large each is.
Output: {"broken": count}, once the broker has ended connections, or had "timeout" seconds to do so.
"""
import contextlib
import json
import select
import socket
import ssl
import sys
import threading
import time

from stomp.utils import Frame, convert_frame

from client import Target

CHUNK = b"m" * 65536

given = json.loads(sys.stdin.readline())
target = Target(given)
deadline = time.monotonic() + given["timeout"]
broken = []


def hog():
    context = ssl.create_default_context(cafile=target.ca)
    with socket.create_connection((target.host, target.port), 15) as plain:
        with context.wrap_socket(plain, server_hostname=target.host) as connection:
            headers = {"accept-version": "1.2", "host": target.host, "login": target.user, "passcode": target.password}
            connection.sendall(b"".join(convert_frame(Frame("CONNECT", headers, ""))))
            answer = connection.recv(65536)
            if not answer.startswith(b"CONNECTED"):
                raise ConnectionError(f"not let in: {answer!r}")
            size = given["bytes"]
            connection.sendall(f"SEND\ndestination:/queue/hog\ncontent-length:{size}\n\n".encode())
            connection.settimeout(given["timeout"])
            try:
                # All but its last byte.
                left = size - 1
                while left > 0:
                    left -= connection.send(CHUNK[:left])
                select.select([connection], [], [], max(0, deadline - time.monotonic()))
                if connection.recv(65536) == b"":
                    broken.append(1)
            except TimeoutError:
                pass
            except OSError:
                broken.append(1)


def run():
    # Whoever comes too late is refused by a broker that is gone.
    with contextlib.suppress(OSError):
        hog()


threads = [threading.Thread(target=run, daemon=True) for _ in range(given["connections"])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(max(0, deadline - time.monotonic()))
print(json.dumps({"broken": len(broken)}))
