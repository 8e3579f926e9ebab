// RabbitMQ with languages that need no compiler.
import {
  bare,
  CA_FILE,
  lines,
  of,
  PASSWORD_VARIABLE,
  QUEUE,
  quoted,
  single,
  type Snippet,
  type Target,
  word,
} from './types';

export function pika(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  const host = quoted(bare(first));
  return {
    id: 'pika',
    group: 'Python',
    client: 'pika',
    protocol: 'AMQP 0-9-1',
    install: 'pip install pika',
    run: 'python3 hello.py',
    files: [
      {
        name: 'hello.py',
        language: 'python',
        text: lines(`
import os
import ssl

import pika

tls = ssl.create_default_context(cafile="${CA_FILE}")
parameters = pika.ConnectionParameters(
    ${host},
    ${first.port},
    credentials=pika.PlainCredentials(${quoted(target.username)}, os.environ["${PASSWORD_VARIABLE}"]),
    ssl_options=pika.SSLOptions(tls, ${host}),
)
with pika.BlockingConnection(parameters) as connection:
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare("${QUEUE}", durable=True)
    channel.basic_publish("", "${QUEUE}", b"it works", pika.BasicProperties(delivery_mode=2), mandatory=True)
    for method, properties, body in channel.consume("${QUEUE}", inactivity_timeout=10):
        if method is None:
            raise SystemExit("no message")
        channel.basic_ack(method.delivery_tag)
        print(body.decode())
        break
    channel.cancel()
`),
      },
    ],
  };
}

export function aioPika(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'aio-pika',
    group: 'Python',
    client: 'aio-pika',
    protocol: 'AMQP 0-9-1',
    install: 'pip install aio-pika',
    run: 'python3 hello.py',
    files: [
      {
        name: 'hello.py',
        language: 'python',
        text: lines(`
import asyncio
import os
import ssl

import aio_pika


async def main():
    # Connects anew when the connection is lost.
    connection = await aio_pika.connect_robust(
        host=${quoted(bare(first))},
        port=${first.port},
        login=${quoted(target.username)},
        password=os.environ["${PASSWORD_VARIABLE}"],
        ssl=True,
        ssl_context=ssl.create_default_context(cafile="${CA_FILE}"),
    )
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("${QUEUE}", durable=True)
        message = aio_pika.Message(b"it works", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="${QUEUE}")
        received = await queue.get(timeout=10)
        await received.ack()
        print(received.body.decode())


asyncio.run(main())
`),
      },
    ],
  };
}

export function amqplib(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'amqplib',
    group: 'Node.js',
    client: 'amqplib',
    protocol: 'AMQP 0-9-1',
    install: 'npm install amqplib',
    run: 'node hello.mjs',
    files: [
      {
        name: 'hello.mjs',
        language: 'javascript',
        text: lines(`
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import amqp from 'amqplib';

const hostname = ${quoted(bare(first))};
const connection = await amqp.connect(
  {
    protocol: 'amqps',
    hostname,
    port: ${first.port},
    username: ${quoted(target.username)},
    password: process.env.${PASSWORD_VARIABLE},
  },
  { ca: readFileSync('${CA_FILE}'), servername: isIP(hostname) ? '' : hostname },
);
const channel = await connection.createConfirmChannel();
await channel.assertQueue('${QUEUE}', { durable: true });
channel.sendToQueue('${QUEUE}', Buffer.from('it works'), { persistent: true });
await channel.waitForConfirms();
const message = await new Promise((resolve) => channel.consume('${QUEUE}', resolve));
channel.ack(message);
console.log(String(message.content));
await channel.close();
await connection.close();
`),
      },
    ],
  };
}

export function bunny(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'bunny',
    group: 'Ruby',
    client: 'Bunny',
    protocol: 'AMQP 0-9-1',
    install: 'gem install bunny',
    run: 'ruby hello.rb',
    files: [
      {
        name: 'hello.rb',
        language: 'ruby',
        text: lines(`
require 'bunny'

connection = Bunny.new(
  host: ${single(bare(first))},
  port: ${first.port},
  user: ${single(target.username)},
  pass: ENV.fetch('${PASSWORD_VARIABLE}'),
  tls: true,
  tls_ca_certificates: ['${CA_FILE}'],
  verify_peer: true
)
connection.start
channel = connection.create_channel
channel.confirm_select
queue = channel.queue('${QUEUE}', durable: true)
channel.default_exchange.publish('it works', routing_key: queue.name, persistent: true)
channel.wait_for_confirms
_delivery, _properties, body = queue.pop
puts body
connection.close
`),
      },
    ],
  };
}

