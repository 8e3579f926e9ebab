// The settings of a broker: what waits, the form, its review, changes of others meanwhile, reboots.
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, until } from './support/index.mjs';
import { cluster, ID, pair, settingsServer, WAITING } from './settings-fixtures.mjs';

const UPDATE = 'PUT /v1/brokers/{broker-id}';
const REBOOT = 'POST /v1/brokers/{broker-id}/reboot';
/** The panel of the tab: around it is the page of the broker. */
const PANEL = '[role=tabpanel]:not([hidden])';

async function opened(server, options) {
  const page = await openPage(server, `/brokers/${ID}/settings`, options);
  await page.getByRole('heading', { name: 'Engine and instance' }).waitFor();
  return page;
}

async function editing(page) {
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await page.getByRole('button', { name: 'Review changes' }).waitFor();
}

/** Chooses an option of a select, by its label and the beginning of the option. */
async function choose(page, label, option) {
  await page.getByRole('button', { name: new RegExp(`^${label}`) }).click();
  await page.getByRole('option', { name: option }).click();
}

const calls = (server, key) => server.calls.filter((call) => call.key === key);

for (const width of [1280, 390]) {
  test(`what waits stands beside what is, with what the reboot does, at ${width} px`, async () => {
    const server = await settingsServer(pair(WAITING));
    const page = await opened(server, { width });
    const table = page.locator(PANEL).getByRole('table', { name: 'Pending changes' });
    await table.getByText('orders-configuration, revision 3').waitFor();
    const rows = await table.getByRole('row').allInnerTexts();
    assert.deepEqual(
      rows.slice(1).map((row) => row.split(/\s*\t\s*|\n+/).slice(0, 3)),
      [
        ['Engine version', '5.18', '5.19'],
        ['Instance type', 'mq.m5.large', 'mq.m5.xlarge'],
        ['Configuration', 'orders-configuration, revision 2', 'orders-configuration, revision 3'],
        ['User billing', 'Does not exist', 'Is created'],
      ],
    );
    const panel = page.locator(PANEL);
    await panel.getByText(/The standby is replaced first/).waitFor();
    await panel
      .getByText(/the maintenance window opens on .* 07:31|window is open until/)
      .first()
      .waitFor();
    await panel.getByText('Tuesday 06:31–08:31').waitFor();
    await panel.getByText('Tuesday 07:31–09:31').waitFor();
    await checkAccessibility(page, { within: PANEL });
    await checkFits(page);
    await screenshot(page, `settings-${width}`, { full: true });
  });

  test(`only what was changed is sent, after a review, at ${width} px`, async () => {
    const server = await settingsServer(pair(), { [UPDATE]: { brokerId: ID } });
    const page = await opened(server, { width });
    await editing(page);
    await choose(page, 'Engine version', /^5\.19/);
    await choose(page, 'Revision', /^Revision 3/);
    await page.getByLabel('Audit logs').click();
    await page.getByLabel('Start').fill('07:00');
    await page.getByText('In your zone (Europe/Berlin): Tuesday 08:00–10:00.').waitFor();
    await checkAccessibility(page, { within: PANEL });
    await checkFits(page);
    await screenshot(page, `settings-form-${width}`, { full: true });
    await page.getByRole('button', { name: 'Review 4 changes' }).click();
    const dialog = page.getByRole('dialog', { name: 'Review changes' });
    const waiting = dialog.getByRole('table', { name: 'In force with the next reboot' });
    await waiting.getByText('5.19', { exact: true }).waitFor();
    await dialog.getByRole('table', { name: 'In force at once' }).getByText('Tuesday 07:00 UTC').waitFor();
    await checkAccessibility(page, { within: '[role=dialog]' });
    await screenshot(page, `settings-review-${width}`);
    await dialog.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('The changes of orders were saved. Those that need a reboot wait for it.').waitFor();
    const [update, ...more] = calls(server, UPDATE);
    assert.deepEqual(more, []);
    assert.deepEqual(update.body, {
      engineVersion: '5.19',
      configuration: { id: 'c-00000000-0000-4000-8000-000000000001', revision: 3 },
      logs: { audit: true },
      maintenanceWindowStartTime: { dayOfWeek: 'TUESDAY', timeOfDay: '07:00', timeZone: 'UTC' },
    });
    assert.deepEqual(calls(server, REBOOT), []);
  });
}

