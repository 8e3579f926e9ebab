// All pages, one after the other: they fit wide screens, and are readable in the dark.
import assert from 'node:assert/strict';
import test from 'node:test';
import { listOf, manyBrokers } from './brokers.data.mjs';
import { answers as creation } from './create.answers.mjs';
import { accountsOf, CA, CAPACITY, PROVISIONERS, VERSIONS } from './operator.data.mjs';
import { ID, pair, settingsServer, WAITING } from './settings-fixtures.mjs';
import { destinations, queues } from './support/destinations.mjs';
import { world } from './support/iam.mjs';
import { checkAccessibility, checkFits, openPage, screenshot, until } from './support/index.mjs';
import { lines, logs } from './support/logs.mjs';
import { monitoring } from './support/monitoring.mjs';
import { report } from './support/report.mjs';

const CONFIGURATION = 'c-11111111-1111-4111-8111-111111111111';
const BROKER = ['', 'connections', 'queues', 'monitoring', 'logs', 'users', 'settings', 'network', 'tags'];
const PAGES = [
  '/',
  '/brokers/create',
  ...[...BROKER, 'report', 'faults', 'danger'].map((tab) => `/brokers/${ID}/${tab}`),
  '/configurations',
  ...['editor', 'revisions', 'brokers', 'tags'].map((tab) => `/configurations/${CONFIGURATION}/${tab}`),
  ...['users', 'groups', 'roles', 'policies', 'simulator', 'usage', 'audit', 'access'].map((tab) => `/account/${tab}`),
  '/calculator',
  ...['accounts', 'capacity', 'versions', 'health', 'certificates'].map((tab) => `/operator/${tab}`),
];

/** A server that answers all pages. */
async function everything() {
  const broker = { ...pair(WAITING), deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ' };
  const described = ['GET /v1/brokers/{broker-id}', 'GET /brokerd/v1/brokers/{broker-id}'];
  const created = creation();
  const others = {
    ...Object.fromEntries(Object.entries(created).filter(([key]) => !key.includes('{broker-id}'))),
    ...accountsOf({}),
    ...world().answers,
    ...monitoring(broker),
    ...destinations(broker, queues()),
    ...logs(broker, lines(50)),
    'GET /v1/configurations/{configuration-id}': {
      id: CONFIGURATION,
      arn: `arn:aws:mq:eu-central-1:123456789012:configuration:${CONFIGURATION}`,
      name: 'tuned',
      engineType: 'ActiveMQ',
      engineVersion: '5.19',
      authenticationStrategy: 'simple',
      created: '2026-11-01T00:00:00Z',
      latestRevision: { revision: 2, created: '2026-11-02T00:00:00Z' },
      tags: { team: 'red' },
    },
    'GET /v1/configurations/{configuration-id}/revisions/{revision}': {
      configurationId: CONFIGURATION,
      created: '2026-11-02T00:00:00Z',
      data: Buffer.from('<broker xmlns="http://activemq.apache.org/schema/core"/>\n').toString('base64'),
    },
    'GET /v1/brokers/{broker-id}/users/{username}': ({ parameters }) => ({
      body: { brokerId: ID, username: parameters.username, consoleAccess: true, groups: ['readers'] },
    }),
    'GET /brokerd/v1/brokers': listOf(manyBrokers(30)),
    'GET /brokerd/v1/brokers/{broker-id}/report': report,
    'GET /brokerd/v1/capacity': CAPACITY,
    'GET /brokerd/v1/provisioners': PROVISIONERS,
    'GET /brokerd/v1/engine-versions': VERSIONS,
    'GET /brokerd/v1/ca.pem': () => ({ body: CA, headers: { 'content-type': 'application/x-pem-file' } }),
    'GET /health/live': { status: 'ok' },
    'GET /health/ready': { status: 'ok' },
    'GET /console/calculator': created['GET /brokerd/v1/cost/estimate'],
  };
  for (const key of [...described, 'GET /brokerd/v1/security-groups', 'GET /brokerd/v1/brokers/{broker-id}/faults']) {
    delete others[key];
  }
  return settingsServer(broker, others);
}

for (const [width, dark] of [
  [2560, true],
  [768, false],
]) {
  test(`all pages fit ${width} px${dark ? ' and can be read in the dark' : ''}`, async () => {
    const server = await everything();
    const page = await openPage(server, '/', { width, dark });
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    for (const address of PAGES) {
      await page.evaluate((path) => history.pushState(null, '', `/console${path}`), address);
      await until(`${address} is there`, async () => {
        const isThere = (await page.locator('main h1, main h2').count()) > 0;
        return isThere && (await page.locator('main').getByText('Loading', { exact: false }).count()) === 0;
      });
      const problem = page.locator('main').getByText(/There is no such|This did not work|You are not allowed/);
      assert.equal(await problem.count(), 0, `${address}: ${await page.locator('main').innerText()}`);
      await checkFits(page);
      // What is light is looked at by the tests of each page.
      if (dark) await checkAccessibility(page);
      await screenshot(page, `pages-${address.replaceAll('/', '-').replace(ID, 'broker')}-${width}`);
    }
    assert.deepEqual(server.unanswered, []);
  });
}
