"""STOMP 1.2 with stomp.py, over TLS or over WebSocket, as the scheme of the URL says."""
import logging
import queue

import stomp
from stomp.adapter.ws import WSStompConnection
from stomp.exception import ConnectFailedException

from client import Refused, main

logging.getLogger("stomp.py").setLevel(logging.CRITICAL)


class Listener(stomp.ConnectionListener):
    def __init__(self):
        self.events, self.reached = queue.Queue(), False

    def on_connecting(self, host_and_port):
        self.reached = True

    def on_message(self, frame):
        self.events.put(("message", frame))

    def on_receipt(self, frame):
        self.events.put(("receipt", frame))

    def on_disconnected(self):
        self.events.put(("end", None))

    def on_error(self, frame):
        error = f"{frame.headers.get('message', '')} {frame.body}".strip()
        self.events.put(("error", error))

    def next(self, kind, timeout):
        """The next message or receipt; an error instead ends the wait."""
        while True:
            found, what = self.events.get(timeout=timeout)
            if found == kind:
                return what
            if found == "error":
                raise Refused(what) if "not authorized" in what else RuntimeError(what)
            if found == "end":
                raise ConnectionError("the broker ended the connection")

    def refusal(self, timeout):
        """Why the broker ended a connection that it has just ended; none when it did not say."""
        while True:
            found, what = self.events.get(timeout=timeout)
            if found in ("error", "end"):
                return what


def connect(target):
    options = {"reconnect_attempts_max": 1, "timeout": target.timeout, "try_loopback_connect": False}
    # With a length, ActiveMQ would take a text for bytes.
    options["auto_content_length"] = False
    if target.scheme == "wss":
        connection = WSStompConnection(
            [target.address], header={"Sec-WebSocket-Protocol": "v12.stomp"}, **options
        )
    else:
        connection = stomp.Connection12([target.address], **options)
    connection.set_ssl([target.address], ca_certs=target.ca)
    listener = Listener()
    connection.set_listener("", listener)
    try:
        connection.connect(target.user, target.password, wait=True)
    except ConnectFailedException as error:
        # Another listener was told first, so the reason may still be on its way to this one.
        if listener.reached and (refusal := listener.refusal(target.timeout)):
            raise Refused(refusal) from error
        raise
    return connection, listener


def login(target):
    connect(target)[0].disconnect()


def send(target):
    """A persistent message; the receipt comes when the broker has stored it."""
    connection, listener = connect(target)
    headers = {"persistent": "true", "receipt": "stored"}
    connection.send(f"/queue/{target.queue}", target.body, headers=headers)
    listener.next("receipt", target.timeout)
    connection.disconnect()


def answered(target, answer):
    connection, listener = connect(target)
    connection.subscribe(f"/queue/{target.queue}", id="1", ack="client-individual")
    frame = listener.next("message", target.timeout)
    getattr(connection, answer)(frame.headers["ack"], receipt="answered")
    listener.next("receipt", target.timeout)
    connection.disconnect()
    return {"body": frame.body}


def receive(target):
    return answered(target, "ack")


def reject(target):
    """Receives a message and says that it can't be processed."""
    return answered(target, "nack")


main(login=login, send=send, receive=receive, reject=reject)
