// Creating a broker: every step, what is wrong, by keyboard, what the server refuses.
import assert from 'node:assert/strict';
import test from 'node:test';
import { answers } from './create.answers.mjs';
import { world } from './support/iam.mjs';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';

const PASSWORD = 'correct-horse-battery';
const TAKEN = {
  attribute: 'brokerName',
  message: 'Broker named [taken] already exists. Specify a unique broker name.',
};
/** A server that has a broker named `taken`. */
const validate = ({ body }) => ({ body: { errors: body.brokerName === 'taken' ? [TAKEN] : [] } });

const title = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const settings = async (page) => {
  await title(page, 'Select broker engine');
  await press(page, 'Next');
  await title(page, 'Select deployment and storage');
  await press(page, 'Next');
  await title(page, 'Configure settings');
};
const enter = async (page, name = 'orders') => {
  await page.getByLabel('Broker name').fill(name);
  await page.getByLabel('Username').fill('alice');
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
};
/** What the page says below a field. Screen readers are told the same elsewhere. */
const said = (page, sentence) => page.locator('main').getByText(sentence, { exact: true }).first();
/** What is seen of the page is right. */
const looks = async (page, name) => {
  await checkAccessibility(page);
  await checkFits(page);
  await screenshot(page, name, { full: true });
};

