// The list of brokers.
import assert from 'node:assert/strict';
import test from 'node:test';
import { listOf, manyBrokers, OPTIONS } from './brokers.data.mjs';
import { answers as answersToCreate } from './create.answers.mjs';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';

const LIST = 'GET /brokerd/v1/brokers';
const names = (page) => page.locator('tbody tr th a').allTextContents();
const started = (brokers, answers = {}) => startServer({ [LIST]: listOf(brokers), ...OPTIONS, ...answers });
const shown = (page, name) => page.getByRole('link', { name, exact: true }).waitFor();
const action = async (page, name) => {
  await page.getByRole('button', { name: 'Actions' }).click();
  return page.getByRole('menuitem', { name });
};
const select = (page, name) => page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check();

for (const [width, dark] of [[1280], [1280, true], [390], [2560]]) {
  test(`brokers are listed with what matters of them, at ${width} px${dark ? ' in the dark' : ''}`, async () => {
    const server = await started(manyBrokers(30));
    const page = await openPage(server, '/', { width, dark });
    await shown(page, 'orders-00000');
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `brokers-${width}${dark ? '-dark' : ''}`);
    const cells = await page.locator('tbody tr', { hasText: 'invoices-00008' }).locator('td, th').allTextContents();
    assert.deepEqual(cells.slice(1, -1), [
      'invoices-00008',
      'Running',
      'RabbitMQ',
      '4.3.1',
      'Single instance',
      'mq.m7g.large',
      '136',
      '8',
    ]);
  });
}

test('a row leads to the page of its broker, and the buttons to Create', async () => {
  const server = await started(manyBrokers(3));
  const page = await openPage(server, '/');
  const create = page.getByRole('link', { name: 'Create broker' });
  assert.equal(await create.getAttribute('href'), '/console/brokers/create');
  await create.click();
  await page.waitForURL('**/console/brokers/create');
  await page.goBack();
  server.answers['GET /v1/brokers/{broker-id}'] = () => refused(404, 'NotFoundException', 'Gone.');
  server.answers['GET /brokerd/v1/brokers/{broker-id}'] = () => refused(404, 'NotFoundException', 'Gone.');
  const link = page.getByRole('link', { name: 'billing-00001' });
  assert.equal(await link.getAttribute('href'), '/console/brokers/b-00000000-0000-4000-8000-000000000001');
  await select(page, 'billing-00001');
  await page.getByRole('button', { name: 'View details' }).isEnabled();
});

test('of 10,000 brokers no more than a page is read and drawn, for each page and filter once', async (t) => {
  const server = await started(manyBrokers(10_000));
  const page = await openPage(server, '/');
  await shown(page, 'billing-00001');
  await page.getByText('(10000)').waitFor();
  assert.equal((await names(page)).length, 50);
  const began = Date.now();
  const reads = () => server.calls.filter(({ key }) => key === LIST).length;
  const before = reads();
  const next = page.getByRole('button', { name: 'Next page' });
  for (let at = 1; at <= 5; at += 1) {
    const [first] = await names(page);
    await next.click();
    await until('the next page is there', async () => (await names(page))[0] !== first);
  }
  const turned = (Date.now() - began) / 5;
  assert.equal((await names(page))[0], 'billing-01251');
  // One call for each, beside those that renew the samples.
  const renewed = Math.ceil((Date.now() - began) / 30_000);
  assert.ok(reads() - before <= 5 + renewed, `${reads() - before} reads`);
  assert.equal((await names(page)).length, 50);
  await page.getByRole('button', { name: 'Previous page' }).click();
  await shown(page, 'billing-01001');
  await screenshot(page, 'brokers-10000');

  await page.getByRole('combobox', { name: 'Filter brokers' }).fill('9999');
  const asked = Date.now();
  await page.keyboard.press('Enter');
  await until('the filter is in force', async () => (await names(page)).join() === 'shipments-09999');
  const filtered = Date.now() - asked;
  t.diagnostic(`a page takes ${Math.round(turned)} ms, a filter ${filtered} ms`);
  assert.equal(new URL(page.url()).search, '?name=9999');
  await page.getByText('1 match', { exact: true }).first().waitFor();
  // The whole of it never comes to the browser.
  assert.ok(server.calls.every((call) => call.key !== LIST || Number(call.query.get('maxResults')) <= 100));
});

