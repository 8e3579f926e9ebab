// Every page of the console at two widths, with what a real brokerd answers: it fits, it has no violation of accessibility.
//   node pages.mjs LINK SOCKET BROKER...
// Each BROKER is the id of a broker that runs.
import { checkAccessibility, checkFits, screenshot, until } from '../support/browser.mjs';
import { hands } from './hands.mjs';
import { play } from './play.mjs';

const WIDTHS = [1440, 390];
const [link, socket, ...brokers] = process.argv.slice(2);

await play('pages', [link, socket], async (page, step) => {
  const { origin } = new URL(link);
  const { settled } = hands(page);

  /** Looks at what is shown once nothing is loaded any more. */
  async function look(name) {
    await page.locator('h1').first().waitFor();
    await settled();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `real-${name}`, { full: true });
  }

  /** A page and all of its tabs. */
  async function visit(path, name, width) {
    await page.goto(`${origin}/console${path}`);
    await look(`${name}-${width}`);
    const tabs = page.getByRole('tablist').first().getByRole('tab');
    const count = await tabs.count();
    // The first one is shown already.
    for (let index = 1; index < count; index++) {
      const tab = tabs.nth(index);
      await tab.click();
      await until('the tab is chosen', async () => (await tab.getAttribute('aria-selected')) === 'true');
      await look(`${name}-${index}-${width}`);
    }
    return 1 + Math.max(0, count - 1);
  }

  await page.goto(`${origin}/console/configurations`);
  const configuration = page.locator('main table a').first();
  await configuration.waitFor();
  const configurationPath = (await configuration.getAttribute('href')).replace(/^\/console/, '');
  const pages = [
    ['/', 'brokers'],
    ['/brokers/create', 'create'],
    ...brokers.map((id, index) => [`/brokers/${id}`, `broker-${index + 1}`]),
    ['/configurations', 'configurations'],
    [configurationPath, 'configuration'],
    ['/account', 'account'],
    ['/operator', 'operator'],
    ['/calculator', 'calculator'],
  ];
  let seen = 0;
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 600 ? 844 : 1000 });
    for (const [path, name] of pages) seen += await visit(path, name, width);
    step(`all pages at ${width} px`);
  }
  step(`${seen} pages and tabs`);
});
