import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';
import { alarm, CLUSTER, ID, monitoring, PAIR } from './support/monitoring.mjs';

const TAB = `/brokers/${ID}/monitoring`;
const HERE = { within: '[role=tabpanel]' };
const DIALOG = { within: '[role=dialog]' };
const graph = (page, title) => page.getByRole('application', { name: title, exact: true });
const choose = async (page, label, option) => {
  await page.getByRole('button', { name: new RegExp(`^${label} `) }).click();
  await page.getByRole('option', { name: option }).first().click();
};

for (const width of [1280, 390]) {
  test(`graphs of a cluster at ${width} px have gaps, markers and thresholds`, async () => {
    const server = await startServer(monitoring(CLUSTER, [alarm()]));
    const page = await openPage(server, TAB, { width });
    await page.getByRole('heading', { name: 'Message rates' }).waitFor();
    await graph(page, 'Messages').waitFor();
    // A line for each side of the gap, of three metrics.
    const paths = page.locator('.mon-plot').first().locator('path[aria-hidden]');
    await until('the lines', async () => (await paths.count()) >= 6);
    await page.getByText('Alarm orders-deep 300').waitFor();
    await page.getByText('Failover (1)').waitFor();
    await page.getByText('Fault (1)').waitFor();
    await checkFits(page);
    const stickOut = () =>
      page.locator('.mon-plot').evaluateAll((plots) => {
        const right = (element) => element.getBoundingClientRect().right;
        const sticksOut = (plot) => [...plot.querySelectorAll('svg')].some((svg) => right(svg) > right(plot) + 1);
        return plots.filter(sticksOut).length;
      });
    await until('graphs are as wide as their frames', async () => (await stickOut()) === 0);
    await screenshot(page, `monitoring-${width}`, { full: true });
    await checkAccessibility(page, HERE);

    await page.getByRole('button', { name: 'Show Messages as a table' }).click();
    const table = page.getByRole('table', { name: 'Messages, values' });
    await table.getByRole('columnheader', { name: 'MessageReadyCount' }).waitFor();
    await page.getByRole('button', { name: 'What happened' }).click();
    const happened = page.getByRole('table', { name: 'What happened' });
    await happened.getByText('Failover from instance 1 to 2, 1.4 s').waitFor();
    await happened.getByText('Fault: kill, instance 1').waitFor();
    await checkFits(page);
    await screenshot(page, `monitoring-tables-${width}`, { full: true });
    await checkAccessibility(page, HERE);
  });
}

test('instances of a pair are compared, and a topic, a range and a statistic are chosen', async () => {
  const server = await startServer(monitoring(PAIR));
  const page = await openPage(server, TAB, { dark: true });
  await page.getByText('CpuUtilization (orders-2)').waitFor();
  await screenshot(page, 'monitoring-pair-dark', { full: true });
  await choose(page, 'Of', 'Topic');
  await page.getByText('Choose what to show the metrics of.').waitFor();
  await choose(page, 'Topic', 'prices');
  await page.getByRole('heading', { name: 'Messages moved in a minute' }).waitFor();
  await choose(page, 'Statistic', 'Maximum');
  await page.getByRole('button', { name: /Last 3 hours/ }).click();
  await page.getByText('Last 455 days').click();
  await screenshot(page, 'monitoring-range');
  await checkAccessibility(page, DIALOG);
  await page.getByRole('button', { name: 'Apply' }).click();
  const statOf = ({ body }) => body.MetricDataQueries[0].MetricStat;
  const asked = () => server.calls.filter(({ key }) => key === 'monitoring:GetMetricData').map(statOf);
  const MetricStat = await until('days are asked for', () => asked().find(({ Period }) => Period === 86_400));
  assert.equal(MetricStat.Stat, 'Maximum');
  assert.deepEqual(
    MetricStat.Metric.Dimensions.map(({ Name, Value }) => `${Name}=${Value}`),
    ['Broker=orders-1', 'Topic=prices'],
  );
});

