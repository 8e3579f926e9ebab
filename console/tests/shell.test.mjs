// The frame around every page: signing in and out, what ends a session, the connection, region, theme, keyboard.
import assert from 'node:assert/strict';
import test from 'node:test';
import { OPTIONS } from './brokers.data.mjs';
import { estimate } from './create.answers.mjs';
import { world } from './support/iam.mjs';
import {
  checkAccessibility,
  checkFits,
  KEY,
  openPage,
  refused,
  screenshot,
  SESSION,
  startServer,
  until,
} from './support/index.mjs';

const LIST = 'GET /brokerd/v1/brokers';
const title = (page, name) => page.getByRole('heading', { level: 1, name });
const NOTHING = { [LIST]: { brokers: [], total: 0 }, ...OPTIONS, ...world().answers };

for (const { width, dark } of [{ width: 1280 }, { width: 390 }, { width: 1280, dark: true }]) {
  test(`an access key signs in, and what is wrong is said, at ${width} px${dark ? ' in the dark' : ''}`, async () => {
    const server = await startServer(NOTHING, { session: null });
    const page = await openPage(server, '/account', { width, dark });
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Enter the access key ID and everything that belongs to it.', { exact: true }).waitFor();
    assert.ok(!server.calls.some(({ method }) => method === 'POST'));
    await page.getByLabel('Access key ID').fill(KEY.accessKeyId);
    await page.getByLabel('Secret access key').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The access key or its secret is not right.', { exact: true }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `sign-in-${width}${dark ? '-dark' : ''}`);
    await page.getByLabel('Secret access key').fill(KEY.secretAccessKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await title(page, 'Account').waitFor();
    assert.equal(new URL(page.url()).pathname, '/console/account');
    assert.deepEqual(server.calls.find(({ method }) => method === 'POST').body, {
      accessKeyId: KEY.accessKeyId,
      secretAccessKey: 'wrong',
    });
  });
}

test('a temporary key signs in with its token', async () => {
  const server = await startServer(NOTHING, { session: null });
  const page = await openPage(server, '/account');
  await page.getByLabel('Access key ID').fill('ASIAIOSFODNN7EXAMPLE');
  await page.getByLabel('Secret access key').fill('secret');
  await page.getByLabel('Session token').fill('token');
  await checkAccessibility(page);
  await page.keyboard.press('Enter');
  const { body } = await server.called('POST /console/session', 0);
  assert.deepEqual(body, { accessKeyId: 'ASIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' });
});

test('the link of the command signs in and leaves no trace in the address', async () => {
  const server = await startServer(NOTHING, { session: null });
  const page = await openPage(server, '/#link=right');
  await title(page, 'Brokers').waitFor();
  assert.equal(page.url(), `${server.url}/console/`);
});

test('a link that was used before asks for another, or for a key', async () => {
  const server = await startServer(NOTHING, { session: null });
  const page = await openPage(server, '/#link=used');
  await page.getByText('This link was used already').waitFor();
  assert.equal(page.url(), `${server.url}/console/`);
  await page.getByLabel('Access key ID').waitFor();
});

test('signing out here ends the session and shows nothing of it', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/');
  await title(page, 'Brokers').waitFor();
  await page.getByRole('button', { name: 'root', exact: false }).click();
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click();
  await page.getByLabel('Access key ID').waitFor();
  assert.equal(await title(page, 'Brokers').count(), 0);
  assert.equal(server.session, null);
  assert.ok(server.calls.some(({ key }) => key === 'DELETE /console/session'));
});

test('a session that ends in the middle of a page comes back to what was entered there', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/?name=orders');
  await title(page, 'Brokers').waitFor();
  await page.evaluate(() => {
    document.querySelector('main').dataset.test = 'the same';
  });
  await until('the page follows the events', () => server.followers > 0);
  server.session = null;
  server.send('signed-out');
  await page.getByText('Your session has ended. Sign in again.').waitFor();
  assert.equal(await title(page, 'Brokers').isVisible(), false);
  await checkAccessibility(page);
  await screenshot(page, 'session-ended');
  assert.equal(await page.getByLabel('Access key ID').inputValue(), SESSION.accessKeyId);
  await page.getByLabel('Secret access key').fill(KEY.secretAccessKey);
  await page.keyboard.press('Enter');
  await title(page, 'Brokers').waitFor();
  assert.equal(await page.getByLabel('Access key ID').count(), 0);
  assert.equal(new URL(page.url()).search, '?name=orders');
  assert.equal(await page.locator('main').first().getAttribute('data-test'), 'the same');
  // What happened meanwhile is read, and events are followed again.
  await until('the page follows the events again', () => server.followers > 0);
});

test('whoever else signs in after a session has ended sees nothing of it', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/');
  await title(page, 'Brokers').waitFor();
  await page.evaluate(() => {
    document.querySelector('main').dataset.test = 'of the former';
  });
  const other = { ...SESSION, arn: 'arn:aws:iam::123456789012:user/alice', name: 'alice', kind: 'USER' };
  server.answers['POST /console/session'] = () => {
    server.session = other;
    return { body: other };
  };
  server.session = null;
  server.send('signed-out');
  await page.getByLabel('Secret access key').fill('hers');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'alice', exact: false }).waitFor();
  await title(page, 'Brokers').waitFor();
  assert.equal(await page.locator('main[data-test]').count(), 0);
});

test('a refusal with 401 by any call ends the session, too', async () => {
  const server = await startServer({
    ...OPTIONS,
    [LIST]: () => refused(401, 'UnauthorizedException', 'The session has ended.'),
  });
  const page = await openPage(server, '/');
  await page.getByText('Your session has ended. Sign in again.').waitFor();
});

