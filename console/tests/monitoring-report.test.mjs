import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';
import { described, ID, PAIR } from './support/monitoring.mjs';
import { report } from './support/report.mjs';

const TAB = `/brokers/${ID}/report`;
const REPORT = 'GET /brokerd/v1/brokers/{broker-id}/report';
const CSV = 'from,to\n2026-11-01,2026-11-02\n';
const answers = () => ({
  ...described(PAIR),
  [REPORT]: (request) =>
    request.query.get('format') === 'csv' ? { body: CSV, headers: { 'content-type': 'text/csv' } } : report(request),
});

for (const width of [1280, 390]) {
  test(`a month is reported at ${width} px`, async () => {
    const server = await startServer(answers());
    const page = await openPage(server, TAB, { width, dark: width < 600 });
    await page.getByText('1,234,567').waitFor();
    await page.getByText('USD 268.80').first().waitFor();
    await page.getByRole('application', { name: 'Minutes in which the broker was not available' }).waitFor();
    await page.getByText('The storage of 2 days was not measured.').waitFor();
    await page.getByText('30 min, and it lasts').waitFor();
    await checkFits(page);
    await screenshot(page, `report-${width}`, { full: true });
    await checkAccessibility(page, { within: '[role=tabpanel]' });
  });
}

test('another month is chosen, and saved as CSV', async () => {
  const server = await startServer(answers());
  const page = await openPage(server, TAB);
  await page.getByText('1,234,567').waitFor();
  await page.getByRole('button', { name: /until now/ }).click();
  await page.getByRole('option', { name: 'January 2026' }).click();
  const asked = () => server.calls.filter(({ key }) => key === REPORT).map(({ query }) => Object.fromEntries(query));
  const query = await until('January is asked for', () => asked().find(({ from }) => from === '2026-01-01'));
  assert.deepEqual(query, { from: '2026-01-01', to: '2026-02-01', granularity: 'DAY' });
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download CSV' }).click(),
  ]);
  assert.equal(saved.suggestedFilename(), 'orders-2026-01.csv');
  assert.equal(await readFile(await saved.path(), 'utf8'), CSV);
  // The page may ask for something else meanwhile.
  assert.ok(asked().some(({ format }) => format === 'csv'));
});

test('who may not read reports is told so', async () => {
  const server = await startServer({
    ...answers(),
    [REPORT]: () => refused(403, 'AccessDeniedException', 'bob may not read reports.'),
  });
  const page = await openPage(server, TAB);
  await page.getByText('bob may not read reports.').waitFor();
});
