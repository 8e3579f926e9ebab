import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';

const CORE = 'http://activemq.apache.org/schema/core';
const ID = 'c-1234abcd-0000-4000-8000-000000000001';
const base64 = (text) => Buffer.from(text, 'utf8').toString('base64');
const text = (data) => Buffer.from(data, 'base64').toString('utf8');

const xml = (limit, more = '') => `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker schedulePeriodForDestinationPurge="10000" xmlns="${CORE}">
  <destinationPolicy>
    <policyMap>
      <policyEntries>
        <policyEntry gcInactiveDestinations="true" inactiveTimoutBeforeGC="600000" topic="&gt;">
          <pendingMessageLimitStrategy>
            <constantPendingMessageLimitStrategy limit="${limit}"/>
          </pendingMessageLimitStrategy>
        </policyEntry>
        <policyEntry gcInactiveDestinations="true" inactiveTimoutBeforeGC="600000" queue="&gt;"/>
      </policyEntries>
    </policyMap>
  </destinationPolicy>${more}
  <plugins/>
</broker>
`;

/** Configurations with their revisions, as the server has them. */
function world({ engineType = 'ActiveMQ', engineVersion = '5.18', contents = [xml(1000), xml(2000)] } = {}) {
  const about = {
    id: ID,
    arn: `arn:aws:mq:eu-central-1:123456789012:configuration:${ID}`,
    name: 'orders',
    engineType,
    engineVersion,
    authenticationStrategy: 'simple',
    created: '2026-11-01T09:00:00Z',
    tags: { team: 'red' },
  };
  const state = {
    revisions: contents.map((data, at) => ({
      data,
      created: `2026-11-0${at + 1}T10:00:00Z`,
      description: at === 0 ? 'Auto-generated default for orders' : 'Another limit',
    })),
    warnings: [],
    tags: about.tags,
    stored: (data) => data,
  };
  const view = (at) => {
    const { created, description } = state.revisions[at];
    return { revision: at + 1, created, ...(description ? { description } : {}) };
  };
  const described = () => ({ ...about, tags: state.tags, latestRevision: view(state.revisions.length - 1) });
  state.add = (data, description) => state.revisions.push({ data, description, created: '2026-11-20T10:00:00Z' });
  const brokers = [
    ['orders-eu', { current: { id: ID, revision: 1 }, history: [] }],
    ['orders-us', { current: { id: ID, revision: 1 }, pending: { id: ID, revision: 2 }, history: [] }],
    ['other', { current: { id: 'c-other', revision: 1 }, history: [] }],
  ].map(([brokerName, configurations], at) => ({
    brokerId: `b-${at}`,
    brokerArn: `arn:aws:mq:eu-central-1:123456789012:broker:${brokerName}:b-${at}`,
    brokerName,
    brokerState: 'RUNNING',
    engineType,
    deploymentMode: 'SINGLE_INSTANCE',
    hostInstanceType: 'mq.m5.large',
    created: '2026-11-01T09:00:00Z',
    configurations,
  }));
  state.answers = {
    'GET /v1/configurations': () => ({ body: { configurations: [described()], maxResults: 20, nextToken: 'more' } }),
    'GET /v1/broker-engine-types': {
      maxResults: 100,
      brokerEngineTypes: [
        { engineType: 'ACTIVEMQ', engineVersions: [{ name: '5.19' }, { name: '5.18' }] },
        { engineType: 'RABBITMQ', engineVersions: [{ name: '4.2' }, { name: '3.13' }] },
      ],
    },
    'GET /v1/configurations/{configuration-id}': ({ parameters }) =>
      parameters['configuration-id'] === ID ? { body: described() } : refused(404, 'NotFoundException', 'No such one.'),
    'GET /v1/configurations/{configuration-id}/revisions': () => ({
      body: {
        configurationId: ID,
        maxResults: 100,
        revisions: state.revisions.map((_, at) => view(at)),
        nextToken: 'x',
      },
    }),
    'GET /v1/configurations/{configuration-id}/revisions/{revision}': ({ parameters }) => {
      const { data, created } = state.revisions[Number(parameters.revision) - 1];
      return { body: { configurationId: ID, created, data: base64(data) } };
    },
    'PUT /v1/configurations/{configuration-id}': ({ body }) => {
      state.add(state.stored(text(body.data)), body.description);
      return { body: { ...described(), warnings: state.warnings } };
    },
    'POST /v1/tags/{arn}': ({ body }) => {
      state.tags = { ...state.tags, ...body.tags };
      return { status: 204 };
    },
    'DELETE /v1/tags/{arn}': ({ query }) => {
      const isLeft = ([key]) => !query.getAll('tagKeys').includes(key);
      state.tags = Object.fromEntries(Object.entries(state.tags).filter(isLeft));
      return { status: 204 };
    },
    'GET /brokerd/v1/brokers': ({ query }) => {
      const found = brokers.filter((one) => JSON.stringify(one.configurations).includes(query.get('configuration')));
      return { body: { brokers: found, total: found.length } };
    },
    'GET /v1/brokers': { brokerSummaries: brokers },
    'GET /v1/brokers/{broker-id}': ({ parameters }) => ({
      body: brokers.find(({ brokerId }) => brokerId === parameters['broker-id']),
    }),
  };
  return state;
}

