import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePorts, ruleDraft, ruleFaults, ruleInputs } from './ruleDraft';

test('ports are one or a range', () => {
  assert.deepEqual(parsePorts('5671'), [5671, 5671]);
  assert.deepEqual(parsePorts(' 5671 - 5672 '), [5671, 5672]);
  assert.deepEqual(parsePorts('0–65535'), [0, 65535]);
  for (const wrong of ['', 'amqp', '70000', '5672-5671', '-1', '1-2-3'])
    assert.equal(parsePorts(wrong), undefined, wrong);
});

test('what is wrong with a rule is said of its field', () => {
  const right = { ports: '5671', cidr: '10.0.0.0/8', description: '' };
  assert.deepEqual(ruleFaults([right, { ...right, ports: '443' }]), [{}, {}]);
  assert.deepEqual(ruleFaults([{ ports: 'x', cidr: 'y', description: 'd'.repeat(256) }]), [
    { ports: 'PORTS', cidr: 'CIDR', description: 'LONG' },
  ]);
  assert.deepEqual(ruleFaults([right, { ...right, ports: '5671-5671' }]), [{}, { cidr: 'TWICE' }]);
});

test('a rule goes into the form and back', () => {
  const rules = [
    { protocol: 'tcp' as const, fromPort: 5671, toPort: 5671, cidr: '10.0.0.0/8', description: 'office' },
    { protocol: 'tcp' as const, fromPort: 16001, toPort: 16003, cidr: '::/0' },
  ];
  assert.deepEqual(ruleInputs(rules.map(ruleDraft)), rules);
});