test('a lost connection is said, and what happened meanwhile is read when it is back', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/');
  await title(page, 'Brokers').waitFor();
  await until('the page follows the events', () => server.followers > 0);
  await server.stop();
  const lost = page.getByText('The connection to brokerd is lost.');
  await lost.waitFor();
  await checkAccessibility(page);
  await screenshot(page, 'connection-lost');
  const before = server.calls.length;
  await server.listen();
  await server.called(LIST, before);
  await lost.waitFor({ state: 'hidden' });
});

test('while the server can tell nothing, nobody is asked to sign in', async () => {
  const server = await startServer({
    ...NOTHING,
    'GET /console/session': () => refused(503, 'ServiceUnavailableException', 'The database does not answer.'),
  });
  const page = await openPage(server, '/');
  await page.getByText('brokerd does not answer.', { exact: true }).waitFor();
  await checkAccessibility(page);
  delete server.answers['GET /console/session'];
  await title(page, 'Brokers').waitFor();
});

test('another version of the server asks to load the page again', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/');
  await until('the page follows the events', () => server.followers > 0);
  server.send('hello', { version: '0.2.0' });
  await page.getByText('brokerd is now version 0.2.0.').first().waitFor();
  await page.getByRole('button', { name: 'Load again' }).waitFor();
});

test('the region is chosen once and kept', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/');
  const region = (name) => page.getByRole('button', { name: `Region: ${name}` });
  await region('eu-central-1').click();
  const before = server.calls.length;
  await page.getByRole('menuitemcheckbox', { name: 'us-east-1' }).click();
  const { headers } = await server.called(LIST, before);
  assert.equal(headers['x-brokerd-region'], 'us-east-1');
  await until('events of it are followed', () => server.regions.at(-1) === 'us-east-1');
  await page.reload();
  await region('us-east-1').waitFor();
});

test('the appearance is that of the system until another one is chosen, which is kept', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/', { dark: true });
  const isDark = () => page.evaluate(() => document.body.classList.contains('awsui-dark-mode'));
  await title(page, 'Brokers').waitFor();
  assert.equal(await isDark(), true);
  await checkAccessibility(page);
  await page.getByRole('button', { name: 'root', exact: false }).click();
  const light = page.getByRole('menuitemcheckbox', { name: 'Light' });
  await light.waitFor();
  await checkAccessibility(page);
  await screenshot(page, 'menu-dark');
  await light.click();
  await until('it is light', async () => !(await isDark()));
  await page.reload();
  await title(page, 'Brokers').waitFor();
  assert.equal(await isDark(), false);
});

test('the keyboard alone skips to the content and leads through the pages', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/');
  await title(page, 'Brokers').waitFor();
  await page.keyboard.press('Tab');
  const focused = () => page.evaluate(() => document.activeElement.textContent || document.activeElement.tagName);
  assert.equal(await focused(), 'Skip to the content');
  await screenshot(page, 'skip-link');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content');
  const link = page.getByRole('navigation', { name: 'Navigation' }).getByRole('link', { name: 'Account' });
  for (let at = 0; at < 60 && !(await link.evaluate((one) => one === document.activeElement)); at += 1) {
    await page.keyboard.press('Shift+Tab');
  }
  await page.keyboard.press('Enter');
  await title(page, 'Account').waitFor();
  assert.equal(await page.title(), 'Account – brokerd');
});

for (const width of [390, 768, 1280, 1920, 2560]) {
  for (const dark of [false, true]) {
    test(`the frame fits ${width} px${dark ? ' in the dark' : ''}`, async () => {
      const server = await startServer(NOTHING);
      const page = await openPage(server, '/', { width, dark });
      await title(page, 'Brokers').waitFor();
      await checkAccessibility(page);
      await checkFits(page);
      await screenshot(page, `frame-${width}${dark ? '-dark' : ''}`);
    });
  }
}

test('on a phone the navigation opens over the page and closes behind whoever follows it', async () => {
  const server = await startServer(NOTHING);
  const page = await openPage(server, '/', { width: 390 });
  await page.getByRole('button', { name: 'Navigation' }).click();
  const link = page.getByRole('navigation', { name: 'Navigation' }).getByRole('link', { name: 'Account' });
  await link.waitFor();
  // The page, and its heading, are covered meanwhile.
  await checkAccessibility(page, { within: '#root' });
  await screenshot(page, 'navigation-390');
  await link.click();
  await title(page, 'Account').waitFor();
  await link.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'root', exact: false }).click();
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).waitFor();
  await checkAccessibility(page);
  await checkFits(page);
  await screenshot(page, 'menu-390');
});

test('who is no operator is not shown the operator’s page, and an address without a page says so', async () => {
  const server = await startServer({}, { session: { isOperator: false } });
  const page = await openPage(server, '/nothing/here');
  await title(page, 'There is no such page').waitFor();
  await checkAccessibility(page);
  assert.equal(await page.getByRole('link', { name: 'Operator' }).count(), 0);
  await page.getByRole('main').getByRole('link', { name: 'To the brokers' }).waitFor();
});

test('whoever has no account sees the calculator, and is led to the sign-in', async () => {
  const server = await startServer({ 'GET /console/calculator': estimate }, { session: null });
  const page = await openPage(server, '/calculator');
  await title(page, 'Calculator').waitFor();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Access key ID').waitFor();
  await page.getByRole('link', { name: 'Estimate costs without signing in' }).click();
  await title(page, 'Calculator').waitFor();
});
