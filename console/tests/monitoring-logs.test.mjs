import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';
import { lines, logs } from './support/logs.mjs';
import { CLUSTER, ID, PAIR } from './support/monitoring.mjs';

const TAB = `/brokers/${ID}/logs`;
const rows = (page) => page.locator('.mon-line');

for (const width of [1280, 390]) {
  test(`a log is followed at ${width} px, and pauses when somebody scrolls back`, async () => {
    const all = lines(12_000);
    const server = await startServer(logs(CLUSTER, all));
    const page = await openPage(server, TAB, { width });
    await page.getByText('12,000 lines, following').waitFor();
    await page.getByText('connection 11999 accepted').waitFor();
    assert.ok((await rows(page).count()) < 150, 'only the lines that are seen are rows');
    await checkAccessibility(page, { within: '[role=tabpanel]' });
    await checkFits(page);
    await screenshot(page, `logs-${width}`);

    const log = page.getByRole('log');
    await log.evaluate((element) => (element.scrollTop = 5_000));
    await page.getByText('paused, because you scrolled back').waitFor();
    const seen = await rows(page).first().textContent();
    all.push(...lines(1).map((line) => ({ ...line, eventId: 'new', message: 'the newest line' })));
    await page.getByRole('button', { name: 'To the newest (1 new)' }).waitFor();
    assert.equal(await rows(page).first().textContent(), seen, 'what is read stays in its place');
    await page.getByRole('button', { name: 'To the newest (1 new)' }).click();
    await page.getByText('the newest line').waitFor();
  });
}

test('a filter pattern is applied by the server, and what is wrong in it is told at the field', async () => {
  const server = await startServer(logs(CLUSTER, lines(200)));
  const page = await openPage(server, TAB);
  await page.getByText('200 lines, following').waitFor();
  const pattern = page.getByLabel('Filter pattern');
  await pattern.fill('[error]x');
  await pattern.press('Enter');
  await page.getByText('Invalid filter pattern: the list does not end.').waitFor();
  await pattern.fill('error');
  await pattern.press('Enter');
  await page.getByText('40 lines, following').waitFor();
  await page.getByLabel('Wrap lines').check();
  await screenshot(page, 'logs-wrapped');

  await page.getByRole('button', { name: /All instances/ }).click();
  await page.getByRole('option', { name: 'Instance 2' }).click();
  const asked = () => server.calls.filter(({ key }) => key === 'logs:FilterLogEvents').map(({ body }) => body);
  const call = await until('one instance is asked for', () => asked().find(({ logStreamNames }) => logStreamNames));
  assert.deepEqual([call.logStreamNames, call.filterPattern], [[`rabbitmq-${ID}-2.log`], 'error']);
});

test('the lines of a range are downloaded as they were printed', async () => {
  const all = lines(7_000);
  const server = await startServer(logs(CLUSTER, all));
  const page = await openPage(server, TAB);
  await page.getByText('7,000 lines').waitFor();
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ]);
  assert.equal(saved.suggestedFilename(), 'orders-general.log');
  const content = await readFile(await saved.path(), 'utf8');
  assert.equal(content, all.map(({ message }) => `${message}\n`).join(''));
});

test('logs that are off are told, and turned on', async () => {
  const off = { ...PAIR, logs: { ...PAIR.logs, general: false } };
  const server = await startServer({ ...logs(off, [], []), 'PUT /v1/brokers/{broker-id}': { brokerId: ID } });
  const page = await openPage(server, TAB);
  await page.getByText('The general log is not published').waitFor();
  await page.getByText('There are no logs of this broker').waitFor();
  await checkAccessibility(page, { within: '[role=tabpanel]' });
  await screenshot(page, 'logs-off');
  await page.getByRole('button', { name: 'Publish it' }).first().click();
  const call = await server.called('PUT /v1/brokers/{broker-id}', 0);
  assert.deepEqual(call.body, { logs: { general: true, audit: false } });
  await page.getByText('The general log is published after the next reboot.').waitFor();
});

test('who may not read logs is told so', async () => {
  const answers = logs(CLUSTER, []);
  answers['logs:FilterLogEvents'] = () => refused(403, 'AccessDeniedException', 'User bob is not authorized.');
  const server = await startServer(answers);
  const page = await openPage(server, TAB);
  await page.getByText('User bob is not authorized.').waitFor();
  const asked = () => server.calls.filter(({ key }) => key === 'logs:FilterLogEvents').length;
  assert.equal(asked(), 1, 'a refusal is not asked for again');
  await until('the button is there', () => page.getByText('You are not allowed to see or do this.').isVisible());
});
