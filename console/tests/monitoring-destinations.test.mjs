import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';
import { destinations, queues } from './support/destinations.mjs';
import { CLUSTER, ID, PAIR } from './support/monitoring.mjs';

const TAB = `/brokers/${ID}/queues`;
const PATH = '/brokerd/v1/brokers/{broker-id}/destinations';
const select = (page, name) => page.getByRole('radio', { name: `Select ${name}` }).check({ force: true });

for (const width of [1280, 390]) {
  test(`queues are listed, browsed and published to at ${width} px`, async () => {
    const server = await startServer(destinations(CLUSTER, queues()));
    const page = await openPage(server, TAB, { width });
    await page.getByText('12,345').first().waitFor();
    await checkFits(page);
    await screenshot(page, `queues-${width}`);
    await checkAccessibility(page, { within: '[role=tabpanel]' });

    await page.getByRole('button', { name: 'Browse messages: orders.new' }).click();
    await page.getByText('12345678901234567890').waitFor();
    await page.getByText('2. Message without an identifier').click();
    await page.getByText('00 ff 10 41 42').waitFor();
    await page.getByText('shows these messages as redelivered').waitFor();
    await checkFits(page);
    await screenshot(page, `queues-messages-${width}`);
    await checkAccessibility(page, { within: '[role=region]:has(.mon-drawer)' });
    await page.keyboard.press('Escape');
    await page.getByText('12345678901234567890').waitFor({ state: 'detached' });

    await select(page, 'orders.paid');
    await page.getByRole('button', { name: 'Publish', exact: true }).click();
    await page.getByRole('textbox', { name: 'Body' }).fill('{"a":1}');
    await page.getByLabel(/Content type/).fill('application/json');
    await page.getByRole('button', { name: 'Add header' }).click();
    await page
      .getByRole('dialog')
      .getByRole('textbox', { name: /\bName$/ })
      .fill('tenant');
    await page
      .getByRole('dialog')
      .getByRole('textbox', { name: /\bValue$/ })
      .fill('acme');
    await screenshot(page, `queues-publish-${width}`);
    await checkAccessibility(page, { within: '[role=dialog]' });
    await page.getByRole('button', { name: 'Publish message' }).click();
    const call = await server.called(`POST ${PATH}/publish`, 0);
    assert.deepEqual(call.body, {
      kind: 'QUEUE',
      name: 'orders.paid',
      virtualHost: '/',
      body: '{"a":1}',
      bodyEncoding: 'TEXT',
      persistent: true,
      contentType: 'application/json',
      properties: { tenant: 'acme' },
    });
    await page.getByText('The message is published to orders.paid.').waitFor();
  });
}

test('purging and deleting ask for the name and tell what is lost', async () => {
  const all = queues();
  const server = await startServer(destinations(CLUSTER, all));
  const page = await openPage(server, TAB);
  await select(page, 'billing.dead-letter');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Purge' }).click();
  await page.getByText('12,345 messages that wait in billing.dead-letter are dropped.').waitFor();
  await checkAccessibility(page, { within: '[role=dialog]' });
  await screenshot(page, 'queues-purge');
  const confirm = page.getByRole('dialog').getByRole('button', { name: 'Purge' });
  assert.ok(await confirm.isDisabled());
  await page.getByLabel('To confirm, enter billing.dead-letter').fill('billing.dead-letter');
  await confirm.click();
  await page.getByText('12,345 messages of billing.dead-letter are dropped.').waitFor();

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByText('billing.dead-letter is deleted with its 12,347 messages.').waitFor();
  server.answers[`POST ${PATH}/delete`] = () => refused(403, 'AccessDeniedException', 'bob may not delete queues.');
  await page.getByLabel('To confirm, enter billing.dead-letter').fill('billing.dead-letter');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('bob may not delete queues.').waitFor();
});

test('the server filters and pages, and the list is read anew by itself', async () => {
  const all = queues(120);
  const server = await startServer(destinations(CLUSTER, all));
  const page = await openPage(server, TAB);
  await page.getByText('orders.new').waitFor();
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('queue-0050').waitFor();
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('queue-0119').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Next page' }).isDisabled(), 'the last page has no next one');
  await page.getByRole('searchbox', { name: 'Find by a part of the name' }).fill('SHIPPED');
  await page.getByText('orders.shipped').waitFor();
  all[2] = { ...all[2], ready: 4_711 };
  await page.getByText('4,711').waitFor();
  await page.getByRole('searchbox', { name: 'Find by a part of the name' }).fill('no such');
  await page.getByText('No name contains this.').waitFor();
});

test('queues and topics of ActiveMQ are in one table', async () => {
  const all = [
    { kind: 'QUEUE', name: 'orders', ready: 3, unacknowledged: 1, consumers: 2, producers: 1 },
    { kind: 'TOPIC', name: 'prices', ready: 0, consumers: 2, producers: 0 },
  ];
  const server = await startServer(destinations(PAIR, all));
  const page = await openPage(server, TAB);
  await page.getByText('prices').waitFor();
  await page.getByRole('button', { name: 'Queues and topics' }).click();
  await page.getByRole('option', { name: 'Topics', exact: true }).click();
  await page.getByRole('button', { name: 'Browse messages: orders', exact: true }).waitFor({ state: 'detached' });
  await select(page, 'prices');
  await page.getByRole('button', { name: 'More actions' }).click();
  assert.equal(await page.getByRole('menuitem', { name: 'Purge' }).getAttribute('aria-disabled'), 'true');
  await screenshot(page, 'topics', { full: true });
});

test('who may not list queues is told so, and is not asked for again', async () => {
  const answers = destinations(CLUSTER, []);
  answers[`GET ${PATH}`] = () => refused(403, 'AccessDeniedException', 'bob may not list destinations.');
  const server = await startServer(answers);
  const page = await openPage(server, TAB);
  await page.getByText('bob may not list destinations.').waitFor();
  await until('the notice', () => page.getByText('You are not allowed to see or do this.').isVisible());
  await screenshot(page, 'queues-refused');
});