export function phpAmqplib(target: Target): Snippet {
  const [first] = of(target, 'amqp091');
  return {
    id: 'php-amqplib',
    group: 'PHP',
    client: 'php-amqplib',
    protocol: 'AMQP 0-9-1',
    install: 'composer require php-amqplib/php-amqplib',
    run: 'php hello.php',
    files: [
      {
        name: 'hello.php',
        language: 'php',
        text: lines(`
<?php
require __DIR__ . '/vendor/autoload.php';

use PhpAmqpLib\\Connection\\AMQPConnectionConfig;
use PhpAmqpLib\\Connection\\AMQPConnectionFactory;
use PhpAmqpLib\\Message\\AMQPMessage;

$config = new AMQPConnectionConfig();
$config->setHost(${single(bare(first))});
$config->setPort(${first.port});
$config->setUser(${single(target.username)});
$config->setPassword(getenv('${PASSWORD_VARIABLE}'));
$config->setIsSecure(true);
// Otherwise the factory connects without TLS.
$config->setNetworkProtocol('ssl');
$config->setSslCaCert('${CA_FILE}');
$config->setSslVerify(true);
$config->setSslVerifyName(true);

$connection = AMQPConnectionFactory::create($config);
$channel = $connection->channel();
$channel->confirm_select();
$channel->queue_declare('${QUEUE}', false, true, false, false);
$message = new AMQPMessage('it works', ['delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT]);
$channel->basic_publish($message, '', '${QUEUE}');
$channel->wait_for_pending_acks(10);
$received = $channel->basic_get('${QUEUE}');
$received->ack();
echo $received->getBody(), PHP_EOL;
$connection->close();
`),
      },
    ],
  };
}

export function managementApi(target: Target): Snippet {
  const base = word(`${target.consoleUrl ?? ''}/api`);
  return {
    id: 'management',
    group: 'Shell',
    client: 'curl (management API)',
    protocol: 'HTTPS',
    install: 'apt install curl',
    run: 'sh hello.sh',
    files: [
      {
        name: 'hello.sh',
        language: 'shell',
        text: lines(`
set -eu
rabbit() {
  path=$1
  shift
  curl -fsS --cacert ${CA_FILE} -u ${word(target.username)}:"$${PASSWORD_VARIABLE}" \\
    -H content-type:application/json ${base}/"$path" "$@"
  echo
}
rabbit queues/%2f/${QUEUE} -X PUT -d '{"durable": true}'
rabbit exchanges/%2f/amq.default/publish \\
  -d '{"routing_key": "${QUEUE}", "payload": "it works", "payload_encoding": "string", "properties": {}}'
rabbit queues/%2f/${QUEUE}/get -d '{"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}'
`),
      },
    ],
  };
}

export function rabbitmqadmin(target: Target): Snippet {
  const { hostname, port } = new URL(target.consoleUrl ?? 'https://localhost');
  return {
    id: 'rabbitmqadmin',
    group: 'Shell',
    client: 'rabbitmqadmin 2',
    protocol: 'HTTPS',
    install: 'cargo install rabbitmqadmin',
    run: 'sh hello.sh',
    files: [
      {
        name: 'hello.sh',
        language: 'shell',
        text: lines(`
set -eu
admin() {
  rabbitmqadmin --use-tls --tls-ca-cert-file ${CA_FILE} --host ${word(hostname)} --port ${port || 443} \\
    --username ${word(target.username)} --password "$${PASSWORD_VARIABLE}" "$@"
}
admin declare queue --name ${QUEUE} --durable true
admin publish message --routing-key ${QUEUE} --payload 'it works'
admin get messages --queue ${QUEUE} --ack-mode ack_requeue_false
`),
      },
    ],
  };
}
