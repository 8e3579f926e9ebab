// A real Chromium in front of a real brokerd:
//   node STORY.mjs LINK [SOCKET] ...
// SOCKET: a Unix socket behind which the address of the link is, for a network namespace of its own: Chromium aborts what it
// loads whenever the host's networks change, and brokers come with networks.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { chromium } from 'playwright-core';
import { faultsOf, ignoreLiveRegions, screenshot } from '../support/browser.mjs';

/** Engines start and fail over in seconds; the machine may be busy. */
const DEADLINE_MS = 180_000;

/** Leads connections to an address to the socket. */
async function lead({ hostname, port }, socket) {
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

/**
 * Signs in by the link and plays a story on the page. It fails if the page had an error or left its origin, and keeps a
 * picture of where it failed.
 */
export async function play(name, [link, socket], story) {
  const { origin } = new URL(link);
  const server = socket ? await lead(new URL(link), socket) : undefined;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, reducedMotion: 'reduce' });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  ignoreLiveRegions(page);
  const faults = faultsOf(page, origin);
  const begun = Date.now();
  const step = (what) => console.log(`${((Date.now() - begun) / 1000).toFixed(1)} s  ${what}`);
  try {
    await page.goto(link);
    await page
      .getByRole('heading', { level: 1, name: /^Brokers/ })
      .first()
      .waitFor();
    step('signed in by the link');
    await story(page, step);
  } catch (error) {
    await screenshot(page, `${name}-failed`, { full: true, always: true }).catch(() => undefined);
    throw error;
  } finally {
    await browser.close();
    server?.close();
  }
  assert.deepEqual(faults, [], 'the pages had errors');
  console.log('story: told');
}
