"""What an engine says of itself on a connection, before and after the login: every byte, as Latin-1."""
import base64
import json
import os
import socket
import ssl
import struct
from concurrent.futures import ThreadPoolExecutor

from client import main


def at_once(ask, items):
    """What comes of each item, in their order. Nearly all of the time is spent waiting for silence."""
    with ThreadPoolExecutor(max_workers=32) as threads:
        return list(threads.map(ask, items))


def client_id():
    """Of eight letters, another one each time: connections with the same one would end each other."""
    return "told" + os.urandom(2).hex()


def connect(target):
    context = ssl.create_default_context(cafile=target.ca)
    plain = socket.create_connection(target.address, target.timeout)
    return context.wrap_socket(plain, server_hostname=target.host)


def until_silence(connection, seconds=1.5):
    connection.settimeout(seconds)
    said = b""
    try:
        while part := connection.recv(65536):
            said += part
    except TimeoutError:
        pass
    return said


def openwire(target, connection):
    """Loosely marshalled, so that texts can be read. A client of the failover transport is told of the broker's cluster, too."""

    def text(value):
        return b"\1" + struct.pack(">H", len(value)) + value.encode()

    def command(kind, body):
        return struct.pack(">IB", 1 + len(body), kind) + body

    nothing = struct.pack(">I", 0)
    hello = command(1, b"ActiveMQ" + struct.pack(">IBI", 12, 1, len(nothing)) + nothing)
    connection_id = b"\1" + bytes((120,)) + text("told")
    # No path of brokers; no broker itself, manageable, no broker's client, fault-tolerant, not for the second time.
    flags = b"\0" + bytes((0, 1, 0, 1, 0))
    who = text(client_id()) + text(target.password) + text(target.user)
    login = command(3, struct.pack(">IB", 1, 1) + connection_id + who + flags + b"\0")
    said = until_silence(connection)
    connection.sendall(hello)
    said += until_silence(connection)
    connection.sendall(login)
    answer = until_silence(connection)
    if not answer:
        raise AssertionError("no answer to the login")
    return said + answer


def stomp_login(target, client=None):
    named = f"client-id:{client}\n" if client else ""
    return f"CONNECT\naccept-version:1.2\nhost:x\n{named}login:{target.user}\npasscode:{target.password}\n\n\0".encode()


def stomp(target, connection):
    client = client_id()
    connection.sendall(stomp_login(target, client))
    said = until_silence(connection)
    # ActiveMQ refuses whoever comes with the same identifier, and could say where the first one is.
    with connect(target) as second:
        second.sendall(stomp_login(target, client))
        return said + until_silence(second)


def mqtt_login(target, level):
    texts = b"".join(struct.pack(">H", len(text)) + text.encode() for text in (client_id(), target.user, target.password))
    properties = b"\0" if level == 5 else b""
    rest = struct.pack(">H4sBBH", 4, b"MQTT", level, 0xC2, 60) + properties + texts
    return bytes((0x10, len(rest))) + rest


def mqtt(target, connection):
    connection.sendall(mqtt_login(target, 4))
    said = until_silence(connection)
    # Of version 5, whose answers may name another server, neither engine has an endpoint here. What it says to that counts, too.
    with connect(target) as newer:
        newer.sendall(mqtt_login(target, 5))
        return said + until_silence(newer)


def in_websocket(subprotocol, kind, opening):
    """The upgrade's answer and that to the opening, which is one message of that kind."""

    def speak(target, connection):
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET / HTTP/1.1\r\nHost: {target.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {subprotocol}\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        upgraded = until_silence(connection)
        if b" 101 " not in upgraded.split(b"\r\n", 1)[0]:
            raise AssertionError(f"{subprotocol}: {upgraded!r}")
        said = upgraded
        for message in opening(target):
            # With a mask of zeros.
            size = bytes((0x80 | len(message),)) if len(message) < 126 else b"\xfe" + struct.pack(">H", len(message))
            connection.sendall(bytes((0x80 | kind,)) + size + bytes(4) + message)
            answer = until_silence(connection)
            if not answer:
                raise AssertionError(f"{subprotocol}: no answer")
            said += answer
        return said

    return speak


def sasl_login(target):
    answer = f"\0{target.user}\0{target.password}".encode()
    return amqp_frame(1, amqp_list(0x41, b"\xa3\x05PLAIN", bytes((0xA0, len(answer))) + answer))


def amqp_frame(kind, body):
    return struct.pack(">IBBH", 8 + len(body), 2, kind, 0) + body


def amqp_list(code, *items):
    content = bytes((len(items),)) + b"".join(items)
    return bytes((0x00, 0x53, code, 0xC0, len(content))) + content


def amqp_openings(target):
    return [
        b"AMQP\x03\x01\x00\x00",
        sasl_login(target),
        b"AMQP\x00\x01\x00\x00" + amqp_frame(0, amqp_list(0x10, b"\xa1\x08" + client_id().encode(), b"\xa1\x01x")),
    ]


def console(target, connection):
    """The console's pages, but for its lists of connections and bridges, which are between the engine and the gateway."""
    credentials = base64.b64encode(f"{target.user}:{target.password}".encode()).decode()

    def get(page):
        with connect(target) as fresh:
            fresh.sendall(
                f"GET /{page} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nConnection: close\r\n"
                f"Authorization: Basic {credentials}\r\n\r\n".encode()
            )
            return until_silence(fresh, 5)

    pages = ["", "admin/index.jsp", "admin/queues.jsp", "admin/topics.jsp", "admin/nothing", "brokerd/links", "metrics"]
    return b"".join(at_once(get, pages))


def amqp10(target, connection):
    said = b""
    for opening in amqp_openings(target):
        connection.sendall(opening)
        said += until_silence(connection)
    return said


def amqp091(target, connection):
    connection.sendall(b"AMQP\x00\x00\x09\x01")
    return until_silence(connection)


SPOKEN = {
    "ssl": [openwire],
    "stomp+ssl": [stomp],
    "mqtt+ssl": [mqtt],
    "amqp+ssl": [amqp10],
    "amqps": [amqp091, amqp10],
    "wss": [
        in_websocket("v12.stomp", 1, lambda target: [stomp_login(target)]),
        in_websocket("mqtt", 2, lambda target: [mqtt_login(target, 4)]),
        in_websocket("amqp", 2, amqp_openings),
    ],
    "https": [console],
}


def tell(target):
    def said(speak):
        with connect(target) as connection:
            return speak(target, connection).decode("latin-1")

    return {"told": at_once(said, SPOKEN[target.scheme])}


def reach(target):
    """Which of the "addresses", each [host, port], answer the beginning of a TLS connection with as much as a byte."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def answers(address):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname="x")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        try:
            with socket.create_connection(tuple(address), 2) as connection:
                connection.sendall(outgoing.read())
                return bool(connection.recv(1))
        except OSError:
            return False

    addresses = json.loads(target.given["addresses"])
    return {"answering": [address for address, is_answer in zip(addresses, at_once(answers, addresses)) if is_answer]}


main(tell=tell, reach=reach)
