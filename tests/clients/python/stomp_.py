"""STOMP 1.2 with stomp.py, over TLS or over WebSocket, as the scheme of the URL says."""
import logging
import queue
import socket

import stomp
import websocket
from stomp.utils import Frame, convert_frame, parse_frame

from client import Refused, main

logging.getLogger("stomp.py").setLevel(logging.CRITICAL)


def refusal(frame):
    return Refused(f"{frame.headers.get('message', '')} {frame.body}".strip())


class OverTls(stomp.ConnectionListener):
    def __init__(self, target):
        self.timeout, self.events = target.timeout, queue.Queue()
        self.connection = stomp.Connection12(
            [target.address],
            reconnect_attempts_max=1,
            timeout=target.timeout,
            try_loopback_connect=False,
            # With a length, ActiveMQ would take a text for bytes.
            auto_content_length=False,
        )
        self.connection.set_ssl([target.address], ca_certs=target.ca)
        self.connection.set_listener("", self)
        # stomp.py itself would wait for ever: it does not notice that a connection over TLS has ended.
        self.connection.connect(target.user, target.password, wait=False)
        try:
            self.next("CONNECTED")
        except queue.Empty:
            if self.has_ended():
                raise Refused("the broker ended the connection without a word") from None
            raise

    def has_ended(self):
        with socket.fromfd(self.connection.transport.socket.fileno(), socket.AF_INET, socket.SOCK_STREAM) as plain:
            try:
                return plain.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            except BlockingIOError:
                return False

    def on_message(self, frame):
        self.events.put(frame)

    on_connected = on_receipt = on_error = on_message

    def on_disconnected(self):
        self.events.put(None)

    def transmit(self, command, headers, body=""):
        self.connection.send_frame(command, headers, body)

    def next(self, command):
        """The next frame of this kind; an error ends the wait."""
        while (frame := self.events.get(timeout=self.timeout)) is not None:
            if frame.cmd == "ERROR":
                raise refusal(frame)
            if frame.cmd == command:
                return frame
        raise ConnectionError("the broker ended the connection")

    def end(self):
        self.connection.disconnect()


class OverWebSocket:
    """The frames are stomp.py's, the connection is not: its WebSocket is read by one thread while another writes, and what TLS
    carries gets lost when both happen at once."""

    def __init__(self, target):
        self.socket = websocket.create_connection(
            f"wss://{target.host}:{target.port}/",
            timeout=target.timeout,
            subprotocols=["v12.stomp"],
            sslopt={"ca_certs": target.ca},
        )
        headers = {"accept-version": "1.2", "host": target.host}
        if target.user is not None:
            headers |= {"login": target.user, "passcode": target.password}
        self.transmit("CONNECT", headers)
        self.next("CONNECTED")

    def transmit(self, command, headers, body=""):
        self.socket.send(b"".join(convert_frame(Frame(command, headers, body))).decode())

    def next(self, command):
        """The next frame of this kind; an error ends the wait."""
        while True:
            frame = parse_frame(self.socket.recv().encode().rstrip(b"\0\n"))
            frame.body = frame.body.decode()
            if frame.cmd == "ERROR":
                raise refusal(frame)
            if frame.cmd == command:
                return frame

    def end(self):
        self.socket.close()


def connect(target):
    return (OverWebSocket if target.scheme == "wss" else OverTls)(target)


def login(target):
    connect(target).end()


def send(target):
    """A persistent message; the receipt comes when the broker has stored it."""
    connection = connect(target)
    headers = {"destination": f"/queue/{target.queue}", "persistent": "true", "receipt": "stored"}
    connection.transmit("SEND", headers, target.body)
    connection.next("RECEIPT")
    connection.end()


def answered(target, answer):
    connection = connect(target)
    subscription = {"destination": f"/queue/{target.queue}", "id": "1", "ack": "client-individual"}
    connection.transmit("SUBSCRIBE", subscription)
    frame = connection.next("MESSAGE")
    connection.transmit(answer, {"id": frame.headers["ack"], "receipt": "answered"})
    connection.next("RECEIPT")
    connection.end()
    return {"body": frame.body}


def receive(target):
    return answered(target, "ACK")


def reject(target):
    """Receives a message and says that it can't be processed."""
    return answered(target, "NACK")


main(login=login, send=send, receive=receive, reject=reject)
