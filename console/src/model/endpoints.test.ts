import assert from 'node:assert/strict';
import test from 'node:test';
import { endpointsFor, endpointsOf, failoverUrl } from './endpoints';

const pair = {
  engineType: 'ActiveMQ',
  brokerInstances: [1, 2].map((n) => ({
    endpoints: [
      `ssl://b-1-${n}.mq.test:61617`,
      `amqp+ssl://b-1-${n}.mq.test:5671`,
      `stomp+ssl://b-1-${n}.mq.test:61614`,
      `mqtt+ssl://b-1-${n}.mq.test:8883`,
      `wss://b-1-${n}.mq.test:61619`,
    ],
  })),
};
const cluster = {
  engineType: 'RabbitMQ',
  brokerInstances: [
    { endpoints: ['amqps://10.0.0.1:20001', 'https://10.0.0.1:20002', 'https://10.0.0.1:20003', 'https://[::1]'] },
  ],
};

test('every endpoint has its protocol, host, port and instance', () => {
  const protocols = ['openwire', 'amqp10', 'stomp', 'mqtt', 'wss'];
  assert.deepEqual(
    endpointsOf(pair).map((one) => one.protocol),
    [...protocols, ...protocols],
  );
  assert.deepEqual(endpointsFor(pair, 'stomp'), [
    { url: 'stomp+ssl://b-1-1.mq.test:61614', protocol: 'stomp', host: 'b-1-1.mq.test', port: 61614, instance: 1 },
    { url: 'stomp+ssl://b-1-2.mq.test:61614', protocol: 'stomp', host: 'b-1-2.mq.test', port: 61614, instance: 2 },
  ]);
});

test('metrics pages of a cluster belong to its nodes', () => {
  const pages = endpointsFor(cluster, 'metrics');
  assert.deepEqual(
    pages.map((page) => [page.instance, page.host, page.port]),
    [
      [1, '10.0.0.1', 20002],
      [2, '10.0.0.1', 20003],
      [3, '[::1]', 443],
    ],
  );
  assert.equal(endpointsFor(cluster, 'amqp091')[0]?.port, 20001);
});

test('what a later brokerd lists is shown and not mistaken', () => {
  const [endpoint] = endpointsOf({ engineType: 'RabbitMQ', brokerInstances: [{ endpoints: ['mqtts://h:1'] }] });
  assert.equal(endpoint?.protocol, 'other');
  assert.equal(endpointsOf({ engineType: 'RabbitMQ', brokerInstances: [{ endpoints: ['?'] }] })[0]?.url, '?');
});

test('a failover URL names all instances', () => {
  assert.equal(failoverUrl(['ssl://a:1', 'ssl://b:2']), 'failover:(ssl://a:1,ssl://b:2)');
  assert.equal(failoverUrl(['ssl://a:1'], 'randomize=false'), 'failover:(ssl://a:1)?randomize=false');
});