for (const width of [1280, 390]) {
  test(`every step is told what is wrong, what it costs and what it is as code, at ${width} px`, async () => {
    const server = await startServer(answers({ 'POST /brokerd/v1/brokers/validate': validate }));
    const page = await openPage(server, '/brokers/create', { width });
    await title(page, 'Select broker engine');
    await page.getByText('213.24 USD').waitFor();
    await page.getByText('needs 4 GiB, 8 GiB free').waitFor();
    await page.getByText('Versions 5.19, 5.18.').waitFor();
    await looks(page, `create-engine-${width}`);
    await press(page, 'Next');
    await title(page, 'Select deployment and storage');
    await page.getByRole('radio', { name: 'Active/standby broker' }).check();
    await page.getByText('423.48 USD').waitFor();
    await looks(page, `create-deployment-${width}`);
    await press(page, 'Next');
    await title(page, 'Configure settings');
    assert.equal(await page.getByText('Enter a name 1 to 50 characters long.').count(), 0, 'nothing is wrong yet');
    await press(page, 'Next');
    await said(page, 'Enter a name 1 to 50 characters long.').waitFor();
    await said(page, 'The password does not keep all rules.').waitFor();
    await until('the first wrong field has the focus', () =>
      page.getByLabel('Broker name').evaluate((field) => field === document.activeElement),
    );
    await looks(page, `create-settings-wrong-${width}`);
    await enter(page, 'taken');
    await said(page, TAKEN.message).waitFor();
    await page.getByLabel('Broker name').fill('orders');
    await said(page, TAKEN.message).waitFor({ state: 'detached' });
    await page.getByText('The same request as code').click();
    for (const [tab, expected] of [
      ['AWS CLI', '--deployment-mode ACTIVE_STANDBY_MULTI_AZ'],
      ['boto3', 'DeploymentMode="ACTIVE_STANDBY_MULTI_AZ"'],
      ['Terraform', 'deployment_mode            = "ACTIVE_STANDBY_MULTI_AZ"'],
      ['CloudFormation', 'DeploymentMode: ACTIVE_STANDBY_MULTI_AZ'],
    ]) {
      await page.getByRole('tab', { name: tab }).click();
      const code = page.locator('pre:visible');
      await until(`${tab} shows the mode`, async () => (await code.innerText()).includes(expected));
      const shown = await code.innerText();
      assert.ok(!shown.includes(PASSWORD), `${tab} has no password`);
      await page.getByRole('button', { name: `Copy the text for ${tab}` }).click();
      await until(
        `${tab} is copied`,
        async () => (await page.evaluate(() => navigator.clipboard.readText())).trim() === shown.trim(),
      );
    }
    await looks(page, `create-settings-${width}`);
    await press(page, 'Next');
    await title(page, 'Review and create');
    await looks(page, `create-review-${width}`);
    await press(page, 'Create broker');
    await page.waitForURL('**/console/brokers/b-1');
    const { creatorRequestId, ...body } = server.calls.find(({ key }) => key === 'POST /v1/brokers').body;
    assert.match(creatorRequestId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(body, {
      brokerName: 'orders',
      engineType: 'ACTIVEMQ',
      engineVersion: '5.19',
      deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ',
      hostInstanceType: 'mq.m5.large',
      storageType: 'EFS',
      publiclyAccessible: false,
      autoMinorVersionUpgrade: true,
      users: [{ username: 'alice', password: PASSWORD, consoleAccess: true }],
    });
    await page.getByText('Broker orders is being created.').waitFor();
  });
}

/** Presses Tab until an element has the focus. */
async function tabTo(page, locator) {
  for (let presses = 0; presses < 120; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement).catch(() => false)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${locator} can't be reached by Tab`);
}

test('a cluster of RabbitMQ is created by keyboard alone', async () => {
  const server = await startServer(answers());
  const page = await openPage(server, '/brokers/create');
  await title(page, 'Select broker engine');
  const next = page.getByRole('button', { name: 'Next', exact: true });
  const activate = async (locator) => {
    await tabTo(page, locator);
    await page.keyboard.press('Enter');
  };
  await tabTo(page, page.getByRole('radio', { name: 'Apache ActiveMQ' }));
  await page.keyboard.press('ArrowRight');
  await activate(next);
  await title(page, 'Select deployment and storage');
  await tabTo(page, page.getByRole('radio', { name: 'Single-instance broker' }));
  await page.keyboard.press('ArrowRight');
  await page.getByRole('radio', { name: 'Cluster deployment', checked: true }).waitFor();
  await activate(next);
  await title(page, 'Configure settings');
  await tabTo(page, page.getByLabel('Broker name'));
  await page.keyboard.type('rabbits');
  await tabTo(page, page.getByRole('button', { name: /^Broker instance type/ }));
  await page.keyboard.press('Enter');
  await page.getByRole('option', { name: /mq.m7g.medium/ }).waitFor();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^Broker instance type.*mq.m7g.medium/ }).waitFor();
  await tabTo(page, page.getByLabel('Storage size per node, in GB'));
  await page.keyboard.type('10');
  await tabTo(page, page.getByLabel('Username'));
  await page.keyboard.type('admin');
  await activate(page.getByRole('button', { name: 'Generate a password' }));
  const password = await page.getByRole('textbox', { name: 'Password' }).inputValue();
  assert.match(password, /^[a-zA-Z0-9][a-zA-Z0-9\-_.~+]{23}$/);
  await tabTo(page, page.getByLabel('General logs'));
  await page.keyboard.press('Space');
  await activate(page.getByRole('button', { name: 'Add tag' }));
  await until('the new tag has the focus', () =>
    page.getByRole('textbox', { name: 'Key', exact: true }).evaluate((field) => field === document.activeElement),
  );
  await page.keyboard.type('team');
  await page.keyboard.press('Tab');
  await page.keyboard.type('platform');
  await activate(next);
  await title(page, 'Review and create');
  await activate(page.getByRole('button', { name: 'Create broker' }));
  await page.waitForURL('**/console/brokers/b-1');
  const { creatorRequestId: _, ...body } = server.calls.find(({ key }) => key === 'POST /v1/brokers').body;
  assert.deepEqual(body, {
    brokerName: 'rabbits',
    engineType: 'RABBITMQ',
    engineVersion: '4.3',
    deploymentMode: 'CLUSTER_MULTI_AZ',
    hostInstanceType: 'mq.m7g.medium',
    storageType: 'EBS',
    storageSize: 10,
    publiclyAccessible: false,
    autoMinorVersionUpgrade: true,
    users: [{ username: 'admin', password }],
    logs: { general: true },
    tags: { team: 'platform' },
  });
});

