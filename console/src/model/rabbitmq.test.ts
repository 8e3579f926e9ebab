import assert from 'node:assert/strict';
import test from 'node:test';
import { mistakes, permittedKeys, ruleOf, valuesOf } from './rabbitmq';

const said = (text: string, version = '4.2') =>
  mistakes(text, version).map(({ from, to, message }) => `${message} ${text.slice(from, to)}`);

test('keys are found by their parts', () => {
  for (const key of ['heartbeat', 'auth_backends.12.authn', 'auth_oauth2.scope_aliases.my\\.scope']) {
    assert.ok(ruleOf(key, '4.2'), key);
  }
  for (const key of ['heartbeats', 'auth_backends.0', 'auth_backends.x', 'auth_oauth2.scope_aliases.', 'constructor']) {
    assert.equal(ruleOf(key, '4.2'), undefined, key);
  }
});

test('keys and values have their versions', () => {
  assert.equal(ruleOf('vhost_max', '3.13'), undefined);
  assert.ok(permittedKeys('4.2').some(([pattern]) => pattern === 'vhost_max'));
  const backend = ruleOf('auth_backends.1', '4.2');
  assert.ok(backend);
  assert.ok(valuesOf(backend, '4.2').includes('http'));
  assert.ok(!valuesOf(backend, '3.13').includes('http'));
});

test('lines that would be refused are found with their places', () => {
  const text = [
    '# a comment = 1',
    'heartbeat = 100',
    '  heartbeat = 5',
    'disk_free_limit.absolute = 1GB',
    'nonsense',
    'auth_backends.1 = rabbit_auth_backend_ldap',
    "auth_ldap.queries.tags = '''",
    '  [{administrator, {constant, false}}]',
    "'''",
    'heartbeat = 100 # as before',
    "auth_backends.2 = 'ldap'",
  ].join('\n');
  assert.deepEqual(said(text), ['VALUE heartbeat = 5', 'KEY disk_free_limit.absolute', 'SYNTAX nonsense']);
});

test('only limits may be in sections', () => {
  const text = '{{m7g.large.3}}\nvhost_max = 5\nheartbeat = 100\n{{m7g.large.3}}\nheartbeat = 100\r\n';
  assert.deepEqual(said(text), ['SECTION heartbeat']);
});
