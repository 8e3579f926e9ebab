import assert from 'node:assert/strict';
import test from 'node:test';
import { quotaIn, share, size } from './quota';

test('a quota is entered as a whole number, or not at all', () => {
  assert.deepEqual(quotaIn('brokers', ''), {});
  assert.deepEqual(quotaIn('brokers', ' 65,536 '), { value: 65_536 });
  assert.deepEqual(quotaIn('brokers', '0'), { value: 0 });
  assert.equal(quotaIn('apiRate', '0'), undefined);
  for (const wrong of ['-1', '1.5', 'ten', '1e3', '2147483648']) {
    assert.equal(quotaIn('brokers', wrong), undefined, wrong);
  }
});

test('the share of a quota is between nothing and all of it', () => {
  assert.equal(share(5, 20), 25);
  assert.equal(share(30, 20), 100);
  assert.equal(share(0, 0), 0);
  assert.equal(share(1, 0), 100);
  assert.equal(share(1, undefined), undefined);
});

test('a size is told in its largest unit', () => {
  assert.equal(size(0), '0 B');
  assert.equal(size(1536), '1.5 KiB');
  assert.equal(size(2 ** 30), '1 GiB');
  assert.equal(size(27.4 * 2 ** 30), '27 GiB');
  assert.equal(size(2 ** 62), '4,096 PiB');
});
