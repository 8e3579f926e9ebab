// What the operator administers.
import assert from 'node:assert/strict';
import test from 'node:test';
import { accountsOf, CA, CAPACITY, PROVISIONERS, VERSIONS } from './operator.data.mjs';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';

const WIDTHS = [
  [1280, false],
  [1280, true],
  [390, false],
];
const named = (name, width, dark) => `operator-${name}-${width}${dark ? '-dark' : ''}`;
const row = (page, name) => page.locator('tbody tr', { hasText: name });
const act = async (page, name, action) => {
  await page.getByRole('radio', { name: `Select ${name}` }).check();
  await page.getByRole('button', { name: 'Actions' }).click();
  const item = page.getByRole('menuitem', { name: action });
  await item.waitFor();
  return item;
};

for (const [width, dark] of WIDTHS) {
  test(`accounts are listed with what they have of their quotas, at ${width} px${dark ? ', dark' : ''}`, async () => {
    const server = await startServer(accountsOf({}));
    const page = await openPage(server, '/operator', { width, dark });
    await row(page, 'team-red').getByText('5 of 20').waitFor();
    await row(page, 'team-red').getByText('20,480 of 65,536').waitFor();
    await row(page, 'team-blue').getByText('Suspended').waitFor();
    await row(page, 'default').getByText('no limit').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, named('accounts', width, dark));
  });
}

for (const width of [1280, 390]) {
  test(`an account is created with quotas, and what is wrong is marked, at ${width} px`, async () => {
    const state = {};
    const server = await startServer(accountsOf(state));
    const page = await openPage(server, '/operator/accounts', { width });
    await row(page, 'team-red').waitFor();
    await page.getByRole('button', { name: 'Create account' }).click();
    const dialog = page.getByRole('dialog');
    const save = dialog.getByRole('button', { name: 'Create account' });
    await dialog.getByLabel('Brokers').fill('many');
    await save.click();
    await dialog.getByText('Enter a name.', { exact: true }).waitFor();
    await dialog.getByText('Enter a whole number from 0, or nothing.', { exact: true }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `operator-create-${width}`);
    await dialog.getByLabel('Name').fill('team-red');
    await dialog.getByLabel('Brokers').fill('10');
    await save.click();
    await dialog.getByText('Another account has the name [team-red].', { exact: true }).waitFor();
    assert.equal(await dialog.getByLabel('Brokers').inputValue(), '10');
    await dialog.getByLabel('Name').fill("o'hara");
    await save.click();
    await page.getByText("Account o'hara is created.").first().waitFor();
    await page.getByText("brokerd key create --account 'o'\\''hara'").waitFor();
    await row(page, "o'hara").waitFor();
    assert.deepEqual(state.accounts.at(-1).quotas, { brokers: 10 });
    await checkAccessibility(page);
    await screenshot(page, `operator-created-${width}`);
  });
}

test('an account is renamed and its quotas are replaced as a whole', async () => {
  const server = await startServer(accountsOf({}));
  const page = await openPage(server, '/operator/accounts');
  await (await act(page, 'team-red', 'Edit name and quotas')).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Memory (MiB)').fill('');
  await dialog.getByLabel('Requests per second').fill('30');
  await checkAccessibility(page);
  await dialog.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Account team-red is changed.').first().waitFor();
  const { body } = server.calls.find(({ method }) => method === 'PUT');
  assert.deepEqual(body, { name: 'team-red', quotas: { brokers: 20, storageGib: 2000, apiRate: 30 } });
});

test('an account is suspended after a question, and resumed without one', async () => {
  const server = await startServer(accountsOf({}));
  const page = await openPage(server, '/operator/accounts');
  await (await act(page, 'team-red', 'Suspend')).click();
  const dialog = page.getByRole('dialog', { name: 'Suspend team-red?' });
  await dialog.getByText('Its brokers go on.').waitFor();
  await checkAccessibility(page);
  await screenshot(page, 'operator-suspend');
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  await row(page, 'team-red').getByText('Suspended').waitFor();
  // What can be done is that of the account as it is now, although it was selected before.
  for (const name of ['team-red', 'team-blue']) {
    await (await act(page, name, 'Resume')).click();
    await row(page, name).getByText('Active').waitFor();
  }
});

