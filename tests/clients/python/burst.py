"""STOMP clients that log in and send in one breath: many connections over TLS at once, each with all of its frames in one record."""
import socket
import ssl
import threading

from client import main


def connect(target):
    context = ssl.create_default_context(cafile=target.ca)
    plain = socket.create_connection(target.address, target.timeout)
    return context.wrap_socket(plain, server_hostname=target.host)


def until(connection, wanted):
    said = b""
    while wanted not in said:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError(f"ended after {said!r}")
        said += part
    return said


def frames(target, number):
    login = f"CONNECT\naccept-version:1.2\nhost:x\nlogin:{target.user}\npasscode:{target.password}\n\n\0"
    send = f"SEND\ndestination:/queue/{target.queue}\npersistent:true\nreceipt:stored\n\n{number}\0"
    return (login + send).encode()


def burst(target):
    """Sends the numbers below "connections", each by a connection of its own, and tells which came."""
    count = target.given["connections"]
    together, failed = threading.Barrier(count), []

    def client(number):
        try:
            with connect(target) as connection:
                together.wait(target.timeout)
                connection.sendall(frames(target, number))
                said = until(connection, b"RECEIPT")
                if said.count(b"CONNECTED") != 1 or b"ERROR" in said:
                    raise AssertionError(repr(said))
        except Exception as error:
            failed.append(f"{number}: {type(error).__name__}: {error}")

    clients = [threading.Thread(target=client, args=(number,)) for number in range(count)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return {"failed": failed, "came": received(target)}


def received(target):
    """Every message of the queue, until none has come for a second."""
    came = []
    with connect(target) as connection:
        connection.sendall(frames(target, 0).split(b"\0")[0] + b"\0")
        until(connection, b"CONNECTED")
        connection.sendall(f"SUBSCRIBE\nid:1\ndestination:/queue/{target.queue}\nack:auto\n\n\0".encode())
        connection.settimeout(1)
        said = b""
        try:
            while part := connection.recv(65536):
                said += part
        except TimeoutError:
            pass
    for frame in said.split(b"\0"):
        if frame.lstrip(b"\n").startswith(b"MESSAGE"):
            came.append(int(frame.partition(b"\n\n")[2]))
    return sorted(came)


main(burst=burst)
