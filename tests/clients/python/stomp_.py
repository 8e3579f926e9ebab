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
        self.messages, self.receipts, self.errors = queue.Queue(), queue.Queue(), []

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.append(f"{frame.headers.get('message', '')} {frame.body}".strip())
        self.messages.put(None)
        self.receipts.put(None)

    def next(self, of, timeout):
        """What comes next; an error of the broker is its refusal."""
        found = of.get(timeout=timeout)
        if found is None:
            raise Refused(self.errors[0])
        return found


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
        if listener.errors:
            raise Refused(listener.errors[0]) from error
        raise
    return connection, listener


def login(target):
    connect(target)[0].disconnect()


def send(target):
    """A persistent message; the receipt comes when the broker has stored it."""
    connection, listener = connect(target)
    headers = {"persistent": "true", "receipt": "stored"}
    connection.send(f"/queue/{target.queue}", target.body, headers=headers)
    listener.next(listener.receipts, target.timeout)
    connection.disconnect()


def receive(target):
    connection, listener = connect(target)
    connection.subscribe(f"/queue/{target.queue}", id="1", ack="client-individual")
    frame = listener.next(listener.messages, target.timeout)
    connection.ack(frame.headers["ack"], receipt="acknowledged")
    listener.next(listener.receipts, target.timeout)
    connection.disconnect()
    return {"body": frame.body}


main(login=login, send=send, receive=receive)
