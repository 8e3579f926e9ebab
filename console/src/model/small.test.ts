import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import test from 'node:test';
import { errorOf } from './auditEvent';
import { decoded, encoded } from './base64';
import { amount, monthOf, monthsAgo, share } from './usage';
import { uuid } from './uuid';
import { compareVersions, isSince } from './version';
import { malformed } from './xml';

test('texts survive base64, whatever their language', () => {
  const text = 'héllo – 漢字 🐇';
  assert.equal(decoded(encoded(text)), text);
  assert.equal(encoded('a'), 'YQ==');
});

test('months are those of UTC', () => {
  assert.equal(monthsAgo(new Date('2026-03-01T00:30:00Z'), 5), '2025-10-01');
  assert.equal(monthOf('2026-11-01T00:00:00Z'), '2026-11');
});

test('shares of quotas have an end', () => {
  assert.equal(share(1, undefined), undefined);
  assert.equal(share(1, 4), 25);
  assert.equal(share(9, 4), 100);
  assert.equal(share(0, 0), 100);
  assert.equal(amount(1536, 'MiB'), '1.5 GiB');
  assert.equal(amount(20, 'GiB'), '20 GiB');
});

test('versions are compared by their numbers', () => {
  assert.ok(compareVersions('5.9', '5.18') < 0);
  assert.ok(isSince('4.2', '4.2'));
  assert.ok(!isSince('3.13', '4.0'));
  assert.ok(isSince('3.10', undefined));
});

test('a document that is not well-formed says where', () => {
  assert.equal(malformed('<a><b/></a>'), undefined);
  assert.equal(malformed('<?xml version="1.0"?>\n<a x="1">text<!-- c --></a>\n'), undefined);
  assert.ok(malformed('<a><b></a>'));
  assert.ok(malformed('<a x=1/>'));
});

test('a refused call says why', () => {
  assert.equal(errorOf('{"errorCode":"AccessDenied"}'), 'AccessDenied');
  assert.equal(errorOf('{}'), undefined);
  assert.equal(errorOf('no'), undefined);
});

test('identifiers are made without randomUUID, which pages over http:// from another machine have not', () => {
  const present = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  const getRandomValues = (array: Uint8Array<ArrayBuffer>) => webcrypto.getRandomValues(array);
  Object.defineProperty(globalThis, 'crypto', { configurable: true, value: { getRandomValues } });
  try {
    const all = Array.from({ length: 100 }, uuid);
    for (const one of all) assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(new Set(all).size, all.length);
  } finally {
    if (present) Object.defineProperty(globalThis, 'crypto', present);
  }
});
