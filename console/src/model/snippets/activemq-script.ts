// ActiveMQ with languages that need no compiler.
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

/** Addresses as a list of Python: `[("host", 61614), …]`. */
const addresses = (target: Target) =>
  of(target, 'stomp')
    .map((endpoint) => `(${quoted(bare(endpoint))}, ${endpoint.port})`)
    .join(', ');

export function stompPy(target: Target): Snippet {
  return {
    id: 'stomp-py',
    group: 'Python',
    client: 'stomp.py',
    protocol: 'STOMP 1.2',
    install: 'pip install stomp.py',
    run: 'python3 hello.py',
    files: [
      {
        name: 'hello.py',
        language: 'python',
        text: lines(`
import os
import queue

import stomp

BROKERS = [${addresses(target)}]
received = queue.Queue()


class Listener(stomp.ConnectionListener):
    def on_message(self, frame):
        received.put(frame.body)

    def on_error(self, frame):
        received.put(f"refused: {frame.body}")


# Without a length, ActiveMQ takes what is sent for a text.
connection = stomp.Connection12(BROKERS, auto_content_length=False)
connection.set_ssl(BROKERS, ca_certs="${CA_FILE}")
connection.set_listener("", Listener())
connection.connect(${quoted(target.username)}, os.environ["${PASSWORD_VARIABLE}"], wait=True)
connection.subscribe("/queue/${QUEUE}", id="1")
connection.send("/queue/${QUEUE}", "it works", headers={"persistent": "true"})
print(received.get(timeout=10))
connection.disconnect()
`),
      },
    ],
  };
}

export function proton(target: Target): Snippet {
  const endpoints = of(target, 'amqp10');
  const [first] = endpoints;
  const urls = endpoints.map(({ host, port }) => quoted(`amqps://${host}:${port}`)).join(', ');
  return {
    id: 'proton',
    group: 'Python',
    client: 'Apache Qpid Proton',
    protocol: 'AMQP 1.0',
    install: 'pip install python-qpid-proton',
    run: 'python3 hello.py',
    files: [
      {
        name: 'hello.py',
        language: 'python',
        text: lines(`
import os

from proton import Message, SSLDomain
from proton.utils import BlockingConnection

tls = SSLDomain(SSLDomain.MODE_CLIENT)
tls.set_trusted_ca_db("${CA_FILE}")
tls.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
connection = BlockingConnection(
    urls=[${urls}],
    ssl_domain=tls,
    # The name that the certificate has to have.
    virtual_host=${quoted(bare(first))},
    user=${quoted(target.username)},
    password=os.environ["${PASSWORD_VARIABLE}"],
    allowed_mechs="PLAIN",
)
connection.create_sender("${QUEUE}").send(Message(body="it works", durable=True))
receiver = connection.create_receiver("${QUEUE}", credit=1)
message = receiver.receive(timeout=10)
receiver.accept()
print(message.body)
connection.close()
`),
      },
    ],
  };
}

export function rhea(target: Target): Snippet {
  const endpoints = of(target, 'amqp10').map((one) => `{ host: ${quoted(bare(one))}, port: ${one.port} }`);
  return {
    id: 'rhea',
    group: 'Node.js',
    client: 'rhea',
    protocol: 'AMQP 1.0',
    install: 'npm install rhea',
    run: 'node hello.mjs',
    files: [
      {
        name: 'hello.mjs',
        language: 'javascript',
        text: lines(`
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import rhea from 'rhea';

const brokers = [${endpoints.join(', ')}];
const ca = readFileSync('${CA_FILE}');
let attempt = 0;

rhea.on('sender_open', ({ sender }) => sender.send({ body: 'it works', durable: true }));
rhea.on('message', ({ message, connection }) => {
  console.log(message.body);
  connection.close();
});
rhea.on('disconnected', ({ error }) => error && console.error(error.message));
const connection = rhea.connect({
  username: ${quoted(target.username)},
  password: process.env.${PASSWORD_VARIABLE},
  // The instances in turn, also after a failover.
  connection_details: () => {
    const { host, port } = brokers[attempt++ % brokers.length];
    return { host, port, transport: 'tls', options: { ca, servername: isIP(host) ? '' : host } };
  },
});
connection.open_sender('${QUEUE}');
connection.open_receiver('${QUEUE}');
`),
      },
    ],
  };
}

