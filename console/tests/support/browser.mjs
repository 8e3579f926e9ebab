// A real Chromium: pages, accessibility, screenshots.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** How long anything is waited for, in milliseconds. The machine may be busy. */
const DEADLINE_MS = 120_000;

let browser;

/** One browser for a file of tests. */
async function started() {
  browser ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  return browser;
}
after(async () => (await browser)?.close());

/**
 * Opens a page of the console, by its path without `/console`, in a fresh browser profile that ends with the test.
 * The test fails at its end if the page had an error, broke the policy, or asked another origin.
 */
export async function openPage(server, address = '/', options = {}) {
  const { width = 1280, height = width < 600 ? 844 : 900, dark = false, storage = {}, locale = 'en-GB' } = options;
  const context = await (
    await started()
  ).newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale,
    timezoneId: 'Europe/Berlin',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(DEADLINE_MS);
  // Only once: what the page itself has stored must survive a reload.
  await context.addInitScript((kept) => {
    if (sessionStorage.getItem('test.begun')) return;
    sessionStorage.setItem('test.begun', 'yes');
    for (const [name, value] of Object.entries(kept)) localStorage.setItem(name, value);
  }, storage);
  const faults = [];
  await context.route(
    (url) => url.protocol.startsWith('http') && url.origin !== server.url,
    (route) => {
      faults.push(`left the origin: ${route.request().url()}`);
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    // Refusals are answers like others; the browser reports them as failures to load.
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isAnswer) faults.push(message.text());
  });
  after(async () => {
    await context.close();
    assert.deepEqual(faults, [], 'the page had errors');
  });
  await page.goto(`${server.url}/console${address}`);
  return page;
}

/** Fails if axe finds anything on the page, or inside of `within` (a selector). */
export async function checkAccessibility(page, { within } = {}) {
  // By the debugger, which the policy does not bind.
  await page.evaluate(axe);
  const violations = await page.evaluate(async (scope) => {
    const result = await window.axe.run(scope ?? document, { resultTypes: ['violations'] });
    return result.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.slice(0, 5).map(({ target, failureSummary, html }) => ({
        target: target.join(' '),
        why: failureSummary,
        html: html.slice(0, 300),
      })),
    }));
  }, within);
  assert.deepEqual(violations, [], `axe: ${violations.map(({ id, help }) => `${id} (${help})`).join(', ')}`);
}

/** Fails if the page can be scrolled sideways. Tables and code scroll in boxes of their own. */
export async function checkFits(page) {
  const [needed, there] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(needed <= there, `the page is ${needed} px wide, the window ${there}`);
}

/** Keeps a picture of the page in artefacts/, the visible part unless `full`. */
export async function screenshot(page, name, { full = false } = {}) {
  await mkdir(path.join(root, 'artefacts'), { recursive: true });
  await page.screenshot({ path: path.join(root, 'artefacts', `${name}.png`), fullPage: full, animations: 'disabled' });
}

/** Waits until a condition holds; its value. */
export async function until(what, condition) {
  const ends = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > ends) throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
