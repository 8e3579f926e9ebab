import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { faultOf } from './json';
import { actions, conditionKeys, indented, notJson, offers, placeAt, unknownActions } from './policy';

/** The place of the bar in a text. */
const place = (text: string) => placeAt(text.replace('|', ''), text.indexOf('|'));
const offered = (text: string) => offers(place(text)).map(({ label }) => label);

test('the place in a document is known while it is written', () => {
  assert.deepEqual(place('{"Statement": [{"Effect": "|'), { path: ['Statement', 'Effect'], isKey: false });
  assert.deepEqual(place('{"Statement": [{"Effect": "Allow", "|'), { path: ['Statement'], isKey: true });
  const inList = place('{"Statement": [{"Action": ["mq:x", "|"]}]}');
  assert.deepEqual(inList, { path: ['Statement', 'Action'], isKey: false });
  assert.deepEqual(place('{"Statement": {"Sid": "a: {b,", "|'), { path: ['Statement'], isKey: true });
  assert.deepEqual(place('{"|"}'), { path: [], isKey: true });
});

test('what belongs to a place is offered', () => {
  assert.ok(offered('{"Statement": [{"Action": "|').includes('mq:CreateBroker'));
  assert.deepEqual(offered('{"Statement": [{"Effect": "|'), ['Allow', 'Deny']);
  assert.ok(offered('{"Statement": [{"Condition": {"|').includes('StringEquals'));
  assert.ok(offered('{"Statement": [{"Condition": {"StringEquals": {"|').includes('aws:ResourceTag/…'));
  assert.ok(offered('{"Statement": [{"Resource": "|').includes('arn:aws:mq:*:*:broker:*:*'));
  assert.deepEqual(offered('{"|'), ['Version', 'Id', 'Statement']);
  assert.deepEqual(offered('{"Statement": [{"Sid": "|'), []);
});

// Tests run in the folder of the console.
const documented = readFileSync('../docs/permissions.md', 'utf8');

test('the condition keys are those of the documentation', () => {
  const chapter = /## Condition keys\n(.*?)\n## /s.exec(documented)?.[1] ?? '';
  const keys = [...chapter.matchAll(/`(\w+:[\w/…]+)`/g)].map(([, key]) => key);
  assert.ok(keys.length > 15);
  assert.deepEqual([...new Set(keys)].sort(), [...conditionKeys].sort());
});

test('every documented action is offered', () => {
  const chapter = /## Actions\n(.*?)\n## /s.exec(documented)?.[1] ?? '';
  const names = [...chapter.matchAll(/`(\w+:[A-Z]\w+)`/g)].map(([, name]) => name);
  const known = new Set(actions.map(({ name }) => name));
  assert.ok(names.length > 60);
  assert.deepEqual(
    names.filter((name) => !known.has(name ?? '')),
    [],
  );
});

test('actions that nothing asks for are found', () => {
  const policy = (action: unknown) => JSON.stringify({ Statement: { Effect: 'Allow', Action: action } });
  assert.deepEqual(unknownActions(policy(['mq:Describe*', 'MQ:CREATEBROKER', '*', 'mq:?eleteBroker'])), []);
  assert.deepEqual(unknownActions(policy(['mq:FlyBroker', 's3:*'])), ['mq:FlyBroker', 's3:*']);
  assert.deepEqual(unknownActions('no'), []);
  assert.deepEqual(unknownActions('{"Statement": [null, 5]}'), []);
});

test('a text that is no object says where', () => {
  assert.equal(notJson('{"a": 1}'), undefined);
  assert.equal(notJson('[]')?.at, 0);
  const wrong = '{"a": 1,\n"b": }';
  assert.equal(notJson(wrong)?.at, wrong.indexOf('}'));
  assert.equal(indented('{"a":1}'), '{\n  "a": 1\n}');
  assert.equal(indented('no'), 'no');
});

test('the first fault of a text is where JSON ends', () => {
  for (const right of ['{}', ' [1, "a\\n", {"b": [true, null, -0.5e3]}] ', '"x"', '0']) {
    assert.equal(faultOf(right), undefined, right);
    assert.doesNotThrow(() => JSON.parse(right));
  }
  // A text, and where it goes wrong.
  for (const [wrong, at] of [
    ['', 0],
    ['{', 1],
    ['{"a" 1}', 5],
    ['[1,]', 3],
    ['{"a":1,}', 7],
    ['[01]', 2],
    ['{} x', 3],
    ['["a\nb"]', 1],
  ] as const) {
    assert.equal(faultOf(wrong), at, wrong);
    assert.throws(() => JSON.parse(wrong));
  }
});
