import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { bySize, INSTANCE_TYPES, instanceType } from './instance-types';

test('the table is that of the server', () => {
  // Tests run in console/.
  const source = readFileSync('../domain/src/catalogue/instance_type_table.rs', 'utf8');
  const rows = source.matchAll(/name: "(mq\.[^"]+)",\s+family: [^,]+,\s+vcpus: (\d+),\s+memory_gib: (\d+),/g);
  const expected = [...rows].map(([, name, vcpus, memory]) => ({
    name,
    vcpus: Number(vcpus),
    memoryGib: Number(memory),
  }));
  assert.deepEqual(INSTANCE_TYPES, expected);
});

test('instance types are sorted by family and size, and unknown ones come last', () => {
  const names = ['mq.x9.huge', 'mq.m7g.medium', 'mq.m5.4xlarge', 'mq.a1.tiny', 'mq.m5.large'];
  const sorted = ['mq.m5.large', 'mq.m5.4xlarge', 'mq.m7g.medium', 'mq.a1.tiny', 'mq.x9.huge'];
  assert.deepEqual(names.sort(bySize), sorted);
  assert.equal(instanceType('mq.a1.tiny'), undefined);
});
