"""Clients that send and receive without a break, in STOMP 1.2 over TLS, and keep count of every message that the broker acknowledged.
The frames are stomp.py's, the connections are not: each is written and read by one thread, so that nothing waits but for the broker.

Input, a JSON object in one line: {"urls": […], "user": …, "password": …, "ca": …, "queue": …}. One producer per URL, which knows no other
address; one consumer, which takes the next URL whenever it loses its connection. Every further line is an action, answered in one line:

"told": how many messages were acknowledged, and the longest pause of any producer, in seconds, since it was last asked.
"count": how many messages were acknowledged, without waiting for another one.
"end":  the producers stop, and the consumer takes what is left: lost and repeated messages, and the last complaint.
"""
import contextlib
import json
import socket
import ssl
import sys
import threading
import time
from urllib.parse import urlsplit

from stomp.utils import Frame, convert_frame, parse_frame

PATIENCE = 60
PACE = 0.01


class Connection:
    def __init__(self, url, given):
        parts = urlsplit(url)
        context = ssl.create_default_context(cafile=given["ca"])
        connection = socket.create_connection((parts.hostname, parts.port), 15)
        try:
            self.socket = context.wrap_socket(connection, server_hostname=parts.hostname)
        except Exception:
            connection.close()
            raise
        self.received = b""
        headers = {"accept-version": "1.2", "host": parts.hostname, "login": given["user"], "passcode": given["password"]}
        self.transmit("CONNECT", headers)
        self.next("CONNECTED")

    def transmit(self, command, headers, body=""):
        self.socket.sendall(b"".join(convert_frame(Frame(command, headers, body))))

    def next(self, command):
        """The next frame, which has to be of this kind."""
        while b"\0" not in self.received:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the broker ended the connection")
            self.received += more
        whole, self.received = self.received.split(b"\0", 1)
        frame = parse_frame(whole.lstrip(b"\n"))
        if frame.cmd != command:
            raise ConnectionError(f"{frame.cmd} instead of {command}: {frame.headers}")
        return frame

    def close(self):
        self.socket.close()


class Steady:
    def __init__(self, given):
        self.given = given
        self.changed = threading.Condition()
        self.stored, self.seen = set(), {}
        self.longest, self.complaint = 0.0, None
        self.ending, self.ended = threading.Event(), threading.Event()
        urls = given["urls"]
        self.producers = [threading.Thread(target=self.produce, args=(n, url), daemon=True) for n, url in enumerate(urls)]
        self.consumer = threading.Thread(target=self.consume, args=(urls,), daemon=True)
        for thread in [self.consumer, *self.producers]:
            thread.start()

    def lost_connection(self, error, patience):
        with self.changed:
            self.complaint = f"{type(error).__name__}: {error}"
        self.ended.wait(patience)

    def produce(self, number, url):
        headers = {"destination": f"/queue/{self.given['queue']}", "persistent": "true"}
        count, last = 0, time.monotonic()
        while not self.ending.is_set():
            try:
                with contextlib.closing(Connection(url, self.given)) as connection:
                    while not self.ending.wait(PACE):
                        name = f"{number}-{count}"
                        connection.transmit("SEND", {**headers, "receipt": name}, name)
                        if connection.next("RECEIPT").headers["receipt-id"] != name:
                            raise ConnectionError("the receipt of another message")
                        now = time.monotonic()
                        with self.changed:
                            self.stored.add(name)
                            self.longest = max(self.longest, now - last)
                            self.changed.notify_all()
                        count, last = count + 1, now
            except Exception as error:
                self.lost_connection(error, 0.05)

    def consume(self, urls):
        headers = {"destination": f"/queue/{self.given['queue']}", "id": "1", "ack": "client-individual"}
        turn = 0
        while not self.ended.is_set():
            try:
                with contextlib.closing(Connection(urls[turn % len(urls)], self.given)) as connection:
                    connection.transmit("SUBSCRIBE", {**headers, "activemq.prefetchSize": "50"})
                    connection.socket.settimeout(1)
                    while not self.ended.is_set():
                        with contextlib.suppress(TimeoutError):
                            self.take(connection)
            except Exception as error:
                self.lost_connection(error, 0.05)
            turn += 1

    def take(self, connection):
        frame = connection.next("MESSAGE")
        connection.transmit("ACK", {"id": frame.headers["ack"]})
        with self.changed:
            name = frame.body.decode()
            self.seen[name] = self.seen.get(name, 0) + 1
            self.changed.notify_all()

    def told(self):
        """Once more of them is stored, so that a pause that still lasts is counted."""
        with self.changed:
            before = len(self.stored)
            moves = self.changed.wait_for(lambda: len(self.stored) > before, PATIENCE)
            longest, self.longest = self.longest, 0.0
            return {"stored": len(self.stored), "longest": longest, "moves": moves, "complaint": self.complaint}

    def count(self):
        with self.changed:
            return {"stored": len(self.stored)}

    def end(self):
        self.ending.set()
        for producer in self.producers:
            producer.join(PATIENCE)
        with self.changed:
            self.changed.wait_for(lambda: self.stored <= self.seen.keys(), PATIENCE)
            lost = sorted(self.stored - self.seen.keys())
            again = sum(times > 1 for times in self.seen.values())
            answer = {"stored": len(self.stored), "lost": lost, "repeated": again, "complaint": self.complaint}
        self.ended.set()
        self.consumer.join(PATIENCE)
        return answer


if __name__ == "__main__":
    steady = Steady(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps({"told": steady.told, "count": steady.count, "end": steady.end}[line.strip()]()), flush=True)
