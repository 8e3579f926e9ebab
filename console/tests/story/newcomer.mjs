// What somebody does who has never seen the console: from the link to a message through a pair that fails over while the
// page shows it. Against a real brokerd with real engines:
//   node newcomer.mjs LINK [SOCKET]
// SOCKET: a Unix socket behind which the address of the link is, for a network namespace of its own: Chromium aborts what it
// loads whenever the host's networks change, and brokers come with networks.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { chromium } from 'playwright-core';
import { checkAccessibility, screenshot, until } from '../support/browser.mjs';

const [link, socket] = process.argv.slice(2);
const { origin, hostname, port } = new URL(link);
/** Engines start and fail over in seconds; the machine may be busy. */
const DEADLINE_MS = 180_000;
const PASSWORD = 'correct-horse-battery';

/** Leads connections to the link's address to the socket. */
async function lead() {
  const server = createServer((client) => {
    const far = connect(socket);
    for (const [one, other] of [
      [client, far],
      [far, client],
    ]) {
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(Number(port), hostname, resolve));
  return server;
}

const begun = Date.now();
const step = (what) => console.log(`${((Date.now() - begun) / 1000).toFixed(1)} s  ${what}`);
const server = socket ? await lead() : undefined;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, reducedMotion: 'reduce' });
context.setDefaultTimeout(DEADLINE_MS);
const page = await context.newPage();
const faults = [];
page.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
page.on('console', (message) => {
  const isAnswer = message.text().startsWith('Failed to load resource');
  if (message.type() === 'error' && !isAnswer) faults.push(message.text());
});
page.on('request', (request) => {
  const url = new URL(request.url());
  if (url.protocol.startsWith('http') && url.origin !== origin) faults.push(`left the origin: ${url}`);
});
const title = (name) => page.getByRole('heading', { level: 1, name }).first().waitFor();
const press = (name) => page.getByRole('button', { name, exact: true }).first().click();
const tab = (name) => page.getByRole('tab', { name, exact: true }).click();

try {
  await page.goto(link);
  await title(/^Brokers/);
  step('signed in by the link');
  await page
    .getByRole('link', { name: 'Create broker' })
    .or(page.getByRole('button', { name: 'Create broker' }))
    .first()
    .click();
  await title('Select broker engine');
  await press('Next');
  await title('Select deployment and storage');
  await page.getByRole('radio', { name: 'Active/standby broker' }).check();
  await screenshot(page, 'story-create');
  await press('Next');
  await title('Configure settings');
  await page.getByLabel('Broker name').fill('orders');
  await page.getByLabel('Username').fill('alice');
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await press('Next');
  await title('Review and create');
  await press('Create broker');
  await title('orders');
  step('a pair was asked for');
  await page.getByText('Running', { exact: true }).first().waitFor();
  step('it runs');
  await screenshot(page, 'story-overview', { full: true });
  await checkAccessibility(page);
} catch (error) {
  await screenshot(page, 'story-failed', { full: true }).catch(() => undefined);
  throw error;
} finally {
  await browser.close();
  server?.close();
}
assert.deepEqual(faults, [], 'the pages had errors');
console.log('story: told');
