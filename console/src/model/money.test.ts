import assert from 'node:assert/strict';
import test from 'node:test';
import { money, sum, times } from './money';

test('sums are exact', () => {
  assert.equal(sum(['0.1', '0.2']), '0.3');
  assert.equal(sum(['211.24', '1', '0.001']), '212.241');
  assert.equal(sum(['99999999999999999.99', '0.01']), '100000000000000000.00');
  assert.equal(sum(['-1.5', '1.25']), '-0.25');
  assert.equal(sum([]), '0');
  assert.throws(() => sum(['1e3']));
});

test('products are exact', () => {
  assert.equal(times('211.24', 3), '633.72');
  assert.equal(times('0.05', 0), '0.00');
  assert.equal(times('7', 1000), '7000');
});

test('amounts are grouped', () => {
  assert.equal(money('1261.44', 'USD'), '1,261.44 USD');
  assert.equal(money('211.24', 'USD'), '211.24 USD');
  assert.equal(money('1234567', 'EUR'), '1,234,567 EUR');
  assert.equal(money('0.0005', 'USD'), '0.0005 USD');
});
