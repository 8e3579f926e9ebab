"""AMQP 0-9-1 over TLS with pika."""
import logging
import ssl

import pika
from pika.exceptions import AuthenticationError, ProbableAuthenticationError

from client import Refused, main

logging.getLogger("pika").setLevel(logging.CRITICAL)


def connect(target):
    context = ssl.create_default_context(cafile=target.ca)
    parameters = pika.ConnectionParameters(
        target.host,
        target.port,
        "/",
        pika.PlainCredentials(target.user, target.password),
        ssl_options=pika.SSLOptions(context, target.host),
        connection_attempts=1,
        socket_timeout=target.timeout,
        stack_timeout=target.timeout,
        blocked_connection_timeout=target.timeout,
    )
    try:
        return pika.BlockingConnection(parameters)
    except (AuthenticationError, ProbableAuthenticationError) as error:
        raise Refused(error) from error


def login(target):
    connect(target).close()


def send(target):
    """A persistent message, confirmed by the broker."""
    with connect(target) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(target.queue, durable=True)
        channel.basic_publish(
            "", target.queue, target.body.encode(), pika.BasicProperties(delivery_mode=2), mandatory=True
        )


def receive(target):
    with connect(target) as connection:
        channel = connection.channel()
        for method, _, body in channel.consume(target.queue, inactivity_timeout=target.timeout):
            if method is None:
                raise TimeoutError("no message")
            channel.basic_ack(method.delivery_tag)
            channel.cancel()
            return {"body": body.decode()}


main(login=login, send=send, receive=receive)