test('a storm of events is read a few times, and the list stays as it is used', async () => {
  const brokers = manyBrokers(10_000);
  const server = await started(brokers);
  const page = await openPage(server, '/?sort=created&order=desc');
  await shown(page, 'shipments-09999');
  await until('events are followed', () => server.followers > 0);
  const before = server.calls.filter(({ key }) => key === LIST).length;
  for (const { brokerId } of brokers.slice(0, 2_000)) server.send('broker', { brokerId, change: 'CHANGED' });
  brokers[9_999] = { ...brokers[9_999], brokerState: 'CRITICAL_ACTION_REQUIRED' };
  server.send('broker', { brokerId: brokers[9_999].brokerId, change: 'CHANGED' });
  await page.locator('tbody tr', { hasText: 'shipments-09999' }).getByText('Critical action required').waitFor();
  const reads = server.calls.filter(({ key }) => key === LIST).length - before;
  assert.ok(reads <= 10, `${reads} reads`);
});

test('the filter takes properties, one value of each, and is in the address', async () => {
  const server = await started(manyBrokers(60));
  const page = await openPage(server, '/?state=RUNNING&engine=ACTIVEMQ');
  await page.getByText('10 matches').first().waitFor();
  // By the exact case: the address has the API's words.
  await page
    .getByText(/^State = Running$/)
    .first()
    .waitFor();
  await page
    .getByText(/^Engine = ActiveMQ$/)
    .first()
    .waitFor();
  const box = page.getByRole('combobox', { name: 'Filter brokers' });
  const engine = page.getByRole('option', { name: 'Engine = RabbitMQ' });
  // What is read meanwhile may close the list.
  await until('its values are offered', async () => {
    await box.fill('Engine = ');
    return engine.isVisible();
  });
  await engine.click();
  await page.getByText('20 matches').first().waitFor();
  assert.equal(new URL(page.url()).search, '?engine=RABBITMQ&state=RUNNING');
  await checkAccessibility(page);
  await screenshot(page, 'brokers-filtered');
  await box.fill('nobody');
  await page.keyboard.press('Enter');
  await page.getByText('No broker is as the filter says.').waitFor();
  await checkAccessibility(page);
  await page.getByRole('button', { name: 'Clear filter', exact: true }).click();
  await page.getByText('(60)').waitFor();
  assert.equal(new URL(page.url()).search, '');
});

test('the columns sort on the server, and only where it can', async () => {
  const server = await started(manyBrokers(30));
  const page = await openPage(server, '/');
  await shown(page, 'billing-00001');
  const before = server.calls.length;
  await page.locator('[data-focus-id=sorting-control-age]').first().click();
  assert.equal((await server.called(LIST, before)).query.get('sort'), 'created');
  await until('the oldest is first', async () => (await names(page))[0] === 'orders-00000');
  await page.locator('[data-focus-id=sorting-control-age]').first().click();
  await until('the newest is first', async () => (await names(page))[0] === 'shipments-00029');
  assert.equal(new URL(page.url()).search, '?sort=created&order=desc');
  const sorting = page.locator('[role=button][data-focus-id^=sorting-control]');
  const ids = new Set(await sorting.evaluateAll((all) => all.map((one) => one.dataset.focusId)));
  assert.deepEqual([...ids], ['sorting-control-name', 'sorting-control-state', 'sorting-control-age']);
});

