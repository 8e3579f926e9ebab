// What the browser has to fetch before somebody sees their brokers.
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { listOf, manyBrokers, OPTIONS } from './brokers.data.mjs';
import { openPage, startServer, until } from './support/index.mjs';

const dist = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'dist');
/** Most bytes of the first view, compressed. */
const MOST = 600_000;

/** What is sent for an address: the file that the build has compressed, where there is one. */
function sent(address) {
  const file = path.join(dist, address.replace(/^\/console\/(?!assets\/).*/, 'index.html').replace(/^\/console\//, ''));
  return statSync(existsSync(`${file}.br`) ? `${file}.br` : file).size;
}

test('the first view takes at most 600 KB, and pages that are not seen are not fetched', async (t) => {
  const server = await startServer({ 'GET /brokerd/v1/brokers': listOf(manyBrokers(50)), ...OPTIONS });
  const page = await openPage(server, '/');
  await page.getByRole('link', { name: 'billing-00001' }).waitFor();
  await until('the fonts are there', () => page.evaluate(() => document.fonts.status === 'loaded'));
  const names = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  const files = new Set(
    names.map((name) => new URL(name).pathname).filter((name) => name.startsWith('/console/assets/')),
  );
  const sizes = ['/console/', ...files].map((name) => [sent(name), path.basename(name)]);
  sizes.sort(([one], [other]) => other - one);
  const total = sizes.reduce((sum, [size]) => sum + size, 0);
  t.diagnostic(`${Math.round(total / 1000)} KB in ${sizes.length} files`);
  const largest = sizes.slice(0, 5).map(([size, name]) => `${name} ${Math.round(size / 1000)} KB`);
  assert.ok(total <= MOST, `${total} bytes: ${largest.join(', ')}`);
  for (const other of ['create', 'account', 'operator', 'calculator', 'Monitoring']) {
    assert.ok(!sizes.some(([, name]) => name.startsWith(`${other}-`)), `${other} is fetched, too`);
  }
  assert.ok(
    sizes.some(([, name]) => name.startsWith('open-sans-400')),
    'the font is a file of its own',
  );
});