test('an alarm is made on a metric of a graph, with its rules checked', async () => {
  const alarms = [];
  const server = await startServer({
    ...monitoring(CLUSTER, alarms),
    'monitoring:PutMetricAlarm': ({ body }) => {
      alarms.push(alarm({ ...body, StateValue: 'INSUFFICIENT_DATA' }));
      return { body: {} };
    },
  });
  const page = await openPage(server, TAB);
  await page.getByRole('button', { name: 'Create an alarm on Memory' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Create alarm' }).click();
  await page.getByText('Enter a number.').waitFor();
  await page.getByLabel('Threshold').fill('3000000000');
  await page.getByLabel('Periods in alarm').fill('4');
  await page.getByText('Not more than the periods evaluated.').waitFor();
  await page.getByLabel('Periods in alarm').fill('2');
  await page.getByLabel('Topics notified of the alarm').fill('arn:aws:sns:eu-central-1:123456789012:on-call');
  await screenshot(page, 'alarm-form');
  await checkAccessibility(page, DIALOG);
  await page.getByRole('dialog').getByRole('button', { name: 'Create alarm' }).click();
  const { body } = await server.called('monitoring:PutMetricAlarm', 0);
  assert.deepEqual(body, {
    AlarmName: 'orders-RabbitMQMemUsed',
    Namespace: 'AWS/AmazonMQ',
    MetricName: 'RabbitMQMemUsed',
    Dimensions: [{ Name: 'Broker', Value: 'orders' }],
    Statistic: 'Average',
    Period: 60,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 3_000_000_000,
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
    TreatMissingData: 'missing',
    ActionsEnabled: true,
    OKActions: [],
    InsufficientDataActions: [],
    AlarmActions: ['arn:aws:sns:eu-central-1:123456789012:on-call'],
  });
  await page.getByText('The alarm orders-RabbitMQMemUsed is saved.').waitFor();
  await page.getByText('(1 alarm)').waitFor();
});

test('alarms have a history, and are deleted by name', async () => {
  const alarms = [alarm(), alarm({ AlarmName: 'other', Dimensions: [{ Name: 'Broker', Value: 'other' }] })];
  const server = await startServer({
    ...monitoring(CLUSTER, alarms),
    'monitoring:DescribeAlarmHistory': {
      AlarmHistoryItems: [
        {
          AlarmName: 'orders-deep',
          AlarmType: 'MetricAlarm',
          Timestamp: Date.now() / 1000,
          HistoryItemType: 'StateUpdate',
          HistorySummary: 'Alarm updated from OK to ALARM',
          HistoryData: JSON.stringify({ newState: { stateReason: 'Threshold Crossed: 3 datapoints' } }),
        },
      ],
    },
    'monitoring:DeleteAlarms': () => {
      alarms.shift();
      return { body: {} };
    },
  });
  const page = await openPage(server, TAB);
  await page.getByText('(1 alarm, 1 in alarm)').waitFor();
  await page.getByRole('button', { name: 'Actions of orders-deep' }).click();
  await page.getByRole('menuitem', { name: 'History' }).click();
  await page.getByText('Threshold Crossed: 3 datapoints').waitFor();
  await screenshot(page, 'alarm-history');
  await checkAccessibility(page, DIALOG);
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Actions of orders-deep' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByLabel('To confirm, enter orders-deep').fill('orders-deep');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('The alarm orders-deep is deleted.').waitFor();
  assert.deepEqual((await server.called('monitoring:DeleteAlarms', 0)).body, { AlarmNames: ['orders-deep'] });
});

test('who may not read faults still sees the graphs, and is told what is missing', async () => {
  const server = await startServer({
    ...monitoring(CLUSTER),
    'GET /brokerd/v1/brokers/{broker-id}/faults': () =>
      refused(403, 'AccessDeniedException', 'bob may not list faults.'),
    'monitoring:DescribeAlarms': () => refused(403, 'AccessDenied', 'bob may not describe alarms.'),
  });
  const page = await openPage(server, TAB);
  await graph(page, 'Messages').waitFor();
  await page.getByText('bob may not list faults.').waitFor();
  await page.getByText('bob may not describe alarms.').waitFor();
});
