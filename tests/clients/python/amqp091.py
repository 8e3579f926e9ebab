"""AMQP 0-9-1 over TLS with pika."""
import contextlib
import logging
import ssl

import pika
from pika.exceptions import AMQPError, AuthenticationError, ProbableAuthenticationError

from client import Refused, main

logging.getLogger("pika").setLevel(logging.CRITICAL)


def connect(target):
    context = ssl.create_default_context(cafile=target.ca)
    credentials = pika.PlainCredentials(target.user, target.password)
    if certificate := target.given.get("certificate"):
        context.load_cert_chain(certificate)
        credentials = pika.credentials.ExternalCredentials()
    parameters = pika.ConnectionParameters(
        target.host,
        target.port,
        target.given.get("vhost", "/"),
        credentials,
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


def declare(target, channel, name):
    """A durable queue, of the "type" that was asked for."""
    kind = target.given.get("type")
    channel.queue_declare(name, durable=True, arguments={"x-queue-type": kind} if kind else None)


def login(target):
    connect(target).close()


def send(target):
    """A persistent message, confirmed by the broker."""
    with connect(target) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        declare(target, channel, target.queue)
        channel.basic_publish(
            "", target.queue, target.body.encode(), pika.BasicProperties(delivery_mode=2), mandatory=True
        )


def next_message(target, channel):
    for method, _, body in channel.consume(target.queue, inactivity_timeout=target.timeout):
        if method is None:
            raise TimeoutError("no message")
        return method, body
    raise ConnectionError("the broker cancelled the consumer")


def receive(target):
    with connect(target) as connection:
        channel = connection.channel()
        method, body = next_message(target, channel)
        channel.basic_ack(method.delivery_tag)
        channel.cancel()
        return {"body": body.decode()}


def until_refused(target, step):
    """Repeats a step until the broker refuses it, "most" times at most: how often it did not, and its words."""
    for count in range(target.given["most"]):
        try:
            step(count)
        except AMQPError as error:
            return {"count": count, "error": str(error)}
    return {"count": target.given["most"], "error": ""}


def connections(target):
    with contextlib.ExitStack() as opened:
        return until_refused(target, lambda n: opened.enter_context(connect(target)))


def channels(target):
    with connect(target) as connection:
        return until_refused(target, lambda n: connection.channel())


def consumers(target):
    with connect(target) as connection:
        channel = connection.channel()
        declare(target, channel, target.queue)
        return until_refused(target, lambda n: channel.basic_consume(target.queue, lambda *message: None))


def queues(target):
    with connect(target) as connection:
        channel = connection.channel()
        return until_refused(target, lambda n: declare(target, channel, f"{target.queue}.{n}"))


def exchanges(target):
    with connect(target) as connection:
        channel = connection.channel()
        return until_refused(target, lambda n: channel.exchange_declare(f"{target.queue}.{n}"))


def sizes(target):
    """Messages of each of the "sizes", confirmed by the broker."""
    bodies = [b"x" * size for size in target.given["sizes"]]
    target.given["most"] = len(bodies)
    with connect(target) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        declare(target, channel, target.queue)
        return until_refused(target, lambda n: channel.basic_publish("", target.queue, bodies[n], mandatory=True))


def hold(target):
    """Takes a message and never acknowledges it: what the broker does about that, within "timeout"."""
    with connect(target) as connection:
        channel = connection.channel()
        next_message(target, channel)
        try:
            for method, _, _ in channel.consume(target.queue, inactivity_timeout=target.timeout):
                return {"outcome": "delivered again" if method and method.redelivered else "nothing"}
            return {"outcome": "cancelled"}
        except AMQPError as error:
            return {"outcome": "closed", "error": str(error)}


main(
    login=login,
    send=send,
    receive=receive,
    connections=connections,
    channels=channels,
    consumers=consumers,
    queues=queues,
    exchanges=exchanges,
    sizes=sizes,
    hold=hold,
)