test('everything that the service takes can be chosen', async () => {
  const created = '2026-11-01T00:00:00Z';
  const made = {
    id: 'c-new',
    arn: 'a',
    name: 'shared',
    created,
    authenticationStrategy: 'simple',
    latestRevision: { revision: 1, created },
  };
  const server = await startServer(answers({ 'POST /v1/configurations': made }));
  const page = await openPage(server, '/brokers/create', { dark: true });
  await settings(page);
  await enter(page);
  await press(page, 'Add user');
  const second = page.getByRole('group', { name: 'User 2' });
  await second.getByLabel('Username').fill('alice');
  await second.getByRole('button', { name: 'Generate a password' }).click();
  await said(page, 'Another user has this name.').waitFor();
  await second.getByLabel('Username').fill('bob');
  await second.getByLabel('Groups').fill('readers, writers');
  await page.getByLabel('A new one with a name of its own').check();
  await page.getByLabel('Configuration name').fill('shared');
  await press(page, 'Create configuration');
  await page.getByText('Configuration shared was created.').waitFor();
  assert.deepEqual(server.calls.find(({ key }) => key === 'POST /v1/configurations').body, {
    name: 'shared',
    engineType: 'ACTIVEMQ',
    engineVersion: '5.19',
    authenticationStrategy: 'SIMPLE',
  });
  await page.getByRole('button', { name: /^An existing one/ }).click();
  assert.equal(await page.getByRole('option').count(), 1, 'only what is for this engine and version');
  await page.getByRole('option', { name: /tuned/ }).click();
  await page.getByRole('button', { name: /^Revision/ }).click();
  await page.getByRole('option', { name: '1: Auto-generated default' }).click();
  await page.getByLabel('Audit logs').check();
  await page.getByLabel('Public access').check();
  await page.getByRole('button', { name: /^Security groups/ }).click();
  await page.getByRole('option', { name: /office/ }).click();
  await page.keyboard.press('Escape');
  await page.getByLabel('Subnets').fill('subnet-1, subnet-2');
  await said(page, 'Enter one subnet, or none.').waitFor();
  await page.getByLabel('Subnets').fill('subnet-1');
  await page.getByLabel('Key of your own').check();
  await page.getByLabel('KMS key').fill('alias/mine');
  await page.getByLabel('Select day and time').check();
  await page.getByLabel('Time (24 hours)').fill('04:30');
  await page.getByRole('button', { name: /^Time zone/ }).click();
  await page.getByLabel('Find a time zone').fill('Berlin');
  await page.getByRole('option', { name: 'Europe/Berlin' }).click();
  await looks(page, 'create-settings-dark');
  await press(page, 'Next');
  await title(page, 'Review and create');
  await looks(page, 'create-review-dark');
  await press(page, 'Create broker');
  await page.waitForURL('**/console/brokers/b-1');
  const { users, creatorRequestId: _, ...body } = server.calls.find(({ key }) => key === 'POST /v1/brokers').body;
  assert.deepEqual(
    users.map(({ password: __, ...user }) => user),
    [
      { username: 'alice', consoleAccess: true },
      { username: 'bob', consoleAccess: false, groups: ['readers', 'writers'] },
    ],
  );
  assert.deepEqual(body, {
    brokerName: 'orders',
    engineType: 'ACTIVEMQ',
    engineVersion: '5.19',
    deploymentMode: 'SINGLE_INSTANCE',
    hostInstanceType: 'mq.m5.large',
    storageType: 'EFS',
    publiclyAccessible: true,
    autoMinorVersionUpgrade: true,
    configuration: { id: 'c-11111111-1111-4111-8111-111111111111', revision: 1 },
    logs: { general: false, audit: true },
    maintenanceWindowStartTime: { dayOfWeek: 'SUNDAY', timeOfDay: '04:30', timeZone: 'Europe/Berlin' },
    securityGroups: ['sg-0123456789abcdef0'],
    subnetIds: ['subnet-1'],
    encryptionOptions: { useAwsOwnedKey: false, kmsKeyId: 'alias/mine' },
  });
});

test('an earlier brokerd refuses at creation: the field is marked, and nothing that was entered is lost', async () => {
  let refusals = 2;
  const server = await startServer(
    answers({
      'POST /brokerd/v1/brokers/validate': () => refused(404, 'NotFoundException', 'No such operation.'),
      'GET /brokerd/v1/capacity': () => refused(403, 'ForbiddenException', 'No.'),
      'GET /brokerd/v1/security-groups': () => refused(403, 'ForbiddenException', 'No.'),
      'POST /v1/brokers': () => {
        refusals -= 1;
        if (refusals === 1) return refused(400, 'BadRequestException', 'The name is taken.', 'brokerName');
        if (refusals === 0) return refused(500, 'InternalServerErrorException', 'It broke.');
        return { body: { brokerArn: 'a', brokerId: 'b-1' } };
      },
    }),
  );
  const page = await openPage(server, '/brokers/create');
  await settings(page);
  await enter(page);
  assert.equal(await page.getByText('Capacity').count(), 0, 'what the person may not see is not there');
  await page.getByLabel('Security groups').fill('sg-1, sg-2');
  await press(page, 'Next');
  await title(page, 'Review and create');
  await press(page, 'Create broker');
  await title(page, 'Configure settings');
  await said(page, 'The name is taken.').waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Password' }).inputValue(), PASSWORD);
  await page.getByLabel('Broker name').fill('others');
  await said(page, 'The name is taken.').waitFor({ state: 'detached' });
  await press(page, 'Next');
  await title(page, 'Review and create');
  await press(page, 'Create broker');
  await said(page, 'It broke.').waitFor();
  await press(page, 'Create broker');
  await page.waitForURL('**/console/brokers/b-1');
  const calls = server.calls.filter(({ key }) => key === 'POST /v1/brokers').map(({ body }) => body);
  assert.deepEqual(
    calls.map(({ brokerName }) => brokerName),
    ['orders', 'others', 'others'],
  );
  assert.deepEqual(calls[0].securityGroups, ['sg-1', 'sg-2']);
  const [first, second, third] = calls.map(({ creatorRequestId }) => creatorRequestId);
  assert.notEqual(first, second, 'another request has another token');
  assert.equal(second, third, 'the same request has the same token');
  assert.equal(server.calls.filter(({ path }) => path.endsWith('/validate')).length, 1, 'it is asked for once');
});