/** The text of the editor. */
const content = (page) => page.getByRole('textbox', { name: /^Content of revision/ });

/** Replaces a text in the editor, as a person does: it is selected by the search and written over. */
async function write(page, written) {
  await content(page).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(written);
  // What is inserted without keys may leave the caret before it.
  await page.keyboard.press('Control+End');
}

for (const width of [1280, 390]) {
  test(`the list of configurations is shown, filtered and accessible at ${width} px`, async () => {
    const state = world();
    const server = await startServer(state.answers);
    const page = await openPage(server, '/configurations', { width });
    await page.getByRole('link', { name: 'orders', exact: true }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `configurations-list-${width}`);
    await page.getByPlaceholder('Find by name, ID or engine').fill('nothing such');
    await page.getByText('Nothing matches').waitFor();
    await page.getByRole('button', { name: 'Clear filter' }).last().click();
    await page.getByRole('link', { name: 'orders', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Create configuration' }).click();
    await page.getByRole('dialog').waitFor();
    await checkAccessibility(page);
    await screenshot(page, `configurations-create-${width}`);
  });

  test(`the pages of a configuration are accessible at ${width} px`, async () => {
    const state = world();
    const server = await startServer(state.answers);
    const page = await openPage(server, `/configurations/${ID}`, { width });
    await content(page).getByText('schedulePeriodForDestinationPurge').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `configurations-editor-${width}`, { full: true });
    await page.getByRole('tab', { name: 'Revision history' }).click();
    await page.getByText('Another limit').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `configurations-revisions-${width}`, { full: true });
    await page.getByRole('checkbox', { name: 'Choose revision 1' }).check({ force: true });
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('dialog').getByText('limit="2000"').first().waitFor();
    await checkAccessibility(page);
    await screenshot(page, `configurations-compare-${width}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'View: Revision 1' }).click();
    await page.getByRole('textbox', { name: 'Revision 1' }).waitFor();
    await checkAccessibility(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await page.getByRole('tab', { name: 'Brokers' }).click();
    await page.getByRole('link', { name: 'orders-us' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'other' }).count(), 0);
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `configurations-brokers-${width}`);
    await page.getByRole('tab', { name: 'Tags' }).click();
    await page.getByRole('textbox', { name: 'Key' }).first().waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `configurations-tags-${width}`);
  });

  test(`what was dropped is marked where it was, and the saved revision can be shown, at ${width} px`, async () => {
    const state = world();
    const server = await startServer(state.answers);
    const page = await openPage(server, `/configurations/${ID}`, { width });
    await content(page).getByText('schedulePeriodForDestinationPurge').waitFor();
    const more = '\n  <sslContext/>\n  <networkConnectors/>';
    const sent = xml(2000, more).replace('<broker ', '<broker brokerName="x" ');
    await write(page, sent);
    // As it is written.
    await until('marks', async () => (await page.locator('.cm-lintRange-warning').count()) === 2);
    state.stored = () => xml(2000, '\n  <networkConnectors/>');
    state.warnings = [
      { elementName: 'broker', attributeName: 'brokerName', reason: 'DISALLOWED_ATTRIBUTE_REMOVED' },
      { elementName: 'sslContext', reason: 'DISALLOWED_ELEMENT_REMOVED' },
    ];
    await page.getByRole('button', { name: 'Save as a new revision' }).click();
    await page.getByRole('dialog').getByLabel('Description').fill('With a context');
    await page.getByRole('dialog').getByText('<sslContext').first().waitFor();
    await checkAccessibility(page);
    await screenshot(page, `configurations-save-${width}`);
    const from = server.calls.length;
    await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
    const call = await server.called('PUT /v1/configurations/{configuration-id}', from);
    assert.equal(text(call.body.data), sent);
    assert.equal(call.body.description, 'With a context');
    await page.getByText('Revision 3 was saved without 2 parts of your text.').waitFor();
    await page.getByText('Attribute brokerName of broker is not permitted and was removed.').waitFor();
    await until('marks', async () => (await page.locator('.cm-lintRange-warning').count()) === 2);
    assert.deepEqual(await page.locator('.cm-lintRange-warning').allTextContents(), ['brokerName="x"', '<sslContext']);
    await checkAccessibility(page);
    await screenshot(page, `configurations-warnings-${width}`, { full: true });
    await page.getByRole('button', { name: 'Show what was saved' }).click();
    await until('the saved text', async () => !(await content(page).textContent()).includes('sslContext'));
  });
}

test('only the brokers of a configuration are looked at, or all of its engine where the list is not permitted', async () => {
  const server = await startServer(world().answers);
  const page = await openPage(server, `/configurations/${ID}/brokers`);
  await page.getByRole('link', { name: 'orders-us' }).waitFor();
  const looked = () => server.calls.filter(({ key }) => key === 'GET /v1/brokers/{broker-id}').length;
  assert.equal(looked(), 2);
  server.answers['GET /brokerd/v1/brokers'] = () =>
    refused(403, 'AccessDeniedException', 'alice is not authorized to perform: brokerd:ListBrokerDetails.');
  await page.reload();
  await page.getByRole('row', { name: /orders-us Running 1.* 2$/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'other' }).count(), 0);
  assert.equal(looked(), 5);
});

test('only what the schema permits is offered at the cursor', async () => {
  const server = await startServer(world().answers);
  const page = await openPage(server, `/configurations/${ID}`);
  await content(page).getByText('schedulePeriodForDestinationPurge').waitFor();
  await write(page, `<broker xmlns="${CORE}"><plugins><`);
  await page.keyboard.press('Control+Space');
  const offered = page.locator('.cm-tooltip-autocomplete li');
  const read = async () => (await offered.allTextContents()).map((name) => name.trim());
  // What was offered while the text was written may still be there.
  await until('elements', async () => (await read()).includes('authorizationPlugin'));
  const names = await read();
  assert.ok(!names.includes('bean') && !names.includes('policyEntry'), names.join());
  await page.keyboard.press('Escape');
  await write(page, `<broker xmlns="${CORE}" p`);
  await page.keyboard.press('Control+Space');
  const isOffered = async (start) => (await offered.allTextContents()).some((name) => name.startsWith(start));
  await until('attributes', () => isOffered('persistent'));
  assert.ok(!(await offered.allTextContents()).some((name) => name.includes('brokerName')));
  await write(page, `<broker xmlns="${CORE}" persistent="`);
  await page.keyboard.press('Control+Space');
  await until('values', async () => (await offered.allTextContents()).join() === 'false,true');
  await screenshot(page, 'configurations-completion');
});

test('a configuration of RabbitMQ is edited with the permitted keys, and its faults are marked', async () => {
  const state = world({ engineType: 'RabbitMQ', engineVersion: '4.2', contents: ['# defaults\n'] });
  const server = await startServer(state.answers);
  const page = await openPage(server, `/configurations/${ID}`, { dark: true });
  await content(page).getByText('# defaults').waitFor();
  await write(page, 'heartbeat = 5\nnonsense = 1\nvhost_m');
  await page.keyboard.press('Control+Space');
  // A click: keys are ignored for the first moments of the list, so that nobody chooses by accident.
  await page.locator('.cm-tooltip-autocomplete').getByText('vhost_max').click();
  await page.keyboard.insertText('10');
  await until('the completed key', async () => (await content(page).textContent()).includes('vhost_max = 10'));
  await until('marks', async () => (await page.locator('.cm-lintRange-error').count()) === 2);
  await checkAccessibility(page);
  await screenshot(page, 'configurations-rabbitmq-dark');
  state.answers['PUT /v1/configurations/{configuration-id}'] = refused(
    400,
    'BadRequestException',
    'The specified RabbitMQ configuration data is invalid: line 2: [nonsense] can’t be set.',
    'data',
  );
  server.answers['PUT /v1/configurations/{configuration-id}'] = () =>
    state.answers['PUT /v1/configurations/{configuration-id}'];
  await page.getByRole('button', { name: 'Save as a new revision' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('This content was refused, and nothing was saved.').waitFor();
  await page.getByRole('button', { name: 'Line 2' }).click();
  assert.ok((await content(page).textContent()).includes('vhost_max = 10'), 'what was written stays');
});

test('a stale form does not overwrite what somebody else saved', async () => {
  const state = world();
  const server = await startServer(state.answers);
  const page = await openPage(server, `/configurations/${ID}`);
  await content(page).getByText('schedulePeriodForDestinationPurge').waitFor();
  await write(page, xml(3000));
  state.add(xml(5000), 'By somebody else');
  // Somebody whose machine is slow is told before the button is pressed.
  await page.getByRole('button', { name: 'Save as a new revision' }).click({ force: true });
  await page.getByText('Revision 3 was saved meanwhile').waitFor();
  assert.ok(!server.calls.some(({ method }) => method === 'PUT'));
  assert.ok(await page.getByRole('button', { name: 'Save as a new revision' }).isDisabled());
  await screenshot(page, 'configurations-newer');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await page.getByRole('dialog').getByText('limit="5000"').first().waitFor();
  await checkAccessibility(page);
  await screenshot(page, 'configurations-newer-compare');
  await page.getByRole('dialog').getByRole('button', { name: 'Keep mine' }).click();
  const from = server.calls.length;
  await page.getByRole('button', { name: 'Save as a new revision' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click();
  const call = await server.called('PUT /v1/configurations/{configuration-id}', from);
  assert.equal(text(call.body.data), xml(3000));
  await page.getByText('Revision 4 was saved.').waitFor();
});

test('changes survive another tab and are discarded only when asked', async () => {
  const server = await startServer(world().answers);
  const page = await openPage(server, `/configurations/${ID}`);
  await content(page).getByText('schedulePeriodForDestinationPurge').waitFor();
  await write(page, xml(3000));
  await page.getByRole('tab', { name: 'Revision history' }).click();
  await page.getByText('Another limit').waitFor();
  await page.getByRole('tab', { name: 'Editor' }).click();
  await page.getByText('Changed since revision 2').waitFor();
  assert.ok((await content(page).textContent()).includes('limit="3000"'));
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await until('the stored text', async () => (await content(page).textContent()).includes('limit="2000"'));
});

test('rolling back makes a new revision with the old content', async () => {
  const state = world();
  const server = await startServer(state.answers);
  const page = await openPage(server, `/configurations/${ID}/revisions`);
  await page.getByRole('checkbox', { name: 'Choose revision 1' }).check({ force: true });
  await page.getByRole('button', { name: 'Roll back' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('limit="1000"').first().waitFor();
  assert.equal(await dialog.getByLabel('Description').inputValue(), 'Roll back to revision 1');
  await checkAccessibility(page);
  await screenshot(page, 'configurations-roll-back');
  const from = server.calls.length;
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  const call = await server.called('PUT /v1/configurations/{configuration-id}', from);
  assert.equal(text(call.body.data), xml(1000));
  await page.getByText('Revision 3 has the content of revision 1.').waitFor();
  await page.getByText('3 (latest)').waitFor();
});

test('a configuration is created with the chosen engine, and a refusal marks its field', async () => {
  const state = world();
  let made;
  state.answers['POST /v1/configurations'] = ({ body }) => {
    if (body.name === 'a b') return refused(400, 'BadRequestException', 'Names have no blanks.', 'name');
    made = body;
    const created = '2026-11-01T09:00:00Z';
    const latestRevision = { revision: 1, created };
    return { body: { id: ID, arn: 'arn', name: body.name, created, authenticationStrategy: 'simple', latestRevision } };
  };
  const server = await startServer(state.answers);
  const page = await openPage(server, '/configurations');
  await page.getByRole('button', { name: 'Create configuration' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('a b');
  await dialog.getByLabel('RabbitMQ').check();
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await dialog.getByText('Names have no blanks.').waitFor();
  await dialog.getByLabel('Name').fill('limits');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByText('Configuration limits was created.').waitFor();
  assert.deepEqual(made, {
    name: 'limits',
    engineType: 'RABBITMQ',
    authenticationStrategy: 'SIMPLE',
    engineVersion: '4.2',
  });
});

test('tags are changed, and a configuration is deleted by its name', async () => {
  const state = world();
  let isDeleted = false;
  state.answers['DELETE /v1/configurations/{configuration-id}'] = () => {
    isDeleted = true;
    return { body: { configurationId: ID } };
  };
  const server = await startServer(state.answers);
  const page = await openPage(server, `/configurations/${ID}/tags`);
  await page.getByRole('textbox', { name: 'Value' }).first().fill('blue');
  await page.getByRole('button', { name: 'Add tag' }).click();
  await page.getByRole('textbox', { name: 'Key' }).nth(1).fill('stage');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('The tags were saved.').waitFor();
  assert.deepEqual(state.tags, { team: 'blue', stage: '' });
  await page.getByRole('button', { name: 'Remove team' }).click();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await until('the tag is gone', () => !('team' in state.tags));
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await checkAccessibility(page);
  await screenshot(page, 'configurations-delete');
  assert.ok(await dialog.getByRole('button', { name: 'Delete', exact: true }).isDisabled());
  await dialog.getByRole('textbox').fill('orders');
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('Configuration orders was deleted.').waitFor();
  assert.ok(isDeleted);
});
