import assert from 'node:assert/strict';
import test from 'node:test';
import { admission, contains, isAddress, isCidr, protocolsOf } from './admission';

const rule = (fromPort: number, toPort: number, cidr: string) => ({ fromPort, toPort, cidr });
const group = (name: string, ...rules: ReturnType<typeof rule>[]) => ({ securityGroupId: `sg-${name}`, name, rules });

test('addresses and ranges are told from other texts', () => {
  for (const [text, is] of [
    ['10.1.2.3', true],
    ['::1', true],
    ['fd00::1:2', true],
    ['1:2:3:4:5:6:7:8', true],
    ['::ffff:10.1.2.3', true],
    ['10.1.2', false],
    ['10.1.2.256', false],
    ['010.1.2.3', false],
    ['1::2::3', false],
    ['1:2:3:4:5:6:7', false],
    ['1:2:3:4:5:6:7::8', false],
    ['g::1', false],
    ['example.com', false],
    ['', false],
    ['10.0.0.0/8', false],
  ] as const) {
    assert.equal(isAddress(text), is, text);
  }
  for (const [text, is] of [
    ['10.0.0.0/8', true],
    ['0.0.0.0/0', true],
    ['::/0', true],
    ['fd00::/8', true],
    ['10.1.2.3/8', true],
    ['10.0.0.0', false],
    ['10.0.0.0/33', false],
    ['::/129', false],
    ['10.0.0.0/08', false],
    ['a/8', false],
  ] as const) {
    assert.equal(isCidr(text), is, text);
  }
});

test('a range has its addresses, in either form of IPv4', () => {
  for (const [cidr, address, is] of [
    ['10.1.0.0/16', '10.1.2.3', true],
    ['10.1.0.0/16', '::ffff:10.1.2.3', true],
    ['10.1.0.0/16', '10.2.2.3', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.0.0.1', false],
    ['::ffff:0:0/90', '10.0.0.1', false],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '10.0.0.1', false],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/8', 'fe00::1', false],
    ['192.0.2.7/32', '192.0.2.7', true],
    ['192.0.2.7/32', '192.0.2.8', false],
  ] as const) {
    assert.equal(contains(cidr, address), is, `${cidr} ${address}`);
  }
});

test('one rule of one group is enough, and it is named', () => {
  const office = group('office', rule(5671, 5671, '10.0.0.0/8'));
  const everywhere = group('web', rule(8000, 9000, '0.0.0.0/0'));
  assert.deepEqual(admission([office, everywhere], '10.1.2.3', [5671]), {
    isAdmitted: true,
    why: 'RULE',
    group: office,
    rule: office.rules[0],
  });
  assert.deepEqual(admission([office, everywhere], '192.0.2.1', [5671]), { isAdmitted: false });
  assert.equal(admission([office, everywhere], '192.0.2.1', [443, 8162]).isAdmitted, true);
});

test('without a defined group everybody is let in, and by one without rules nobody', () => {
  assert.deepEqual(admission([], '192.0.2.1', [5671]), { isAdmitted: true, why: 'NO_GROUPS' });
  assert.deepEqual(admission([group('empty')], '192.0.2.1', [5671]), { isAdmitted: false });
});

test('the ports are the standard ones of the engine', () => {
  const ports = (engineType: string, engineVersion: string, deploymentMode: string) =>
    protocolsOf({ engineType, engineVersion, deploymentMode }).flatMap((one) => one.ports);
  assert.deepEqual(ports('ActiveMQ', '5.19', 'SINGLE_INSTANCE'), [61617, 5671, 61614, 8883, 61619, 8162]);
  assert.deepEqual(ports('RabbitMQ', '3.13', 'CLUSTER_MULTI_AZ'), [5671, 443, 15671]);
  assert.deepEqual(ports('RabbitMQ', '4.2', 'SINGLE_INSTANCE'), [5671, 443, 15671, 16001]);
  assert.deepEqual(ports('RabbitMQ', '4.3', 'CLUSTER_MULTI_AZ'), [5671, 443, 15671, 16001, 16002, 16003]);
});
