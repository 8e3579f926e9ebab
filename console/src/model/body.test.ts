import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesOf, hexLines, isOfType, nameFault, prettyJson, propertiesOf, textOf } from './body';

const text = (body: string) => ({ body, bodyEncoding: 'TEXT' as const });
const base64 = (...bytes: number[]) => ({
  body: Buffer.from(bytes).toString('base64'),
  bodyEncoding: 'BASE64' as const,
});

test('bytes that are text are shown as text, others are not', () => {
  assert.equal(textOf(base64(0xc3, 0xa4)), 'ä');
  assert.equal(textOf(base64(0xff, 0xfe)), undefined);
  assert.equal(textOf(base64(0x41, 0x00)), undefined);
  assert.equal(textOf(text('ä')), 'ä');
  assert.deepEqual([...bytesOf(text('ä'))], [0xc3, 0xa4]);
});

test('JSON is indented, and its numbers stay exact', () => {
  assert.equal(
    prettyJson(text('{"id":12345678901234567890,"a":[1,2],"e":{},"s":"x:,{\\"}"}')),
    `{
  "id": 12345678901234567890,
  "a": [
    1,
    2
  ],
  "e": {},
  "s": "x:,{\\"}"
}`,
  );
  for (const other of ['', 'hello', '12', '{"a":', '"text"']) assert.equal(prettyJson(text(other)), undefined, other);
});

test('hexadecimal lines have place, digits and characters', () => {
  const bytes = new TextEncoder().encode('0123456789abcdefZ\n');
  assert.deepEqual(hexLines(bytes), [
    '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef',
    `00000010  ${'5a 0a'.padEnd(48)}  Z.`,
  ]);
  assert.deepEqual(hexLines(new Uint8Array()), []);
});

test('properties have types', () => {
  const one = (name: string, value: string, type: 'text' | 'number' | 'boolean') => ({ name, value, type });
  assert.deepEqual(propertiesOf([one('a', '1', 'text'), one('b', '1.5', 'number'), one('c', 'false', 'boolean')]), {
    a: '1',
    b: 1.5,
    c: false,
  });
  const wrong = [one('a', 'x', 'number'), one('a', '', 'number'), one('a', '1', 'boolean')];
  assert.deepEqual(wrong.map(isOfType), [false, false, false]);
});

test('each property has a name of its own', () => {
  const all = ['a', '', 'b', 'a', 'A'].map((name) => ({ name, value: '1', type: 'text' as const }));
  assert.deepEqual(
    all.map((one) => nameFault(one, all)),
    ['TWICE', 'EMPTY', undefined, 'TWICE', undefined],
  );
});
