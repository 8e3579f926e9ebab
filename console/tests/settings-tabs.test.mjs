// The network, the tags, the faults and the danger zone of a broker.
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, until } from './support/index.mjs';
import { cluster, FAULT_LIST, faults, group, ID, pair, settingsServer, SPARE, WAITING } from './settings-fixtures.mjs';

const UPDATE = 'PUT /v1/brokers/{broker-id}';
const GROUP = '/brokerd/v1/security-groups/{security-group-id}';
const GROUPS = '/brokerd/v1/security-groups';
const TAGS = '/v1/tags/{resource-arn}';
const FAULTS = '/brokerd/v1/brokers/{broker-id}/faults';
const PANEL = '[role=tabpanel]:not([hidden])';
const DIALOG = '[role=dialog]';

async function opened(server, tab, heading, options) {
  const page = await openPage(server, `/brokers/${ID}/${tab}`, options);
  await page.getByRole('heading', { name: heading }).first().waitFor();
  return page;
}

const bodies = (server, key) => server.calls.filter((call) => call.key === key).map(({ body }) => body);

async function looked(page, name, within = PANEL, full = true) {
  await checkAccessibility(page, { within });
  await checkFits(page);
  await screenshot(page, name, { full });
}

for (const width of [1280, 390]) {
  test(`groups show their rules and who uses them, and an address is judged by them, at ${width} px`, async () => {
    const server = await settingsServer(pair());
    const page = await opened(server, 'network', 'All security groups', { width });
    const panel = page.locator(PANEL);
    const all = panel.getByRole('table', { name: 'All security groups' });
    await all.getByText('61617 (OpenWire) from 10.0.0.0/8').waitFor();
    await all.getByRole('link', { name: 'orders' }).waitFor();
    const own = panel.getByRole('table', { name: 'Security groups of this broker' });
    await own.getByText('Not defined here: filters nothing').waitFor();
    await page.getByLabel('Address of the client').fill('10.1.2');
    await page.getByText('Enter an IPv4 or IPv6 address.').waitFor();
    await page.getByLabel('Address of the client').fill('10.1.2.3');
    const verdicts = panel.getByRole('table', { name: 'Does this address get in?' });
    await verdicts.getByText('office permits 61617 (OpenWire) from 10.0.0.0/8').waitFor();
    const rows = (await verdicts.getByRole('row').allInnerTexts()).slice(1).map((row) => row.split(/\s*\t\s*|\n+/));
    assert.deepEqual(
      rows.map(([protocol, port, verdict]) => `${protocol} ${port} ${verdict}`),
      [
        'OpenWire 61617 Yes',
        'AMQP 5671 No',
        'STOMP 61614 No',
        'MQTT 8883 No',
        'WebSocket 61619 No',
        'Web console 8162 No',
      ],
    );
    await looked(page, `network-${width}`);
  });

  test(`a group is made with its rules, and what is wrong is said of the rule, at ${width} px`, async () => {
    const server = await settingsServer(pair());
    const message = 'Security group named [branch] already exists. Specify a unique name.';
    server.answers[`POST ${GROUPS}`] = () => refused(409, 'ConflictException', message, 'name');
    const page = await opened(server, 'network', 'All security groups', { width });
    await page.getByRole('button', { name: 'Create group' }).click();
    const dialog = page.getByRole('dialog', { name: 'Create a security group' });
    await dialog.getByRole('button', { name: 'Add rule' }).click();
    await dialog.getByLabel('Source').fill('10.0.0.0');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('Enter a name.').waitFor();
    await dialog.getByText('Enter a range such as 10.0.0.0/8 or fd00::/8.').waitFor();
    assert.deepEqual(bodies(server, `POST ${GROUPS}`), []);
    await dialog.getByLabel('Name').fill('branch');
    await dialog.getByLabel('Source').fill('0.0.0.0/0');
    await dialog.getByText('This rule lets every address in.').waitFor();
    await looked(page, `network-create-${width}`, DIALOG, false);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText(message).waitFor();
    server.answers[`POST ${GROUPS}`] = ({ body }) => {
      server.groups = [...server.groups, group({ ...body, securityGroupId: 'sg-3', brokers: [] })];
      return { body: server.groups[2] };
    };
    await dialog.getByLabel('Name').fill('branch 2');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The group branch 2 was saved. Its rules hold for new connections.').waitFor();
    assert.deepEqual(bodies(server, `POST ${GROUPS}`)[1], {
      name: 'branch 2',
      rules: [{ protocol: 'tcp', fromPort: 5671, toPort: 5671, cidr: '0.0.0.0/0' }],
    });
    await page.locator(PANEL).getByText('sg-3').waitFor();
  });
}

