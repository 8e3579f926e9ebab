// A broker's page: header, actions, banners, overview with its history.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ACTIVEMQ_ID,
  activemq,
  activemqInside,
  answersOf,
  RABBITMQ_ID,
  rabbitmq,
  rabbitmqInside,
} from './support/brokers.mjs';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';

const WIDTHS = [1280, 390];

async function shown(page, name) {
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

async function checked(page, name) {
  await checkAccessibility(page);
  await checkFits(page);
  await screenshot(page, name, { full: true });
}

for (const width of WIDTHS) {
  test(`the overview tells what a broker is, which instance serves and what happened, at ${width} px`, async () => {
    const server = await startServer(answersOf(activemq, activemqInside));
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { width });
    await shown(page, 'events');
    await page.getByText('ActiveMQ 5.19.2').first().waitFor();
    const instances = page.getByRole('table', { name: /Instances/ });
    await instances.getByRole('row', { name: /1.*Standby.*Stands by/ }).waitFor();
    await instances.getByRole('row', { name: /2.*Active.*Serves/ }).waitFor();
    await page.getByText('Failover: instance 2 took over from instance 1', { exact: true }).waitFor();
    await page.getByText('Clients were not served for 2.7 s: the engine did not answer').waitFor();
    await page.getByText(/Creation was requested: ActiveMQ 5\.19.* took 50 s/).waitFor();
    await checked(page, `broker-overview-${width}`);
    await page.getByRole('button', { name: '6 events' }).click();
    await page.getByText('+2.7 s: instance 1 was killed; starting it again').waitFor();
    assert.match(await page.title(), /^events/);
  });

  test(`open advisories are told with what is done about them, at ${width} px`, async () => {
    const server = await startServer(answersOf(activemq, activemqInside));
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { width });
    await page.getByRole('button', { name: '2 open advisories' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('CVE-2026-53916').waitFor();
    await dialog.getByText('no connector is NIO').waitFor();
    await checkAccessibility(page);
    await screenshot(page, `broker-advisories-${width}`);
  });

  test(`what waits is told beside what is, and a reboot says what clients notice, at ${width} px`, async () => {
    let state = 'RUNNING';
    const broker = () =>
      activemq({
        brokerState: state,
        pendingHostInstanceType: 'mq.m5.xlarge',
        users: [{ username: 'ann' }, { username: 'carol', pendingChange: 'CREATE' }],
      });
    const server = await startServer({
      ...answersOf(broker, activemqInside),
      'POST /v1/brokers/{broker-id}/reboot': () => {
        state = 'REBOOT_IN_PROGRESS';
        return { body: {} };
      },
    });
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { width });
    await page.getByText('2 changes wait for a reboot').waitFor();
    await page.getByRole('button', { name: 'What changes, and what clients notice' }).click();
    await page.getByRole('row', { name: 'Instance type mq.m5.large mq.m5.xlarge' }).waitFor();
    await checked(page, `broker-pending-${width}`);
    await page.getByRole('button', { name: 'Reboot now' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The standby is replaced first and takes over then.', { exact: false }).waitFor();
    await checkAccessibility(page);
    await screenshot(page, `broker-reboot-${width}`);
    await dialog.getByRole('button', { name: 'Reboot', exact: true }).click();
    await page.getByText('The broker is being rebooted').waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
  });

  test(`a broker that comes up says what it waits for, live, at ${width} px`, async () => {
    let inside = activemqInside({
      verdict: 'waiting for instance 1 to serve',
      availability: undefined,
      running: undefined,
      instances: [{ instance: 1, health: 'STARTING', since: new Date().toISOString(), failedBoots: 1, outOfMemory: 0 }],
    });
    let state = 'CREATION_IN_PROGRESS';
    const broker = () => activemq({ brokerState: state, ...(state === 'RUNNING' ? {} : { brokerInstances: [] }) });
    const events = [{ at: new Date().toISOString(), kind: 'request', message: 'CreateBroker accepted: ActiveMQ 5.19' }];
    const server = await startServer({
      ...answersOf(broker, () => inside),
      'GET /brokerd/v1/brokers/{broker-id}/events': { events },
      'GET /brokerd/v1/brokers/{broker-id}/report': { outages: [], failovers: [], restarts: [] },
    });
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { width });
    await page.getByText('Now: waiting for instance 1 to serve').waitFor();
    await page.getByText(/for \d+ s so far/).waitFor();
    await checked(page, `broker-creating-${width}`);
    inside = activemqInside();
    state = 'RUNNING';
    server.send('broker', { brokerId: ACTIVEMQ_ID, change: 'CHANGED' });
    await page.getByText('Clients are served').waitFor();
    assert.equal(await page.getByText('Now: waiting').count(), 0);
  });

  test(`a creation that failed says why and what to do, at ${width} px`, async () => {
    const info = 'not enough memory: brokers may use 4096 MiB of memory together, 3072 MiB are in use';
    const broker = () =>
      activemq({
        brokerState: 'CREATION_FAILED',
        brokerInstances: [],
        actionsRequired: [{ actionRequiredCode: 'BROKER_CREATION_FAILED', actionRequiredInfo: info }],
      });
    const verdict = `creation failed: ${info}`;
    const inside = () => activemqInside({ instances: [], running: undefined, availability: undefined, verdict });
    const server = await startServer({
      ...answersOf(broker, inside),
      'GET /brokerd/v1/brokers/{broker-id}/events': {
        events: [
          { at: '2026-11-29T08:03:00Z', kind: 'failure', message: `creation failed: ${info}` },
          { at: '2026-11-29T08:02:40Z', kind: 'request', message: 'CreateBroker accepted: ActiveMQ 5.19' },
        ],
      },
      'GET /brokerd/v1/brokers/{broker-id}/report': refusedReport,
    });
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { width });
    await page.getByText('The broker could not be created').waitFor();
    await page.getByText(info, { exact: true }).first().waitFor();
    await page.getByText('delete the broker, and create it again', { exact: false }).waitFor();
    await checked(page, `broker-creation-failed-${width}`);
  });

  test(`every action that is required has its own words and ways out, at ${width} px`, async () => {
    const actionsRequired = [
      ['BROKER_CHANGES_NOT_APPLIED', 'the engine does not boot: unknown element <brokre>'],
      ['RABBITMQ_MEMORY_ALARM', 'memory use is over the watermark'],
      ['BROKER_ON_FIRE', 'a later brokerd says this'],
    ].map(([actionRequiredCode, actionRequiredInfo]) => ({ actionRequiredCode, actionRequiredInfo }));
    const broker = () => rabbitmq({ brokerState: 'CRITICAL_ACTION_REQUIRED', actionsRequired });
    const inside = () =>
      rabbitmqInside({
        availability: 'UNAVAILABLE',
        verdict: 'instance 1 does not answer',
        linksDown: [{ link: 'shovel orders in /', why: 'connection refused' }],
      });
    const server = await startServer(answersOf(broker, inside));
    const page = await openPage(server, `/brokers/${RABBITMQ_ID}`, { width });
    await page.getByText('The last reboot could not apply what waited').waitFor();
    await page.getByText('RabbitMQ has too little memory and blocks publishers').waitFor();
    await page.getByText('The broker needs something of you (BROKER_ON_FIRE)').waitFor();
    await page.getByText('shovel orders in /: connection refused').waitFor();
    await page.getByText('Why: instance 1 does not answer', { exact: false }).waitFor();
    await checked(page, `broker-actions-required-${width}`);
    // The service refuses reboots while the alarm is raised.
    const again = page.getByRole('button', { name: 'Reboot to try again' });
    assert.equal(await again.getAttribute('aria-disabled'), 'true');
  });

  test(`a deletion asks for the name and leaves the page when it has ended, at ${width} px`, async () => {
    let state = 'RUNNING';
    const server = await startServer({
      ...answersOf(() => activemq({ brokerState: state }), activemqInside),
      'GET /v1/brokers/{broker-id}': () =>
        state
          ? { body: activemq({ brokerState: state }) }
          : refused(404, 'NotFoundException', 'Cannot find broker ID.'),
      'DELETE /v1/brokers/{broker-id}': () => {
        state = 'DELETION_IN_PROGRESS';
        return { body: { brokerId: ACTIVEMQ_ID } };
      },
      'GET /brokerd/v1/brokers': { brokers: [], total: 0 },
      'GET /v1/brokers': { brokerSummaries: [] },
      'GET /v1/broker-instance-options': { brokerInstanceOptions: [] },
    });
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { width });
    await page.getByRole('button', { name: 'Actions', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Delete broker' });
    await dialog.getByText('All messages and queues, with the volume that holds them').waitFor();
    await dialog.getByText('All users and their passwords (1)').waitFor();
    assert.ok(await confirm.isDisabled());
    await checkAccessibility(page);
    await screenshot(page, `broker-delete-${width}`);
    await dialog.getByRole('textbox').fill('events');
    await confirm.click();
    await page.getByText('The broker is being deleted').waitFor();
    state = undefined;
    await page.getByText('events is deleted.').waitFor();
    assert.equal(new URL(page.url()).pathname, '/console/');
  });
}

function refusedReport() {
  return refused(403, 'ForbiddenException', 'User is not authorized to perform brokerd:GetBrokerReport');
}

test('the tabs are in the address, and keys move between them', async () => {
  const server = await startServer(answersOf(activemq, activemqInside));
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/connections`);
  await page.getByRole('tab', { name: 'Connections', selected: true }).waitFor();
  await page.getByRole('tab', { name: 'Overview' }).click();
  await until('the address is that of the overview', () => page.url().endsWith(`/brokers/${ACTIVEMQ_ID}`));
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tab', { name: 'Connections', selected: true }).waitFor();
  await until('the address is that of the connections', () => page.url().endsWith('/connections'));
  const focused = await page.evaluate(() => document.activeElement.textContent);
  assert.equal(focused, 'Connections', 'the focus stays on the tabs');
  await page.goBack();
  await page.getByRole('tab', { name: 'Overview', selected: true }).waitFor();
});

test('older events are read when they are asked for', async () => {
  const told = (from) =>
    Array.from({ length: 15 }, (_, at) => ({
      at: new Date(Date.UTC(2026, 10, 29, 8) - (from + at) * 60_000).toISOString(),
      kind: 'request',
      message: `UpdateBroker accepted: change ${from + at}`,
    }));
  const server = await startServer({
    ...answersOf(activemq, activemqInside),
    'GET /brokerd/v1/brokers/{broker-id}/report': { outages: [], failovers: [], restarts: [] },
    'GET /brokerd/v1/brokers/{broker-id}/events': ({ query }) => ({
      body: query.get('nextToken') === 'older' ? { events: told(15) } : { events: told(0), nextToken: 'older' },
    }),
  });
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`);
  const more = page.getByRole('button', { name: 'Show more' });
  await page.getByText('A change was requested: change 9', { exact: true }).waitFor();
  assert.equal(server.calls.filter(({ query }) => query.get('nextToken')).length, 0);
  await more.click();
  await page.getByText('A change was requested: change 29', { exact: true }).waitFor();
  await more.waitFor({ state: 'hidden' });
  assert.equal(await page.getByText('A change was requested: change', { exact: false }).count(), 30);
});

