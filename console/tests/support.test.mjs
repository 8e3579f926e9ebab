// What the tests of pages rest on.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { POLICY } from './support/index.mjs';

const SOURCE = new URL('../../api/src/console/assets.rs', import.meta.url);

test('the stand-in sends the policy of the server', { skip: !existsSync(SOURCE) && 'no server here' }, () => {
  const [, literal] = /const POLICY: &str = "([^"]*)"/.exec(readFileSync(SOURCE, 'utf8'));
  // A backslash at the end of a line takes away the line break and the spaces behind it.
  assert.equal(literal.replace(/\\\n\s*/g, ''), POLICY);
});
