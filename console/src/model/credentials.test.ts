import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import test from 'node:test';
import { faultOfGroup, faultOfPassword, faultOfUsername, names, password } from './credentials';

const random = (bytes: Uint8Array<ArrayBuffer>) => webcrypto.getRandomValues(bytes) as Uint8Array;

test('names of users follow the rules of their engine', () => {
  assert.equal(faultOfUsername('ActiveMQ', 'a'), 'length');
  assert.equal(faultOfUsername('ActiveMQ', 'a'.repeat(101)), 'length');
  assert.equal(faultOfUsername('ActiveMQ', 'with blank'), 'characters');
  assert.equal(faultOfUsername('ActiveMQ', 'ann~1.b_c-d'), undefined);
  assert.equal(faultOfUsername('RabbitMQ', 'ann~1'), 'characters');
  assert.equal(faultOfUsername('RabbitMQ', 'Guest'), 'reserved');
  assert.equal(faultOfUsername('ActiveMQ', 'guest'), undefined);
  assert.equal(faultOfGroup('é!'), 'characters');
});

test('passwords follow the rules of the service', () => {
  assert.equal(faultOfPassword('short'), 'length');
  assert.equal(faultOfPassword('x'.repeat(251)), 'length');
  assert.equal(faultOfPassword('abcabcabcabc'), 'variety');
  assert.equal(faultOfPassword('correct:horse'), 'characters');
  assert.equal(faultOfPassword('correct horsé'), 'characters');
  assert.equal(faultOfPassword('correct horse'), undefined);
});

test('a generated password is valid, of its own, and plain in shells and URLs', () => {
  const many = Array.from({ length: 500 }, () => password(random));
  assert.equal(new Set(many).size, many.length);
  for (const one of many) {
    assert.equal(faultOfPassword(one), undefined, one);
    assert.match(one, /^[A-Za-z0-9][A-Za-z0-9._-]{23}$/);
  }
});

test('every character of a generated password is equally likely', () => {
  // Every byte once: the ones over the last whole multiple of the alphabet must not count.
  let next = 0;
  const all = (bytes: Uint8Array<ArrayBuffer>) => bytes.map(() => next++ % 256);
  const counts = new Map<string, number>();
  for (let n = 0; n < 200; n += 1) {
    for (const character of password(all).slice(1)) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())];
  assert.ok(most - least < most / 2, `${least} to ${most}`);
});

test('groups may be separated by commas, blanks and lines', () => {
  assert.deepEqual(names(' readers, admins\nreaders  x '), ['admins', 'readers', 'x']);
  assert.deepEqual(names(' '), []);
});
