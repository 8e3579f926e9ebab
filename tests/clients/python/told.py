"""What an engine says of itself on a connection, before and after the login: every byte, as Latin-1."""
import json
import socket
import ssl
import struct

from client import main


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
    # Its own first words are as good an answer as any; then it tells who it is.
    hello = until_silence(connection)
    connection.sendall(hello)
    return hello + until_silence(connection)


def stomp(target, connection):
    connection.sendall(f"CONNECT\naccept-version:1.2\nhost:x\nlogin:{target.user}\npasscode:{target.password}\n\n\0".encode())
    return until_silence(connection)


def mqtt(target, connection):
    texts = b"".join(struct.pack(">H", len(text)) + text.encode() for text in ("told", target.user, target.password))
    rest = struct.pack(">H4sBBH", 4, b"MQTT", 4, 0xC2, 60) + texts
    connection.sendall(bytes((0x10, len(rest))) + rest)
    return until_silence(connection)


def amqp10(target, connection):
    def frame(kind, body):
        return struct.pack(">IBBH", 8 + len(body), 2, kind, 0) + body

    def listed(code, *items):
        content = bytes((len(items),)) + b"".join(items)
        return bytes((0x00, 0x53, code, 0xC0, len(content))) + content

    answer = f"\0{target.user}\0{target.password}".encode()
    init = listed(0x41, b"\xa3\x05PLAIN", bytes((0xA0, len(answer))) + answer)
    connection.sendall(b"AMQP\x03\x01\x00\x00")
    said = until_silence(connection)
    connection.sendall(frame(1, init))
    said += until_silence(connection)
    connection.sendall(b"AMQP\x00\x01\x00\x00" + frame(0, listed(0x10, b"\xa1\x04told", b"\xa1\x01x")))
    return said + until_silence(connection)


def amqp091(target, connection):
    connection.sendall(b"AMQP\x00\x00\x09\x01")
    return until_silence(connection)


SPOKEN = {
    "ssl": [openwire],
    "stomp+ssl": [stomp],
    "mqtt+ssl": [mqtt],
    "amqp+ssl": [amqp10],
    "amqps": [amqp091, amqp10],
}


def tell(target):
    said = []
    for speak in SPOKEN[target.scheme]:
        with connect(target) as connection:
            said.append(speak(target, connection).decode("latin-1"))
    return {"told": said}


def reach(target):
    """Which of the "addresses", each [host, port], answer the beginning of a TLS connection with as much as a byte."""
    answering = []
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for host, port in json.loads(target.given["addresses"]):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname="x")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        try:
            with socket.create_connection((host, port), 1) as connection:
                connection.sendall(outgoing.read())
                if connection.recv(1):
                    answering.append([host, port])
        except OSError:
            pass
    return {"answering": answering}


main(tell=tell, reach=reach)