test('a form that is older than the broker overwrites nothing unasked', async () => {
  const server = await settingsServer(pair(), { [UPDATE]: { brokerId: ID } });
  const page = await opened(server);
  await editing(page);
  await choose(page, 'Engine version', /^5\.19/);
  await page.getByLabel('General logs').click();
  await page.getByRole('button', { name: 'Review 2 changes' }).click();
  const review = page.getByRole('dialog', { name: 'Review changes' });
  await review.waitFor();
  // Nobody tells of it: the form finds out by itself before it sends.
  server.broker = pair({ pendingEngineVersion: '5.20', pendingHostInstanceType: 'mq.m5.xlarge' });
  await review.getByRole('button', { name: 'Save changes' }).click();
  const stale = page.getByRole('dialog', { name: 'The broker has changed meanwhile' });
  const rows = await stale.getByRole('row').allInnerTexts();
  assert.deepEqual(
    rows.slice(1).map((row) => row.split(/\s*\t\s*|\n+/)),
    [
      ['Engine version', '5.18', '5.20', '5.19'],
      ['Instance type', 'mq.m5.large', 'mq.m5.xlarge', 'Not changed by you'],
    ],
  );
  assert.deepEqual(calls(server, UPDATE), []);
  await checkAccessibility(page, { within: '[role=dialog]' });
  await screenshot(page, 'settings-stale-1280');
  await stale.getByRole('button', { name: 'Take theirs' }).click();
  await page.getByRole('button', { name: 'Review 1 change' }).click();
  await page.getByRole('dialog', { name: 'Review changes' }).getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Those that need a reboot wait for it.', { exact: false }).waitFor();
  assert.deepEqual(
    calls(server, UPDATE).map(({ body }) => body),
    [{ logs: { general: true } }],
  );
});

test('an event tells of a change while the form is open, and what the person insists on is sent', async () => {
  const server = await settingsServer(pair(), { [UPDATE]: { brokerId: ID } });
  const page = await opened(server);
  await editing(page);
  await choose(page, 'Engine version', /^5\.19/);
  server.change({ pendingEngineVersion: '5.20' });
  await page.getByText('Somebody has changed the broker since you opened this form.').waitFor();
  await page.getByRole('button', { name: 'Show the difference' }).click();
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByRole('button', { name: 'Review 1 change' }).click();
  await page.getByRole('dialog', { name: 'Review changes' }).getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Those that need a reboot wait for it.', { exact: false }).waitFor();
  assert.deepEqual(
    calls(server, UPDATE).map(({ body }) => body),
    [{ engineVersion: '5.19' }],
  );
});