test('a broker that is not there is said so', async () => {
  const missing = refused(404, 'NotFoundException', 'Cannot find broker ID [b-x].');
  const server = await startServer({ 'GET /v1/brokers/{broker-id}': () => missing });
  const page = await openPage(server, '/brokers/b-x');
  await shown(page, 'There is no such broker in this region');
  await checkAccessibility(page);
});

test('a principal that may not look is told why', async () => {
  const why = 'User: ann is not authorized to perform: mq:DescribeBroker';
  const server = await startServer({ 'GET /v1/brokers/{broker-id}': () => refused(403, 'ForbiddenException', why) });
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`);
  await page.getByText('You are not allowed to see or do this.').waitFor();
  await page.getByText(why, { exact: false }).waitFor();
});

test('a refused reboot stays in its dialog with the reason', async () => {
  const why = 'Broker [events] can’t be rebooted while in state [REBOOT_IN_PROGRESS]';
  const server = await startServer({
    ...answersOf(activemq, activemqInside),
    'POST /v1/brokers/{broker-id}/reboot': () => refused(400, 'BadRequestException', why),
  });
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`);
  await page.getByRole('button', { name: 'Actions', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Reboot' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reboot', exact: true }).click();
  await page.getByRole('dialog').getByText(why, { exact: false }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.getByRole('dialog').count(), 0);
});

test('the overview and its dialogs are readable in the dark', async () => {
  const server = await startServer(answersOf(activemq, activemqInside));
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}`, { dark: true });
  await page.getByText('Failover: instance 2 took over from instance 1', { exact: true }).waitFor();
  await checked(page, 'broker-overview-dark');
});
