"""AMQP 0-9-1 over TLS with pika, under way until its input ends: one publisher that waits for every confirmation, one consumer.

Input:  one line as for the other clients; "rate" is messages per second. The end of input ends the publisher.
Output: a line {"confirmed": count} for every confirmed message; at last {"confirmed", "lost": […], "duplicates", "failures"}, once
        the consumer has everything or "timeout" has passed.
"""
import json
import logging
import os
import ssl
import sys
import threading
import time

import pika
from pika.exceptions import AMQPError

from client import Target

logging.getLogger("pika").setLevel(logging.CRITICAL)
target = Target(json.loads(sys.stdin.readline()))
stop, done = threading.Event(), threading.Event()
confirmed, received, failures = [], [], []


def connect():
    context = ssl.create_default_context(cafile=target.ca)
    return pika.BlockingConnection(
        pika.ConnectionParameters(
            target.host,
            target.port,
            "/",
            pika.PlainCredentials(target.user, target.password),
            ssl_options=pika.SSLOptions(context, target.host),
            connection_attempts=1,
            heartbeat=6,
            socket_timeout=5,
            stack_timeout=10,
            blocked_connection_timeout=10,
        )
    )


def again_and_again(step, until):
    """Reconnects whenever the connection ends."""
    while not until.is_set():
        try:
            with connect() as connection:
                channel = connection.channel()
                step(connection, channel)
        except Exception as error:  # whatever a client makes of a connection that ends; the count tells the rest
            failures.append(f"{type(error).__name__}: {error}")
            until.wait(0.1)


def publish(connection, channel):
    channel.confirm_delivery()
    # It does not say of which type it is.
    channel.queue_declare(target.queue, durable=True)
    while not stop.is_set():
        number = len(confirmed)
        channel.basic_publish(
            "", target.queue, str(number).encode(), pika.BasicProperties(delivery_mode=2), mandatory=True
        )
        confirmed.append(number)
        print(json.dumps({"confirmed": len(confirmed)}), flush=True)
        connection.sleep(1 / target.given["rate"])


def consume(connection, channel):
    channel.basic_qos(prefetch_count=20)
    channel.queue_declare(target.queue, durable=True)
    for method, _, body in channel.consume(target.queue, inactivity_timeout=0.5):
        if method is not None:
            channel.basic_ack(method.delivery_tag)
            received.append(int(body))
        if done.is_set():
            return
    raise AMQPError("the consumer was cancelled")


publisher = threading.Thread(target=again_and_again, args=(publish, stop), daemon=True)
consumer = threading.Thread(target=again_and_again, args=(consume, done), daemon=True)
publisher.start()
consumer.start()
sys.stdin.read()
stop.set()
publisher.join(target.timeout)
deadline = time.monotonic() + target.timeout
while set(confirmed) - set(received) and time.monotonic() < deadline:
    time.sleep(0.1)
done.set()
consumer.join(5)
print(
    json.dumps(
        {
            "confirmed": len(confirmed),
            "lost": sorted(set(confirmed) - set(received)),
            "duplicates": len(received) - len(set(received)),
            "failures": failures[-20:],
        }
    ),
    flush=True,
)
os._exit(0)