test('the server’s errorAttribute marks the field, and what was entered stays', async () => {
  const message = 'Storage size [40] is invalid for host instance type [mq.m7g.large]. Specify a multiple of [5].';
  const server = await settingsServer(cluster(), {
    [UPDATE]: () => refused(400, 'BadRequestException', message, 'storageSize'),
  });
  const page = await opened(server);
  await editing(page);
  await page.getByLabel('Storage per node').fill('12');
  await page.getByRole('button', { name: 'Review 1 change' }).click();
  await page.getByText('Enter 0 or a multiple of 5.').waitFor();
  assert.deepEqual(calls(server, UPDATE), [], 'what is wrong for sure is not sent');
  await page.getByLabel('Storage per node').fill('40');
  await page.getByRole('button', { name: 'Review 1 change' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save changes' }).click();
  await page.getByText(message).waitFor();
  const field = page.getByLabel('Storage per node');
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  assert.equal(await field.inputValue(), '40');
  await until('the field has the focus', () => field.evaluate((input) => input === document.activeElement));
  await checkAccessibility(page, { within: PANEL });
});

test('an error without a field is shown in the review', async () => {
  const message = 'Maintenance window cannot be modified greater than 4 times.';
  const server = await settingsServer(pair(), { [UPDATE]: () => refused(400, 'BadRequestException', message) });
  const page = await opened(server);
  await editing(page);
  await choose(page, 'Day', 'Friday');
  await page.getByRole('button', { name: 'Review 1 change' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save changes' }).click();
  await page.getByRole('dialog').getByText(message, { exact: false }).waitFor();
});

test('versions and types that can’t be chosen say why', async () => {
  const server = await settingsServer(pair());
  const page = await opened(server);
  await editing(page);
  await page.getByRole('button', { name: /^Engine version/ }).click();
  await page.getByRole('option', { name: /5\.17.*Older than 5\.18/ }).waitFor();
  assert.equal(await page.getByRole('option', { name: /5\.17/ }).getAttribute('aria-disabled'), 'true');
  await page.getByRole('option', { name: /5\.19.*No open advisory/ }).waitFor();
  await screenshot(page, 'settings-versions-1280');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Instance type/ }).click();
  await page.getByRole('option', { name: /mq\.t3\.micro.*Not for this deployment mode/ }).waitFor();
});

test('a directory is sent as a whole, and its members are asked for', async () => {
  const server = await settingsServer(pair(), { [UPDATE]: { brokerId: ID } });
  const page = await opened(server, { width: 390 });
  await editing(page);
  await page.getByLabel('LDAP directory').click();
  await page.getByLabel('Directory servers').fill('ldap.example.com');
  await page.getByRole('button', { name: /^Review \d+ changes/ }).click();
  await until('the missing members are marked', async () => (await page.getByText('Enter a value.').count()) === 6);
  for (const [label, value] of [
    ['Base of the users', 'ou=users'],
    ['Filter that finds a user', '(uid={0})'],
    ['Base of the groups', 'ou=groups'],
    ['Filter that finds a user’s groups', '(member={0})'],
    ['Service account', 'cn=svc'],
    ['Password of the service account', 'a secret of its own'],
  ]) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
  await checkAccessibility(page, { within: PANEL });
  await checkFits(page);
  await screenshot(page, 'settings-ldap-390', { full: true });
  await page.getByRole('button', { name: /^Review \d+ changes/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Review changes' });
  await dialog.getByText('••••••••').waitFor();
  assert.equal(await dialog.getByText('a secret of its own').count(), 0);
  await dialog.getByRole('button', { name: 'Save changes' }).click();
  const { body } = await server.called(UPDATE, 0);
  assert.deepEqual(body, {
    authenticationStrategy: 'LDAP',
    ldapServerMetadata: {
      hosts: ['ldap.example.com'],
      userBase: 'ou=users',
      userSearchMatching: '(uid={0})',
      userSearchSubtree: false,
      roleBase: 'ou=groups',
      roleSearchMatching: '(member={0})',
      roleSearchSubtree: false,
      serviceAccountUsername: 'cn=svc',
      serviceAccountPassword: 'a secret of its own',
    },
  });
});

test('a change that waits is taken back by what is in force', async () => {
  const server = await settingsServer(pair(WAITING), { [UPDATE]: { brokerId: ID } });
  const page = await opened(server);
  const panel = page.locator(PANEL);
  await panel.getByRole('button', { name: 'Take back: Configuration' }).click();
  await page.getByText('Configuration: the change was taken back.').waitFor();
  const body = { configuration: { id: 'c-00000000-0000-4000-8000-000000000001', revision: 2 } };
  assert.deepEqual(
    calls(server, UPDATE).map((call) => call.body),
    [body],
  );
  // A user that would be created, but not one that would be changed.
  const DELETE = 'DELETE /v1/brokers/{broker-id}/users/{username}';
  server.answers[DELETE] = {};
  await panel.getByRole('button', { name: 'Take back: User billing' }).click();
  const { parameters } = await server.called(DELETE, 0);
  assert.equal(parameters.username, 'billing');
  server.change({ users: [{ username: 'billing', pendingChange: 'UPDATE' }] });
  await panel
    .getByRole('row', { name: /User billing/ })
    .getByText('Has the new password')
    .waitFor();
  assert.equal(await panel.getByRole('button', { name: 'Take back: User billing' }).count(), 0);
});

for (const width of [1280, 390]) {
  test(`a reboot says what it does and what it applies before it is done, at ${width} px`, async () => {
    const server = await settingsServer(cluster({ pendingEngineVersion: '4.3' }), { [REBOOT]: {} });
    const page = await opened(server, { width });
    await page.locator(PANEL).getByRole('button', { name: 'Reboot now' }).click();
    const dialog = page.getByRole('dialog', { name: 'Reboot events?' });
    await dialog.getByText(/All nodes are stopped and recreated/).waitFor();
    await dialog.getByText('Messages in memory are lost.', { exact: false }).waitFor();
    await dialog.getByRole('row', { name: 'Engine version 4.2 4.3' }).waitFor();
    assert.equal(calls(server, REBOOT).length, 0);
    await checkAccessibility(page, { within: '[role=dialog]' });
    await screenshot(page, `settings-reboot-${width}`);
    await dialog.getByRole('button', { name: 'Reboot', exact: true }).click();
    await page.getByText('The reboot of events has begun.').waitFor();
    assert.equal(calls(server, REBOOT).length, 1);
  });
}

test('saving may go on to the reboot, which is asked about all the same', async () => {
  const server = await settingsServer(pair(), { [REBOOT]: {} });
  server.answers[UPDATE] = () => {
    server.broker = pair({ pendingEngineVersion: '5.19' });
    return { body: { brokerId: ID, engineVersion: '5.19' } };
  };
  const page = await opened(server);
  await editing(page);
  await choose(page, 'Engine version', /^5\.19/);
  await page.getByRole('button', { name: 'Review 1 change' }).click();
  await page.getByLabel('Right after saving').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save changes' }).click();
  const dialog = page.getByRole('dialog', { name: 'Reboot orders?' });
  await dialog.getByRole('row', { name: 'Engine version 5.18 5.19' }).waitFor();
  assert.equal(calls(server, REBOOT).length, 0);
  await dialog.getByRole('button', { name: 'Reboot', exact: true }).click();
  await page.getByText('The reboot of orders has begun.').waitFor();
  assert.equal(calls(server, REBOOT).length, 1);
});

test('a broker that is rebooting can be neither changed nor rebooted', async () => {
  const server = await settingsServer(pair({ ...WAITING, brokerState: 'REBOOT_IN_PROGRESS' }));
  const page = await opened(server);
  const panel = page.locator(PANEL);
  assert.equal(await panel.getByRole('button', { name: 'Reboot now' }).isDisabled(), true);
  assert.equal(await panel.getByRole('button', { name: 'Edit', exact: true }).getAttribute('aria-disabled'), 'true');
});

test('the settings are readable in the dark', async () => {
  const server = await settingsServer(pair(WAITING));
  const page = await opened(server, { dark: true });
  await page.locator(PANEL).getByText('orders-configuration, revision 3').first().waitFor();
  await checkAccessibility(page, { within: PANEL });
  await screenshot(page, 'settings-dark-1280');
});
