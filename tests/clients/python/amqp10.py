"""AMQP 1.0 over TLS with Qpid Proton."""
import contextlib

from proton import ConnectionException, Message, ProtonException, SSLDomain
from proton.utils import BlockingConnection

from client import Refused, main


def connect(target):
    domain = SSLDomain(SSLDomain.MODE_CLIENT)
    domain.set_trusted_ca_db(target.ca)
    domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
    try:
        return BlockingConnection(
            f"amqps://{target.host}:{target.port}",
            timeout=target.timeout,
            ssl_domain=domain,
            # Proton compares the names in a certificate, but not the addresses.
            virtual_host=target.host,
            user=target.user,
            password=target.password,
            allowed_mechs="PLAIN",
            reconnect=False,
        )
    except ConnectionException as error:
        if "auth" in str(error).lower():
            raise Refused(error) from error
        raise


def login(target):
    connect(target).close()


@contextlib.contextmanager
def permitted():
    try:
        yield
    except ProtonException as error:
        if "unauthorized" in str(error).lower() or "not authorized" in str(error).lower():
            raise Refused(error) from error
        raise


def send(target):
    """A durable message; returns when the broker has accepted it."""
    connection = connect(target)
    with permitted():
        connection.create_sender(target.queue).send(Message(body=target.body, durable=True))
    connection.close()


def receive(target):
    connection = connect(target)
    with permitted():
        receiver = connection.create_receiver(target.queue, credit=1)
        message = receiver.receive(timeout=target.timeout)
        receiver.accept()
    connection.close()
    return {"body": message.body}


main(login=login, send=send, receive=receive)