export function pahoPython(target: Target): Snippet {
  const [first] = of(target, 'mqtt');
  return {
    id: 'paho',
    group: 'Python',
    client: 'Eclipse Paho',
    protocol: 'MQTT 3.1.1',
    install: 'pip install paho-mqtt',
    run: 'python3 hello.py',
    files: [
      {
        name: 'hello.py',
        language: 'python',
        text: lines(`
import os
import queue

import paho.mqtt.client as mqtt

received = queue.Queue()


def on_connect(client, userdata, flags, reason, properties):
    if reason != 0:
        raise SystemExit(f"refused: {reason}")
    client.subscribe("${QUEUE}", qos=1)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.tls_set(ca_certs="${CA_FILE}")
client.username_pw_set(${quoted(target.username)}, os.environ["${PASSWORD_VARIABLE}"])
client.on_connect = on_connect
client.on_subscribe = lambda *arguments: client.publish("${QUEUE}", "it works", qos=1)
client.on_message = lambda client, userdata, message: received.put(message.payload.decode())
client.connect(${quoted(bare(first))}, ${first.port})
client.loop_start()
print(received.get(timeout=10))
client.disconnect()
`),
      },
    ],
  };
}

export function mqttJs(target: Target): Snippet {
  const servers = of(target, 'mqtt').map(
    (one) => `{ protocol: 'mqtts', host: ${quoted(bare(one))}, port: ${one.port} }`,
  );
  return {
    id: 'mqtt-js',
    group: 'Node.js',
    client: 'MQTT.js',
    protocol: 'MQTT 3.1.1',
    install: 'npm install mqtt',
    run: 'node hello.mjs',
    files: [
      {
        name: 'hello.mjs',
        language: 'javascript',
        text: lines(`
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';

const client = mqtt.connect({
  servers: [
    ${servers.join(',\n    ')},
  ],
  protocol: 'mqtts',
  protocolVersion: 4,
  ca: readFileSync('${CA_FILE}'),
  username: ${quoted(target.username)},
  password: process.env.${PASSWORD_VARIABLE},
});
client.on('error', (error) => console.error(error.message));
client.on('message', (topic, payload) => {
  console.log(String(payload));
  client.end();
});
client.on('connect', async () => {
  await client.subscribeAsync('${QUEUE}', { qos: 1 });
  await client.publishAsync('${QUEUE}', 'it works', { qos: 1 });
});
`),
      },
    ],
  };
}

export function rubyStomp(target: Target): Snippet {
  const hosts = of(target, 'stomp').map(
    (one) => `{ host: ${single(bare(one))}, port: ${one.port}, login: USER, passcode: PASSWORD, ssl: TLS }`,
  );
  return {
    id: 'ruby-stomp',
    group: 'Ruby',
    client: 'stomp',
    protocol: 'STOMP 1.2',
    install: 'gem install stomp',
    run: 'ruby hello.rb',
    files: [
      {
        name: 'hello.rb',
        language: 'ruby',
        text: lines(`
require 'stomp'

USER = ${single(target.username)}
PASSWORD = ENV.fetch('${PASSWORD_VARIABLE}')
TLS = Stomp::SSLParams.new(ts_files: '${CA_FILE}')
client = Stomp::Client.new(
  hosts: [
    ${hosts.join(',\n    ')}
  ],
  connect_headers: { 'accept-version' => '1.2', 'host' => ${single(bare(of(target, 'stomp')[0]))} }
)
received = Queue.new
client.subscribe('/queue/${QUEUE}', id: '1') { |message| received << message.body }
client.publish('/queue/${QUEUE}', 'it works', persistent: true)
puts received.pop
client.close
`),
      },
    ],
  };
}

export function mosquitto(target: Target): Snippet {
  const [first] = of(target, 'mqtt');
  const common = `--cafile ${CA_FILE} -h ${word(bare(first))} -p ${first.port} -V mqttv311 \\
  -u ${word(target.username)} -P "$${PASSWORD_VARIABLE}" -t ${QUEUE} -q 1`;
  return {
    id: 'mosquitto',
    group: 'Shell',
    client: 'Mosquitto clients',
    protocol: 'MQTT 3.1.1',
    install: 'apt install mosquitto-clients',
    run: 'sh hello.sh',
    files: [
      {
        name: 'hello.sh',
        language: 'shell',
        text: lines(`
set -eu
mosquitto_sub ${common} -C 1 -W 10 &
sleep 1
mosquitto_pub ${common} -m 'it works'
wait
`),
      },
    ],
  };
}

export function stompJs(target: Target): Snippet {
  const [first] = of(target, 'wss');
  return {
    id: 'stomp-js',
    group: 'Browser',
    client: 'STOMP.js',
    protocol: 'STOMP over WebSocket',
    install: 'npm install @stomp/stompjs',
    run: `The browser has to trust ${CA_FILE}.`,
    files: [
      {
        name: 'hello.js',
        language: 'javascript',
        text: lines(`
import { Client } from '@stomp/stompjs';

const client = new Client({
  brokerURL: ${quoted(first.url)},
  connectHeaders: { login: ${quoted(target.username)}, passcode: prompt('Password') },
  onConnect: () => {
    client.subscribe('/queue/${QUEUE}', (message) => console.log(message.body));
    client.publish({ destination: '/queue/${QUEUE}', body: 'it works', skipContentLengthHeader: true });
  },
  onStompError: (frame) => console.error(frame.headers.message),
});
client.activate();
`),
      },
    ],
  };
}
