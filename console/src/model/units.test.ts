import assert from 'node:assert/strict';
import test from 'node:test';
import { amount, axisOf, bytes, rate, whole } from './units';

test('bytes are told in the unit of which there are at least one', () => {
  assert.deepEqual([0, 1023, 1536, 5 * 1024 ** 3, 200 * 1024 ** 2, 2 ** 50, -2048].map(bytes), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '5 GiB',
    '200 MiB',
    '1024 TiB',
    '-2 KiB',
  ]);
});

test('values have their unit', () => {
  assert.equal(amount(12.345, 'Percent'), '12.35%');
  assert.equal(amount(1234.5, 'Count'), '1,234.5');
  assert.equal(amount(3, 'CountPerSecond'), '3/s');
  assert.equal(amount(1.5, 'Milliseconds'), '1.5 ms');
});

test('the marks of an axis of bytes are whole numbers of one unit', () => {
  const axis = axisOf('Bytes', 3.4 * 1024 ** 3);
  assert.equal(axis.divisor, 1024 ** 3);
  assert.deepEqual([0, 0.5, 3].map(axis.tick), ['0 GiB', '0.5 GiB', '3 GiB']);
  assert.equal(axisOf('Bytes', 0).divisor, 1);
  assert.deepEqual([axisOf('Count', 1e6).divisor, axisOf('Count', 1e6).tick(12_000)], [1, '12K']);
});

test('what is not known is a dash, and no zero', () => {
  assert.deepEqual([whole(undefined), whole(0), rate(undefined), rate(0)], ['–', '0', '–', '0/s']);
});
