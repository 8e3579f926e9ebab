import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer } from './support/index.mjs';
import { alarm, CLUSTER, ID, monitoring, PAIR } from './support/monitoring.mjs';

const TAB = `/brokers/${ID}/monitoring`;
const graph = (page, title) => page.getByRole('application', { name: title, exact: true });

for (const width of [1280, 390]) {
  test(`graphs of a cluster at ${width} px have gaps, markers and thresholds`, async () => {
    const server = await startServer(monitoring(CLUSTER, [alarm()]));
    const page = await openPage(server, TAB, { width });
    await page.getByRole('heading', { name: 'Message rates' }).waitFor();
    await graph(page, 'Messages').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `monitoring-${width}`, { full: true });
  });
}