test('an account is deleted by its name, and a refusal stays in the dialog', async () => {
  const state = { inUse: true };
  const server = await startServer(accountsOf(state));
  const page = await openPage(server, '/operator/accounts');
  await (await act(page, 'team-blue', 'Delete')).click();
  const dialog = page.getByRole('dialog', { name: 'Delete team-blue?' });
  const confirm = dialog.getByRole('button', { name: 'Delete' });
  assert.equal(await confirm.isDisabled(), true);
  await dialog.getByLabel('To confirm, enter team-blue').fill('team-blue');
  await confirm.click();
  await dialog.getByText('Account ID [333333333333] still has brokers.', { exact: true }).waitFor();
  await checkAccessibility(page);
  await screenshot(page, 'operator-delete');
  state.inUse = false;
  await confirm.click();
  await dialog.waitFor({ state: 'hidden' });
  await row(page, 'team-blue').waitFor({ state: 'detached' });
});

test('the operator’s own account is spared, with the reason', async () => {
  const server = await startServer(accountsOf({}));
  const page = await openPage(server, '/operator/accounts');
  const item = await act(page, 'default', 'Suspend');
  assert.equal(await item.getAttribute('aria-disabled'), 'true');
  assert.equal(await page.getByRole('menuitem', { name: 'Delete' }).getAttribute('aria-disabled'), 'true');
  const reason = page.getByText('The operator’s own account can’t be suspended or deleted.');
  await reason.first().waitFor({ state: 'attached' });
});

for (const width of [1280, 390]) {
  test(`the usage of an account is told with the cost of this month, at ${width} px`, async () => {
    const server = await startServer(accountsOf({}));
    const page = await openPage(server, '/operator/accounts', { width });
    await (await act(page, 'team-red', 'View usage and cost')).click();
    const dialog = page.getByRole('dialog', { name: 'Usage of team-red' });
    await dialog.getByText('USD 211.24').waitFor();
    await dialog.getByText('Storage of mq.t3.micro has no price.').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `operator-usage-${width}`);
    const call = server.calls.find(({ query }) => query.get('from'));
    assert.match(call.query.get('from'), /^\d{4}-\d\d-01T00:00:00.000Z$/);
  });
}

