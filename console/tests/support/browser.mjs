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
/** The profiles that are free, by the languages of their pages. */
const profiles = new Map();

/** One browser for a file of tests. */
async function started() {
  browser ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  return browser;
}
after(async () => (await browser)?.close());

/** A profile that no other page uses. It remembers only what the browser has compiled: that is most of the time. */
async function profile(locale) {
  const free = profiles.get(locale)?.pop();
  if (free) return free;
  const context = await (
    await started()
  ).newContext({
    reducedMotion: 'reduce',
    locale,
    timezoneId: 'Europe/Berlin',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(DEADLINE_MS);
  return context;
}

/** What goes wrong on a page from now on: its errors, breaches of its policy, and requests to other origins than its own. */
export function faultsOf(page, origin) {
  const faults = [];
  // By events, because a route would turn off the browser's own cache, which has the assets.
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== origin) faults.push(`left the origin: ${url}`);
  });
  page.on('pageerror', (error) => faults.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    // Refusals are answers like others; the browser reports them as failures to load.
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isAnswer) faults.push(message.text());
  });
  return faults;
}

/**
 * Texts are looked for in what is seen. A second after some of them Cloudscape says them again, for screen readers, in
 * regions that are children of the body: whoever looks late would find two.
 */
export function ignoreLiveRegions(page) {
  const getByText = page.getByText.bind(page);
  page.getByText = (...words) => getByText(...words).and(page.locator(':not(body > [aria-live])'));
}

/**
 * Opens a page of the console, by its path without `/console`, in a browser that knows nothing of former tests. It is
 * closed with the test, which fails at its end if the page had an error, broke the policy, or asked another origin.
 */
export async function openPage(server, address = '/', options = {}) {
  const { width = 1280, height = width < 600 ? 844 : 900, dark = false, storage = {}, locale = 'en-GB' } = options;
  const context = await profile(locale);
  const page = await context.newPage();
  ignoreLiveRegions(page);
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  // Only once: what the page itself has stored must survive a reload.
  await page.addInitScript((kept) => {
    if (sessionStorage.getItem('test.begun')) return;
    sessionStorage.setItem('test.begun', 'yes');
    localStorage.clear();
    for (const [name, value] of Object.entries(kept)) localStorage.setItem(name, value);
  }, storage);
  const faults = faultsOf(page, server.url);
  server.pages.push(async () => {
    await Promise.all(context.pages().map((one) => one.close()));
    await context.clearCookies();
    profiles.set(locale, [...(profiles.get(locale) ?? []), context]);
  });
  after(() => assert.deepEqual(faults, [], 'the page had errors'));
  await page.goto(`${server.url}/console${address}`);
  return page;
}

/** Fails if axe finds anything on the page, or inside of `within` (a selector). */
export async function checkAccessibility(page, { within } = {}) {
  // By the debugger, which the policy does not bind.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const violations = await page.evaluate(async (scope) => {
    // It would read the whole style sheet for a rule that is off.
    const result = await window.axe.run(scope ?? document, { resultTypes: ['violations'], preload: false });
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

/** Whether pictures are kept: they are for people, and drawing them takes an eighth of the time. */
const KEEPS_PICTURES = process.env.BROKERD_BROWSER_PICTURES !== '0';

/** Keeps a picture of the page in artefacts/, the visible part unless `full`; `always` overrides the setting. */
export async function screenshot(page, name, { full = false, always = false } = {}) {
  if (!KEEPS_PICTURES && !always) return;
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
