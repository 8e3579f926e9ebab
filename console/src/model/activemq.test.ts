import assert from 'node:assert/strict';
import test from 'node:test';
import { attributes, attributeType, children, CORE, dropped, placeOf, removals } from './activemq';

const simple = { version: '5.18', strategy: 'simple' };
const broker = (inner: string) => `<broker xmlns="${CORE}"${inner}</broker>`;
const said = (text: string, target = simple) =>
  removals(text, target).map(({ element, attribute, reason, from, to }) => {
    const at = attribute === undefined ? element : `${element}@${attribute}`;
    return `${at} ${reason} ${text.slice(from, to)}`;
  });

test('what is permitted in an element depends on where it is, on the version and on the strategy', () => {
  const plugins = placeOf(['broker', 'plugins'], simple);
  assert.ok(plugins);
  assert.ok(children(plugins, simple).includes('authorizationPlugin'));
  const map = ['broker', 'plugins', 'authorizationPlugin', 'map'];
  const inMap = (strategy: string) => {
    const target = { ...simple, strategy };
    const place = placeOf(map, target);
    return place ? children(place, target) : [];
  };
  assert.ok(inMap('LDAP').includes('cachedLDAPAuthorizationMap'));
  assert.ok(!inMap('simple').includes('cachedLDAPAuthorizationMap'));
  const root = placeOf(['broker'], simple);
  assert.ok(root && !attributes(root, simple).includes('maxUncommittedCount'));
  assert.ok(root && attributes(root, { ...simple, version: '5.19' }).includes('maxUncommittedCount'));
  assert.equal(placeOf(['broker', 'policyEntry'], simple), undefined);
  assert.equal(placeOf(['broker', 'constructor'], simple), undefined);
});

test('what the sanitiser removes in any case is not offered', () => {
  const connector = placeOf(['broker', 'networkConnectors', 'networkConnector'], simple);
  assert.ok(connector);
  for (const own of ['brokerURL', 'bridgeFactory', 'password', 'objectName']) {
    assert.ok(!attributes(connector, simple).includes(own), own);
  }
});

test('few values of an attribute are offered', () => {
  const kaha = placeOf(['broker', 'persistenceAdapter', 'kahaDB'], simple);
  assert.ok(kaha);
  assert.deepEqual(attributeType(kaha, 'journalDiskSyncStrategy')?.values, ['always', 'periodic', 'never']);
  const root = placeOf(['broker'], simple);
  assert.deepEqual(root && attributeType(root, 'persistent')?.values, ['true', 'false']);
});

test('what would be removed is told in the order of the server, with its place', () => {
  const text = broker(
    ' start="false" brokerName="x" persistent="#bean"><sslContext><inner/></sslContext>' +
      '<destinationPolicy><policyMap><policyEntries><policyEntry queue="&gt;" wrong="1"/></policyEntries></policyMap>' +
      '</destinationPolicy>',
  );
  assert.deepEqual(said(text), [
    'broker@brokerName DISALLOWED_ATTRIBUTE_REMOVED brokerName="x"',
    'broker@persistent INVALID_ATTRIBUTE_VALUE_REMOVED persistent="#bean"',
    'broker@start DISALLOWED_ATTRIBUTE_REMOVED start="false"',
    'sslContext DISALLOWED_ELEMENT_REMOVED <sslContext',
    'policyEntry@wrong DISALLOWED_ATTRIBUTE_REMOVED wrong="1"',
  ]);
  assert.deepEqual(said(broker(' schedulerSupport="true"><plugins/>')), []);
});

test('what was removed is found by comparing with what was stored', () => {
  const queue = (name: string, more = '') => `<policyEntry queue="${name}"${more}/>`;
  const policies = (inner: string) =>
    `<destinationPolicy><policyMap><policyEntries>${inner}</policyEntries></policyMap></destinationPolicy>`;
  const sent = broker(` brokerName="x">${policies(queue('a') + queue('b', ' memoryLimit="lots"'))}<sslContext/>`);
  const stored = broker(`>${policies(queue('a') + queue('b'))}`);
  const found = dropped(
    sent,
    stored,
    [
      { elementName: 'broker', attributeName: 'brokerName', reason: 'DISALLOWED_ATTRIBUTE_REMOVED' },
      { elementName: 'sslContext', reason: 'DISALLOWED_ELEMENT_REMOVED' },
      { elementName: 'policyEntry', attributeName: 'memoryLimit', reason: 'INVALID_ATTRIBUTE_VALUE_REMOVED' },
    ],
    simple,
  );
  assert.deepEqual(
    found.map(({ from, to, reason }) => [sent.slice(from, to), reason]),
    [
      ['brokerName="x"', 'DISALLOWED_ATTRIBUTE_REMOVED'],
      ['memoryLimit="lots"', 'INVALID_ATTRIBUTE_VALUE_REMOVED'],
      ['<sslContext', 'DISALLOWED_ELEMENT_REMOVED'],
    ],
  );
});

test('of two elements of one name the one that was removed is found', () => {
  const plugin = (inner: string) => `<authorizationPlugin>${inner}</authorizationPlugin>`;
  const map = '<map><authorizationMap><authorizationEntries/></authorizationMap></map>';
  const sent = broker(`><plugins>${plugin('')}${plugin(map)}</plugins>`);
  const stored = broker(`><plugins>${plugin(map)}</plugins>`);
  const found = dropped(sent, stored, [], simple);
  assert.deepEqual(
    found.map(({ from }) => from),
    [sent.indexOf('<authorizationPlugin>')],
  );
});