for (const [width, dark] of WIDTHS) {
  test(`the memory of the host and who waits for it are told, at ${width} px${dark ? ', dark' : ''}`, async () => {
    const server = await startServer({ 'GET /brokerd/v1/capacity': CAPACITY });
    const page = await openPage(server, '/operator/capacity', { width, dark });
    await page.getByRole('progressbar', { name: 'Reserved of the usable memory' }).waitFor({ state: 'attached' });
    await page.getByText('75%', { exact: true }).first().waitFor();
    await page.getByText('21 GiB of 28 GiB').first().waitFor();
    await page.getByText('2 creations wait for memory, each for at most 15 min.').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, named('capacity', width, dark));
  });

  test(`versions are told with image, patch level and advisories, at ${width} px${dark ? ', dark' : ''}`, async () => {
    const server = await startServer({ 'GET /brokerd/v1/engine-versions': VERSIONS });
    const page = await openPage(server, '/operator/versions', { width, dark });
    await row(page, 'ActiveMQ 5.19').getByText('5.19.2').waitFor();
    await row(page, 'ActiveMQ 5.19').getByText('2 open').waitFor();
    await row(page, 'ActiveMQ 5.18').getByText('Not known').waitFor();
    await row(page, 'RabbitMQ 4.3').getByText('None open').waitFor();
    await page.getByRole('radio', { name: 'Select ActiveMQ 5.18' }).check();
    await page.getByText('The modules of this image are not known').waitFor();
    await page.getByText('The image has no launcher of brokerd').waitFor();
    await page.getByRole('radio', { name: 'Select ActiveMQ 5.19' }).check();
    await page.getByText('CVE-2026-39304').waitFor();
    await page.getByText('The launcher limits the size of frames.').waitFor();
    await page.getByRole('button', { name: 'Modules (3)' }).click();
    await page.getByText('9.4.58').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, named('versions', width, dark), { full: true });
  });

  test(`the health of brokerd is told, and why it is not ready, at ${width} px${dark ? ', dark' : ''}`, async () => {
    const server = await startServer({
      'GET /health/live': { status: 'ok' },
      'GET /health/ready': () => refused(503, 'ServiceUnavailableException', 'The task [alarms] is down.'),
      'GET /brokerd/v1/provisioners': PROVISIONERS,
    });
    const page = await openPage(server, '/operator/health', { width, dark });
    await page.getByText('The task [alarms] is down.').waitFor();
    await page.getByText('Not ready', { exact: true }).waitFor();
    await row(page, 'w-11111111').getByText('Lives').waitFor();
    await row(page, 'w-22222222').getByText('Dead', { exact: true }).waitFor();
    await row(page, 'orders').getByText('Runs (urgent)').waitFor();
    await row(page, 'stuck').getByText('Failed, tried again').waitFor();
    await page.getByText('100 more are not named here.').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, named('health', width, dark));
    server.answers['GET /health/ready'] = { status: 'ok' };
    await page.getByText('Ready', { exact: true }).waitFor();
    server.answers['GET /brokerd/v1/provisioners'] = {
      provisioners: [],
      passCounts: { running: 0, due: 0, retrying: 0, scheduled: 0 },
      passes: [],
    };
    await page.getByText('No provisioner lives.').waitFor();
    await page.getByText('Nothing is to be done.').waitFor();
  });

  test(`the authority’s certificates are told and can be fetched, at ${width} px${dark ? ', dark' : ''}`, async () => {
    const server = await startServer({
      'GET /brokerd/v1/ca.pem': () => ({ body: CA, headers: { 'content-type': 'application/x-pem-file' } }),
    });
    const page = await openPage(server, '/operator/certificates', { width, dark });
    await row(page, 'Issues now').getByText('56:B2:D9:BE').waitFor();
    await row(page, 'brokerd CA 2').getByText('2054').first().waitFor();
    await page.getByText('curl -fsSo ca.pem http://127.0.0.1:8642/brokerd/v1/ca.pem').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, named('certificates', width, dark));
    const loading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download ca.pem' }).click();
    assert.equal((await loading).suggestedFilename(), 'ca.pem');
    await page.getByRole('button', { name: 'Copy PEM: brokerd CA 2' }).click();
    await until('it is copied', async () => {
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      return copied.startsWith('-----BEGIN CERTIFICATE-----\nMIIBhDCC');
    });
  });
}

test('the tabs are in the address, by the keyboard too', async () => {
  const server = await startServer({
    ...accountsOf({}),
    'GET /brokerd/v1/capacity': () =>
      refused(503, 'ServiceUnavailableException', "No provisioner has reported its host's memory yet. Try again."),
  });
  const page = await openPage(server, '/operator');
  await page.getByRole('tab', { name: 'Accounts' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/operator/capacity');
  await page.getByText("No provisioner has reported its host's memory yet. Try again.").waitFor();
  await checkAccessibility(page);
  await page.goBack();
  await row(page, 'team-red').waitFor();
  await page.goto(`${server.url}/console/operator/nothing`);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
});

test('who is not the operator is told so', async () => {
  const server = await startServer(
    {
      'GET /brokerd/v1/accounts': () =>
        refused(403, 'AccessDeniedException', 'User: alice is not authorized because only the operator’s account may'),
    },
    { session: { isOperator: false } },
  );
  const page = await openPage(server, '/operator');
  await page.getByText('Only the operator’s account administers brokerd.').waitFor();
  await page.getByText('because only the operator’s account may').waitFor();
  await checkAccessibility(page);
});
