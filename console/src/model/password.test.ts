import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import test from 'node:test';
import { generatePassword, isPasswordValid, passwordRules, type Random } from './password';

const broken = (password: string) =>
  passwordRules(password)
    .filter(({ isKept }) => !isKept)
    .map(({ id }) => id);

test('passwords are judged by the rules of the service', () => {
  assert.deepEqual(broken('abcdabcdabcd'), []);
  assert.deepEqual(broken('abcd'.repeat(62)), []);
  assert.deepEqual(broken('a b-c~d!e"f\\'), []);
  assert.deepEqual(broken('short'), ['length']);
  assert.deepEqual(broken('abcd'.repeat(63)), ['length']);
  for (const bad of ['abcdefghijk,', 'abcdefghijk:', 'abcdefghijk=']) assert.deepEqual(broken(bad), ['characters']);
  assert.deepEqual(broken('abcabcabcabc'), ['unique']);
  assert.deepEqual(broken('abcdefghijklmné'), ['ascii']);
  assert.deepEqual(broken('abcdefghijklmn\n'), ['ascii']);
  assert.deepEqual(broken(''), ['length', 'unique']);
});

test('a generated password keeps every rule, whatever the random numbers are', () => {
  const random: Random = (bytes) => webcrypto.getRandomValues(bytes);
  const passwords = new Set(Array.from({ length: 500 }, () => generatePassword(random)));
  assert.equal(passwords.size, 500);
  for (const password of passwords) {
    assert.ok(isPasswordValid(password), password);
    assert.match(password, /^[a-zA-Z0-9][a-zA-Z0-9\-_.~+]{23}$/);
  }
});

test('every character is as likely as the others: bytes beyond the last whole round are not used', () => {
  // 62 characters: of 256 bytes, 248 to 255 would make the first eight more likely.
  const bytes = [255, 251, 248];
  const rest = Array.from({ length: 24 }, (_, at) => [0, 50, 58, 1][at % 4] ?? 0);
  const all = [...bytes, ...rest];
  const password = generatePassword((array) => array.fill(all.shift() ?? 0));
  assert.equal(password.length, 24);
  assert.deepEqual(all, []);
  assert.match(password, /^a/);
});
