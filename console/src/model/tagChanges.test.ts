import assert from 'node:assert/strict';
import test from 'node:test';
import { keyFault, tagChanges, tagConflicts, type Tags, valueFault } from './tagChanges';

test('keys and values have the limits of the service', () => {
  assert.equal(keyFault('a:b/c=d+e-f@g_h.i ü'), undefined);
  assert.equal(keyFault(''), 'EMPTY');
  assert.equal(keyFault('k'.repeat(128)), undefined);
  assert.equal(keyFault('k'.repeat(129)), 'LONG_KEY');
  assert.equal(keyFault('AWS:team'), 'RESERVED');
  assert.equal(keyFault('a<b'), 'CHARACTER');
  assert.equal(keyFault('a', ['a', 'b', 'a']), 'TWICE');
  assert.equal(valueFault('über die Straße'), undefined);
  assert.equal(valueFault('v'.repeat(257)), 'LONG_VALUE');
  assert.equal(valueFault('a\nb'), 'CHARACTER');
});

test('only differences are sent', () => {
  assert.deepEqual(tagChanges({ a: '1', b: '2', c: '3' }, { a: '1', b: '3', d: '' }), {
    set: { b: '3', d: '' },
    removed: ['c'],
  });
  assert.deepEqual(tagChanges({ a: '1' }, { a: '1' }), { set: {}, removed: [] });
  assert.deepEqual(tagChanges({ constructor: '1' } as unknown as Tags, {}), { set: {}, removed: ['constructor'] });
});

test('somebody else’s change of the same tag is a conflict, one of another tag is none', () => {
  const before = { a: '1', b: '2', c: '3' };
  assert.deepEqual(tagConflicts(before, { a: '9', b: '2', c: '3' }, { ...before, b: '5' }), []);
  assert.deepEqual(tagConflicts(before, { a: '1', b: '7', c: '3' }, { ...before, b: '5' }), [
    { key: 'b', before: '2', now: '7', mine: '5' },
  ]);
  assert.deepEqual(tagConflicts(before, { a: '1', b: '5', c: '3' }, { ...before, b: '5' }), [], 'the same change');
  assert.deepEqual(tagConflicts(before, { a: '1', b: '2', c: '4' }, { a: '1', b: '2' }), [
    { key: 'c', before: '3', now: '4', mine: undefined },
  ]);
});