test('rules that somebody changed meanwhile are shown before they are replaced', async () => {
  const theirs = group({ rules: [{ protocol: 'tcp', fromPort: 1, toPort: 2, cidr: '172.16.0.0/12' }] });
  const server = await settingsServer(pair(), {
    [`GET ${GROUP}`]: theirs,
    [`PUT ${GROUP}`]: ({ body }) => ({ body: group(body) }),
  });
  const page = await opened(server, 'network', 'All security groups');
  const all = page.locator(PANEL).getByRole('table', { name: 'All security groups' });
  await all.getByRole('button', { name: 'Edit office' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit office' });
  await dialog.getByRole('button', { name: 'Remove rule 2' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('1–2 from 172.16.0.0/12').waitFor();
  assert.deepEqual(bodies(server, `PUT ${GROUP}`), []);
  await looked(page, 'network-stale-1280', DIALOG, false);
  await dialog.getByRole('button', { name: 'Replace by mine' }).click();
  await page.getByText('The group office was saved.', { exact: false }).waitFor();
  assert.deepEqual(bodies(server, `PUT ${GROUP}`), [
    { rules: [{ protocol: 'tcp', fromPort: 61617, toPort: 61617, cidr: '10.0.0.0/8', description: 'applications' }] },
  ]);
});

test('groups are attached and detached on the list that the broker has by then', async () => {
  const server = await settingsServer(pair());
  server.answers[UPDATE] = ({ body }) => {
    server.broker = pair({ securityGroups: body.securityGroups });
    return { body: { brokerId: ID, ...body } };
  };
  const page = await opened(server, 'network', 'Security groups of this broker');
  await page.getByRole('button', { name: 'Attach group' }).click();
  const dialog = page.getByRole('dialog', { name: 'Attach a security group' });
  await dialog.getByRole('button', { name: /Security group/ }).click();
  await page.getByRole('option', { name: /monitoring/ }).click();
  await dialog.getByText('0–65535 (All of TCP) from fd00::/8').waitFor();
  await checkAccessibility(page, { within: DIALOG });
  // Another session attaches one, too.
  server.broker = pair({ securityGroups: ['sg-0123456789abcdef0', 'sg-label', 'sg-of-another'] });
  await dialog.getByRole('button', { name: 'Attach group' }).click();
  await page.getByText('monitoring was attached.').waitFor();
  const own = page.locator(PANEL).getByRole('table', { name: 'Security groups of this broker' });
  await own.getByRole('button', { name: 'Detach sg-label' }).click();
  await page.getByRole('dialog', { name: 'Detach sg-label?' }).getByRole('button', { name: 'Detach' }).click();
  await page.getByText('sg-label was detached.').waitFor();
  assert.deepEqual(bodies(server, UPDATE), [
    { securityGroups: ['sg-0123456789abcdef0', 'sg-label', 'sg-of-another', SPARE.securityGroupId] },
    { securityGroups: ['sg-0123456789abcdef0', 'sg-of-another', SPARE.securityGroupId] },
  ]);
});

test('a group is deleted by its name, and not while a broker uses it', async () => {
  const server = await settingsServer(pair(), { [`DELETE ${GROUP}`]: () => ({ status: 204 }) });
  const page = await opened(server, 'network', 'All security groups');
  const all = page.locator(PANEL).getByRole('table', { name: 'All security groups' });
  assert.equal(await all.getByRole('button', { name: 'Delete office' }).getAttribute('aria-disabled'), 'true');
  await all.getByRole('button', { name: 'Delete monitoring' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete monitoring?' });
  await dialog.getByRole('textbox').fill('monitoring');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('The group monitoring was deleted.').waitFor();
});

test('the groups of RabbitMQ are fixed, and public brokers have none', async () => {
  const server = await settingsServer(cluster());
  const page = await opened(server, 'network', 'Security groups of this broker');
  await page.getByText('Public brokers of RabbitMQ have no security groups, as in the service.').waitFor();
  server.change({ publiclyAccessible: false, securityGroups: ['sg-0123456789abcdef0'] });
  const attach = page.getByRole('button', { name: 'Attach group' });
  await attach.waitFor();
  assert.equal(await attach.getAttribute('aria-disabled'), 'true');
});

for (const width of [1280, 390]) {
  test(`of tags only differences are sent, within the service’s limits, at ${width} px`, async () => {
    const server = await settingsServer(pair());
    Object.assign(server.answers, {
      [`GET ${TAGS}`]: () => ({ body: { tags: server.broker.tags } }),
      [`POST ${TAGS}`]: ({ body }) => {
        server.broker = pair({ tags: { ...server.broker.tags, ...body.tags } });
        return { status: 204 };
      },
      [`DELETE ${TAGS}`]: ({ query }) => {
        const tags = { ...server.broker.tags };
        for (const key of query.getAll('tagKeys')) delete tags[key];
        server.broker = pair({ tags });
        return { status: 204 };
      },
    });
    const page = await opened(server, 'tags', 'Tags', { width });
    await page.getByText('You can add 48 more.').waitFor();
    await page.getByRole('button', { name: 'Remove tag stage' }).click();
    await page.getByRole('button', { name: 'Add tag' }).click();
    const key = page.getByRole('textbox', { name: 'Key' }).last();
    await key.fill('aws:owner');
    await page.getByText('Keys that begin with aws: are reserved.').waitFor();
    await looked(page, `tags-${width}`);
    await page.getByRole('button', { name: 'Save changes' }).click();
    await key.fill('cost-centre');
    await page
      .getByRole('textbox', { name: /^Value/ })
      .last()
      .fill('4711');
    await page.getByText('1 to set, 1 to remove').waitFor();
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('The tags were saved.').waitFor();
    assert.deepEqual(bodies(server, `POST ${TAGS}`), [{ tags: { 'cost-centre': '4711' } }]);
    const removals = server.calls.filter(({ key }) => key === `DELETE ${TAGS}`);
    assert.deepEqual(
      removals.map(({ query }) => query.getAll('tagKeys')),
      [['stage']],
    );
    assert.equal(removals[0].parameters['resource-arn'], pair().brokerArn);
  });
}

test('a tag that somebody else changed meanwhile is asked about', async () => {
  const server = await settingsServer(pair(), { [`POST ${TAGS}`]: () => ({ status: 204 }) });
  server.answers[`GET ${TAGS}`] = () => ({ body: { tags: { team: 'billing', stage: 'test' } } });
  const page = await opened(server, 'tags', 'Tags');
  await page
    .getByRole('textbox', { name: /^Value/ })
    .first()
    .fill('platform');
  await page.getByRole('button', { name: 'Save changes' }).click();
  const table = page.getByRole('table', { name: 'The tags have changed meanwhile' });
  assert.match((await table.getByRole('row').allInnerTexts())[1], /team\s+payments\s+billing\s+platform/);
  assert.deepEqual(bodies(server, `POST ${TAGS}`), []);
  await looked(page, 'tags-stale-1280');
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('The tags were saved.').waitFor();
  assert.deepEqual(bodies(server, `POST ${TAGS}`), [{ tags: { team: 'platform' } }]);
});

for (const width of [1280, 390]) {
  test(`a fault counts down, is ended early, and those before are listed, at ${width} px`, async () => {
    const server = await settingsServer(pair(), {
      [`DELETE ${FAULTS}/{fault-id}`]: ({ parameters }) => {
        server.faults = faults().map((one) => (one.id === parameters['fault-id'] ? { ...one, state: 'HEALING' } : one));
        return { body: server.faults[0] };
      },
    });
    server.faults = faults();
    const page = await opened(server, 'faults', 'Under way', { width });
    await page.getByText(/^Time left: [78]:\d\d$/).waitFor();
    const table = page.locator(PANEL).getByRole('table', { name: 'History' });
    const [, newest] = await table.getByRole('row').allInnerTexts();
    assert.match(newest, /Latency\s+200 ms and up to 50 ms more[^]*1 min 1 s\s+healed/);
    await looked(page, `faults-${width}`);
    await page.getByRole('button', { name: 'End now: Freeze' }).click();
    await page.getByText('Being undone', { exact: true }).waitFor();
  });

  test(`a fault says what clients notice before it is started, at ${width} px`, async () => {
    const server = await settingsServer(pair(), {
      [`POST ${FAULTS}`]: ({ body }) => {
        server.faults = [{ ...faults()[0], id: 'f-9', kind: body.kind, zone: body.zone }];
        return { status: 201, body: server.faults[0] };
      },
    });
    const page = await opened(server, 'faults', 'Under way', { width });
    await page.getByRole('button', { name: 'Start a fault' }).click();
    const dialog = page.getByRole('dialog', { name: 'Disturb orders' });
    await dialog.getByText(/^All connections break once\. The standby serves after about 2 seconds\./).waitFor();
    assert.equal(await dialog.getByRole('radio', { name: /Fill the disk/ }).isDisabled(), true);
    await looked(page, `faults-start-${width}`, DIALOG, false);
    await dialog.getByRole('radio', { name: /Zone outage/ }).click();
    await dialog.getByLabel('Duration in seconds').fill('4000');
    await dialog.getByRole('button', { name: 'Start the fault' }).click();
    await dialog.getByText('Enter a whole number from 1 to 3600.').waitFor();
    await dialog.getByLabel('Duration in seconds').fill('60');
    await dialog.getByRole('button', { name: /^Availability zone/ }).click();
    await page.getByRole('option', { name: /eu-central-1b/ }).click();
    await dialog.getByRole('button', { name: 'Start the fault' }).click();
    await page.getByText('Zone outage: the fault begins within moments.').waitFor();
    assert.deepEqual(bodies(server, `POST ${FAULTS}`), [
      { kind: 'ZONE_OUTAGE', zone: 'eu-central-1b', durationSeconds: 60 },
    ]);
    await page.getByRole('heading', { name: 'Zone outage' }).waitFor();
  });
}

test('where faults are disabled it is said how to enable them', async () => {
  const server = await settingsServer(pair(), { [`GET ${FAULTS}`]: { ...FAULT_LIST, enabled: false } });
  const page = await opened(server, 'faults', 'Under way');
  await page.getByText('BROKERD_FAULTS_ENABLED=true').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Start a fault' }).getAttribute('aria-disabled'), 'true');
  await looked(page, 'faults-disabled-1280');
});

for (const width of [1280, 390]) {
  test(`deleting names what is lost and what stays, and asks for the name, at ${width} px`, async () => {
    const server = await settingsServer(pair(WAITING), {
      'DELETE /v1/brokers/{broker-id}': () => {
        server.broker = pair({ brokerState: 'DELETION_IN_PROGRESS', users: [] });
        return { body: { brokerId: ID } };
      },
    });
    const page = await opened(server, 'danger', 'Delete the broker', { width });
    const panel = page.locator(PANEL);
    await panel.getByRole('row', { name: 'Instance type mq.m5.large mq.m5.xlarge' }).waitFor();
    await panel.getByText('All messages and queues, with the volume that holds them').waitFor();
    await panel.getByText('The name orders can be used again when everything is removed').waitFor();
    await looked(page, `danger-${width}`);
    await panel.getByRole('button', { name: 'Delete broker' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete orders?' });
    const remove = dialog.getByRole('button', { name: 'Delete broker' });
    await dialog.getByRole('textbox').fill('order');
    assert.equal(await remove.isDisabled(), true);
    await looked(page, `danger-delete-${width}`, DIALOG, false);
    await dialog.getByRole('textbox').fill('orders');
    await remove.click();
    await page.getByText('orders is being deleted.').waitFor();
    await page.getByText('The broker is being deleted', { exact: true }).waitFor();
  });
}

test('an alarm of RabbitMQ forbids a reboot, and it is said', async () => {
  const action = { actionRequiredCode: 'RABBITMQ_MEMORY_ALARM', actionRequiredInfo: 'Consume messages.' };
  const server = await settingsServer(cluster({ brokerState: 'CRITICAL_ACTION_REQUIRED', actionsRequired: [action] }));
  const page = await opened(server, 'danger', 'Delete the broker');
  const panel = page.locator(PANEL);
  await panel.getByText('RabbitMQ’s alarm RABBITMQ_MEMORY_ALARM forbids a reboot. Settle it first.').waitFor();
  assert.equal(await panel.getByRole('button', { name: 'Reboot', exact: true }).isDisabled(), true);
});