test('leaving asks first once something was entered', async () => {
  const server = await startServer({ ...answers(), ...world().answers });
  const page = await openPage(server, '/account');
  await page.getByRole('link', { name: 'Brokers' }).first().waitFor();
  await page.evaluate(() => history.pushState(null, '', '/console/brokers/create'));
  await settings(page);
  await page.getByRole('button', { name: 'Cancel', exact: true }).waitFor();
  await page.getByLabel('Broker name').fill('orders');
  const dialog = page.getByRole('dialog', { name: 'Leave this page?' });
  await page.goBack();
  await dialog.getByRole('button', { name: 'Stay' }).click();
  assert.equal(await page.getByLabel('Broker name').inputValue(), 'orders');
  await press(page, 'Cancel');
  await dialog.waitFor();
  await checkAccessibility(page, { within: '[role=dialog]' });
  await dialog.getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('link', { name: 'Configurations' }).click();
  await dialog.getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('button', { name: 'Region: eu-central-1' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'us-east-1' }).click();
  await dialog.getByRole('button', { name: 'Stay' }).click();
  assert.equal(await page.getByLabel('Broker name').inputValue(), 'orders');
  await page.goBack();
  await dialog.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
});

test('until an image is there, the page says that nothing can be created, and looks again', async () => {
  let offered = [];
  const options = () => ({ body: { brokerInstanceOptions: offered, maxResults: 100 } });
  const server = await startServer(answers({ 'GET /v1/broker-instance-options': options }));
  const page = await openPage(server, '/brokers/create', { width: 390 });
  await page.getByText('No engine can be created here yet').waitFor();
  await checkAccessibility(page);
  offered = [
    {
      availabilityZones: [],
      engineType: 'ACTIVEMQ',
      hostInstanceType: 'mq.t3.micro',
      storageType: 'efs',
      supportedDeploymentModes: ['SINGLE_INSTANCE'],
      supportedEngineVersions: ['5.19'],
    },
  ];
  await title(page, 'Select broker engine');
  assert.equal(await page.getByRole('radio').count(), 1);
});

test('a directory authenticates the users of ActiveMQ', async () => {
  const server = await startServer(answers());
  const page = await openPage(server, '/brokers/create');
  await settings(page);
  await page.getByLabel('Broker name').fill('orders');
  await page.getByLabel('LDAP authentication and authorization').check();
  await press(page, 'Next');
  await said(page, 'Enter one or two host names.').waitFor();
  for (const [label, value] of [
    ['Hosts', 'ldap.example.org'],
    ['Service account username', 'cn=reader'],
    ['Service account password', 'secret'],
    ['User base', 'ou=people'],
    ['User search matching', '(uid={0})'],
    ['Role base', 'ou=groups'],
    ['Role search matching', '(member=uid={1})'],
  ]) {
    await page.getByRole('textbox', { name: label }).fill(value);
  }
  await looks(page, 'create-ldap');
  await press(page, 'Next');
  await title(page, 'Review and create');
  await press(page, 'Create broker');
  await page.waitForURL('**/console/brokers/b-1');
  const { body } = server.calls.find(({ key }) => key === 'POST /v1/brokers');
  assert.equal(body.authenticationStrategy, 'LDAP');
  assert.equal(body.users, undefined);
  assert.deepEqual(body.ldapServerMetadata, {
    hosts: ['ldap.example.org'],
    serviceAccountUsername: 'cn=reader',
    serviceAccountPassword: 'secret',
    userBase: 'ou=people',
    userSearchMatching: '(uid={0})',
    userSearchSubtree: false,
    roleBase: 'ou=groups',
    roleSearchMatching: '(member=uid={1})',
    roleSearchSubtree: false,
  });
});
