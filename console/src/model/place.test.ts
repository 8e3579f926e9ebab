import assert from 'node:assert/strict';
import test from 'node:test';
import { offsetOf, placeIn } from './place';

const at = (text: string, message: string) => {
  const place = placeIn(text, message);
  return place && text.slice(place.from, place.to);
};

test('a refusal of a line is of that line', () => {
  const text = 'a = 1\nb = 2\n';
  assert.equal(at(text, 'The specified RabbitMQ configuration data is invalid: line 2: [b] can’t be set.'), 'b = 2');
  assert.equal(at(text, 'line 9: no'), undefined);
});

test('a refusal of a document is of its position, its attribute or its element', () => {
  const text = '<broker>\n  <policyEntry queue="a" memoryLimit="x"/>\n  <policyEntry queue="b"/>\n</broker>';
  const position = 'The document is not well-formed: unknown at 2:3.';
  assert.equal(at(text, position), '<policyEntry queue="a" memoryLimit="x"/>');
  const value = "The value 'b' of attribute 'queue' on element 'policyEntry' is not valid";
  assert.equal(at(text, value), 'queue="b"');
  assert.equal(at(text, "Attribute 'topic' must appear on element 'policyEntry'."), '<policyEntry');
  assert.equal(at(text, "The content of element 'broker' is not complete."), '<broker');
  assert.equal(at(text, 'Too large.'), undefined);
});

test('offsets are counted from the first line and column', () => {
  assert.equal(offsetOf('ab\ncd', 2, 2), 4);
  assert.equal(offsetOf('ab\ncd', 9, 1), 5);
});
