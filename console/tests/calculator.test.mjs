// The cost calculator, with and without a session.
import assert from 'node:assert/strict';
import test from 'node:test';
import { estimate } from './create.answers.mjs';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';

const ANSWERS = { 'GET /console/calculator': estimate };
const TOTAL = 'main';

/** Waits for the sum of all lines. */
const total = (page, text) => page.locator(TOTAL).getByText(text, { exact: true }).last().waitFor();

for (const width of [1280, 390]) {
  test(`whoever has no account finds the service’s own sample, at ${width} px`, async () => {
    const server = await startServer(ANSWERS, { session: null });
    const page = await openPage(server, '/calculator', { width });
    await page.getByRole('heading', { level: 1, name: 'Cost calculator' }).waitFor();
    await total(page, '211.24 USD');
    await page.getByText('1 × 730 h × 0.288 USD = 210.24 USD').waitFor();
    await page.getByText('10 GB × 0.1 USD a month = 1 USD').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `calculator-${width}`, { full: true });
    const { query } = server.calls.find(({ path }) => path === '/console/calculator');
    assert.equal(
      query.toString(),
      'engineType=ACTIVEMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType=mq.m5.large' +
        '&storageType=EBS&storageGb=10&hours=730&region=us-east-1',
    );
    assert.ok(server.calls.every(({ path }) => path.startsWith('/console/')));
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('Access key ID').waitFor();
  });
}

test('lines are added, changed and summed up, and the address keeps them', async () => {
  const server = await startServer(ANSWERS);
  const page = await openPage(server, '/calculator', { dark: true });
  await total(page, '211.24 USD');
  await page.getByRole('button', { name: 'Add line' }).click();
  const line = page.locator('main').getByLabel('Brokers').nth(1);
  await line.fill('3');
  await total(page, '844.96 USD');
  await page.getByRole('button', { name: 'Engine' }).nth(1).click();
  await page.getByRole('option', { name: 'RabbitMQ' }).click();
  await page.getByRole('button', { name: 'Deployment mode' }).nth(1).click();
  await page.getByRole('option', { name: 'Cluster of three nodes' }).click();
  // 3 × (3 × 730 × 0.288 + 3 × 10 × 0.1) + 211.24
  await total(page, '2,112.40 USD');
  await checkAccessibility(page);
  await screenshot(page, 'calculator-dark', { full: true });
  const address = new URL(page.url());
  assert.equal(
    address.search,
    '?broker=ACTIVEMQ,SINGLE_INSTANCE,mq.m5.large,EBS,10,730,1' +
      '&broker=RABBITMQ,CLUSTER_MULTI_AZ,mq.m5.large,EBS,10,730,3',
  );
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByText('Copied').first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), address.href);
  await page.getByRole('button', { name: 'Copy as CSV' }).click();
  const csv = await until('the table is copied', async () => {
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    return copied === address.href ? undefined : copied;
  });
  const rows = csv.trim().split(/\r?\n/);
  assert.equal(rows.length, 3);
  assert.equal(
    rows[2],
    'RABBITMQ,CLUSTER_MULTI_AZ,mq.m5.large,EBS,10,730,us-east-1,3,0.288,630.72,0.1,3,633.72,3,1901.16,USD',
  );

  const other = await openPage(server, `/calculator${address.search}`);
  await total(other, '2,112.40 USD');
  await other.getByRole('button', { name: 'Remove line 1' }).click();
  await total(other, '1,901.16 USD');
  await other.getByRole('button', { name: 'Start over' }).click();
  await total(other, '211.24 USD');
  assert.equal(new URL(other.url()).search, '');
});

test('a wrong number is told below its field, and there is no sum', async () => {
  const server = await startServer(ANSWERS, { session: null });
  const page = await openPage(server, '/calculator');
  await total(page, '211.24 USD');
  await page.getByLabel('Stored on average, in GB').fill('much');
  await page.getByText('Value [much] is invalid for [storageGb].').waitFor();
  await page.getByText('A line has no cost yet.').waitFor();
  await page.getByLabel('Stored on average, in GB').fill('20');
  await total(page, '212.24 USD');
  await page.getByLabel('Brokers').fill('0');
  await page.getByText('Enter a whole number from 1 to 10,000.').waitFor();
  await page.getByText('A line has no cost yet.').waitFor();
  await checkAccessibility(page);
});

test('who asks too often is told so and may try again', async () => {
  let isBusy = true;
  const server = await startServer(
    {
      'GET /console/calculator': (request) =>
        isBusy ? refused(429, 'TooManyRequestsException', 'Too many requests.') : estimate(request),
    },
    { session: null },
  );
  const page = await openPage(server, '/calculator');
  await page.getByText('Too many requests.').waitFor();
  isBusy = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await total(page, '211.24 USD');
});
