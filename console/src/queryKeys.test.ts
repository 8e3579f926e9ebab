import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

const SOURCES = path.resolve('src');

/** The keys of `useQuery` and its sisters, without their values, by the file that reads them. */
function keys(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const name of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(name) || /\.test\.tsx?$/.test(name)) continue;
    const code = readFileSync(path.join(SOURCES, name), 'utf8');
    for (const [, key = ''] of code.matchAll(/queryKey: \[([^\]]*)\],\s*(?:[a-zA-Z]+: [^\n]*,\s*)*?queryFn/g)) {
      const parts = key.split(',').map((part) => part.trim());
      const words = parts.map((part) => (/^'|^keys\.|^\.\.\./.test(part) ? part : '*'));
      const spelling = words.join(' ').replace('keys.brokers', "'brokers'").replace('keys.broker', "'broker'");
      if (spelling.startsWith('...') || spelling === '*') continue;
      found.set(spelling, (found.get(spelling) ?? new Set()).add(name));
    }
  }
  return found;
}

test('what two files ask has two keys, since each would be shown the other one’s answer', () => {
  const all = keys();
  assert.ok(all.size > 20, `only ${all.size} keys were found`);
  const shared = [...all]
    .filter(([, files]) => files.size > 1)
    .map(([key, files]) => `${key}: ${[...files].join(', ')}`);
  assert.deepEqual(shared, []);
});
