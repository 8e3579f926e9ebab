"""MQTT 3.1.1 with paho-mqtt, over TLS or over WebSocket, as the scheme of the URL says."""
import queue
import ssl
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from client import Refused, main


def connect(target):
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"scenario-{uuid.uuid4().hex[:8]}",
        transport="websockets" if target.scheme == "wss" else "tcp",
    )
    if target.scheme == "wss":
        client.ws_set_options(path="/")
    client.tls_set_context(ssl.create_default_context(cafile=target.ca))
    if target.user is not None:
        client.username_pw_set(target.user, target.password)
    connected = queue.Queue()
    client.on_connect = lambda c, data, flags, reason, properties: connected.put(reason)
    client.on_disconnect = lambda c, data, flags, reason, properties: connected.put(reason)
    client.connect(target.host, target.port, keepalive=30)
    client.loop_start()
    reason = connected.get(timeout=target.timeout)
    if reason != 0:
        client.loop_stop()
        if "authoriz" in str(reason).lower() or "user name" in str(reason).lower():
            raise Refused(reason)
        raise ConnectionError(str(reason))
    return client


def login(target):
    connect(target).disconnect()


def publish(client, target):
    client.publish(target.queue, target.body, qos=1).wait_for_publish(target.timeout)


def send(target):
    """A message of quality 1, acknowledged by the broker."""
    client = connect(target)
    publish(client, target)
    client.disconnect()


def exchange(target):
    """Topics keep nothing for those who come later: subscribes, sends, receives."""
    client = connect(target)
    subscribed, messages = queue.Queue(), queue.Queue()
    client.on_subscribe = lambda *arguments: subscribed.put(True)
    client.on_message = lambda c, data, message: messages.put(message.payload.decode())
    client.subscribe(target.queue, qos=1)
    subscribed.get(timeout=target.timeout)
    publish(client, target)
    body = messages.get(timeout=target.timeout)
    client.disconnect()
    return {"body": body}


main(login=login, send=send, exchange=exchange)