for (const width of [1280, 390]) {
  test(`what a person prefers is kept in the browser, at ${width} px`, async () => {
    const server = await started(manyBrokers(30));
    const page = await openPage(server, '/', { width });
    await shown(page, 'billing-00001');
    await page.getByRole('button', { name: 'Preferences' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('radio', { name: '20 brokers' }).check();
    await dialog.getByRole('checkbox', { name: 'Connections' }).uncheck();
    await dialog.getByRole('checkbox', { name: 'ARN' }).check();
    await screenshot(page, `brokers-preferences-${width}`);
    // To axe, what is scrolled out of a dialog has no visible label.
    await dialog.getByText('Brokers on a page').scrollIntoViewIfNeeded();
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await until('the page is shorter', async () => (await names(page)).length === 20);
    await page.reload();
    await shown(page, 'billing-00001');
    assert.equal((await names(page)).length, 20);
    const headers = (await page.locator('thead th').allTextContents()).join('|');
    assert.match(headers, /ARN/);
    assert.doesNotMatch(headers, /Connections/);
  });
}

test('events change the list, and take away what is gone', async () => {
  const brokers = manyBrokers(4);
  const server = await started(brokers);
  const page = await openPage(server, '/');
  await page.locator('tr', { hasText: 'invoices-00003' }).getByText('Creation in progress').waitFor();
  await until('events are followed', () => server.followers > 0);
  brokers[3] = { ...brokers[3], brokerState: 'RUNNING' };
  server.send('broker', { brokerId: brokers[3].brokerId, change: 'CHANGED' });
  await page.locator('tr', { hasText: 'invoices-00003' }).getByText('Running').waitFor();
  const [gone] = brokers.splice(1, 1);
  server.send('broker', { brokerId: gone.brokerId, change: 'REMOVED' });
  await page.getByRole('link', { name: gone.brokerName }).waitFor({ state: 'hidden' });
});

for (const width of [1280, 390]) {
  test(`several brokers are rebooted, what came of each is told, at ${width} px`, async () => {
    const brokers = manyBrokers(4);
    const server = await started(brokers, {
      'POST /v1/brokers/{broker-id}/reboot': ({ parameters }) =>
        parameters['broker-id'].endsWith('1')
          ? refused(403, 'ForbiddenException', 'You are not authorized to perform: mq:RebootBroker.')
          : { body: {} },
    });
    const page = await openPage(server, '/', { width });
    await shown(page, 'orders-00000');
    const none = await action(page, 'Reboot');
    assert.equal(await none.getAttribute('aria-disabled'), 'true');
    await page.getByText('Select a broker first.').first().waitFor({ state: 'attached' });
    await page.keyboard.press('Escape');
    for (const { brokerName } of brokers) await select(page, brokerName);
    await (await action(page, 'Reboot')).click();
    const dialog = page.getByRole('dialog', { name: 'Reboot 3 brokers?' });
    await dialog.getByText('The nodes of a cluster are rebooted one after the other.').waitFor();
    await dialog.getByText('Is left out: the broker is in the state “Creation in progress”.').first().waitFor();
    await checkAccessibility(page);
    await screenshot(page, `brokers-reboot-${width}`);
    await dialog.getByRole('button', { name: 'Reboot' }).click();
    await dialog.getByText('2 accepted, 1 refused or failed').first().waitFor();
    await dialog.locator('tr', { hasText: 'billing-00001' }).getByText('mq:RebootBroker').waitFor();
    await checkAccessibility(page);
    await screenshot(page, `brokers-rebooted-${width}`);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await dialog.waitFor({ state: 'hidden' });
    const asked = server.calls.filter(({ key }) => key === 'POST /v1/brokers/{broker-id}/reboot');
    assert.deepEqual(asked.map((call) => call.parameters['broker-id'].slice(-1)).sort(), ['0', '1', '2']);
  });
}

test('brokers are deleted once all their names are entered, and too many requests are made again', async () => {
  const brokers = manyBrokers(3);
  let isFirst = true;
  const server = await started(brokers, {
    'DELETE /v1/brokers/{broker-id}': ({ parameters }) => {
      if (isFirst) {
        isFirst = false;
        return refused(429, 'TooManyRequestsException', 'Slow down.');
      }
      const at = brokers.findIndex(({ brokerId }) => brokerId === parameters['broker-id']);
      brokers[at] = { ...brokers[at], brokerState: 'DELETION_IN_PROGRESS' };
      return { body: { brokerId: parameters['broker-id'] } };
    },
  });
  const page = await openPage(server, '/');
  await shown(page, 'orders-00000');
  await page.getByRole('checkbox', { name: 'Select all brokers of this page' }).focus();
  await page.keyboard.press('Space');
  await (await action(page, 'Delete')).click();
  const dialog = page.getByRole('dialog', { name: 'Delete 3 brokers?' });
  await dialog.getByText('Nobody can bring them back.').waitFor();
  const confirm = dialog.getByRole('button', { name: 'Delete' });
  const box = dialog.getByLabel('To confirm, enter the names of the 3 brokers');
  await box.fill('orders-00000, billing-00001');
  assert.equal(await confirm.isDisabled(), true);
  await box.fill('tracking-00002\norders-00000, billing-00001');
  await checkAccessibility(page);
  await screenshot(page, 'brokers-delete');
  await confirm.click();
  await dialog.getByText('3 brokers accepted').first().waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.locator('tr', { hasText: 'orders-00000' }).getByText('Deletion in progress').waitFor();
  await page.getByText('(3)', { exact: true }).waitFor();
});

test('one broker is deleted by the keyboard alone, by its name', async () => {
  const brokers = manyBrokers(2);
  const server = await started(brokers, { 'DELETE /v1/brokers/{broker-id}': { brokerId: brokers[0].brokerId } });
  const page = await openPage(server, '/', { width: 390 });
  await shown(page, 'orders-00000');
  await page.getByRole('checkbox', { name: 'Select orders-00000' }).focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Actions' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Delete' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Delete 1 broker?' });
  await dialog.getByLabel('To confirm, enter orders-00000').focus();
  await page.keyboard.type('orders-00000');
  await checkAccessibility(page);
  await checkFits(page);
  await screenshot(page, 'brokers-delete-390');
  await page.keyboard.press('Enter');
  await dialog.getByText('1 broker accepted').first().waitFor();
  assert.ok(server.calls.some((call) => call.path === `/v1/brokers/${brokers[0].brokerId}`));
});

for (const width of [1280, 390]) {
  test(`without brokers the page leads to the first one, at ${width} px`, async () => {
    const server = await started([], answersToCreate());
    const page = await openPage(server, '/', { width });
    await page.getByText('No brokers', { exact: true }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `brokers-empty-${width}`);
    await page.getByRole('link', { name: 'Create broker' }).last().click();
    await page.waitForURL('**/console/brokers/create');
    await page.getByRole('heading', { level: 1, name: 'Select broker engine' }).waitFor();
  });
}

test('who may not list brokers is told why, and a server in trouble is asked again', async () => {
  const because = 'User alice is not authorized to perform: brokerd:ListBrokerDetails.';
  const server = await started([], {
    [LIST]: () => refused(403, 'ForbiddenException', because),
    'GET /v1/brokers': () => refused(403, 'ForbiddenException', 'alice may not ListBrokers.'),
  });
  const page = await openPage(server, '/');
  await page.getByText(because).waitFor();
  await checkAccessibility(page);
  await screenshot(page, 'brokers-refused');
  server.answers[LIST] = () => refused(503, 'ServiceUnavailableException', 'The database does not answer.');
  await page.reload();
  await page.getByText('The database does not answer.').waitFor();
  server.answers[LIST] = listOf(manyBrokers(1));
  await page.getByRole('button', { name: 'Try again' }).click();
  await shown(page, 'orders-00000');
});

test('who may only ListBrokers sees what it tells, filtered and sorted all the same', async () => {
  const members = ['brokerId', 'brokerArn', 'brokerName', 'brokerState', 'created', 'deploymentMode', 'engineType'];
  const summaries = manyBrokers(60).map((one) =>
    Object.fromEntries([...members, 'hostInstanceType'].map((member) => [member, one[member]])),
  );
  const server = await started([], {
    [LIST]: () => refused(403, 'ForbiddenException', 'alice is not authorized to perform: brokerd:ListBrokerDetails.'),
    'GET /v1/brokers': ({ query }) => ({
      body: query.get('nextToken')
        ? { brokerSummaries: summaries.slice(40) }
        : { brokerSummaries: summaries.slice(0, 40), nextToken: 'next' },
    }),
  });
  const page = await openPage(server, '/?engine=RABBITMQ');
  await page.getByText('Versions, messages and connections are not shown.').waitFor();
  await page.getByText('30 matches').first().waitFor();
  assert.equal((await names(page))[0], 'billing-00006');
  await checkAccessibility(page);
  await screenshot(page, 'brokers-only-listed');
});
