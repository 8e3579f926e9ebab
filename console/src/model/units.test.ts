import assert from 'node:assert/strict';
import test from 'node:test';
import { amount, bytes, rate, tick, whole } from './units';

test('bytes are told in the unit of which there are at least one', () => {
  assert.deepEqual([0, 1023, 1536, 5 * 1024 ** 3, 200 * 1024 ** 2, 2 ** 50].map(bytes), [
    '0 B', '1023 B', '1.5 KiB', '5 GiB', '200 MiB', '1024 TiB',
  ]);
});

test('values have their unit', () => {
  assert.equal(amount(12.345, 'Percent'), '12.35%');
  assert.equal(amount(1234.5, 'Count'), '1,234.5');
  assert.equal(amount(3, 'CountPerSecond'), '3/s');
  assert.equal(amount(1.5, 'Milliseconds'), '1.5 ms');
  assert.equal(tick(12_000, 'Count'), '12K');
});

test('what is not known is a dash, and no zero', () => {
  assert.deepEqual([whole(undefined), whole(0), rate(undefined), rate(0)], ['–', '0', '–', '0/s']);
});
