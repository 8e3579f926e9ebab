// What somebody does who has never seen the console: from the link to a message through a pair that fails over while the
// page shows it. Against a real brokerd with real engines:
//   node newcomer.mjs LINK [SOCKET]
// Whoever starts it runs the program that the newcomer copies: a line `program: {...}` tells what was copied. It goes on when
// the program has made its queue.
import { checkAccessibility, screenshot, until } from '../support/browser.mjs';
import { hands } from './hands.mjs';
import { play } from './play.mjs';

const PASSWORD = 'correct-horse-battery';
const BODY = 'it survives the failover';

await play('story', process.argv.slice(2), async (page, step) => {
  const { press, shown, tab, title } = hands(page);
  const code = (label) => page.getByRole('region', { name: label, exact: true }).innerText();
  const instances = () => page.getByRole('row').filter({ has: page.getByText(/^(Active|Standby)$/) });

  /** Copies the program of a client out of the drawer. */
  async function copyProgram() {
    await press('Connect');
    await page.getByRole('heading', { name: 'Connect to orders' }).waitFor();
    await page.getByRole('button', { name: /^Client/ }).click();
    await page.getByRole('option', { name: /stomp\.py/ }).click();
    await page.getByRole('region', { name: 'File hello.py', exact: true }).waitFor();
    await screenshot(page, 'story-connect');
    const program = {
      prepare: await code('Once: certificates and password'),
      file: await code('File hello.py'),
      run: await code('Run it'),
    };
    await page.getByRole('region', { name: 'Connect to orders' }).getByLabel('Close').click();
    return program;
  }

  /** Sends a message through the broker's real endpoint. */
  async function sendTestMessage() {
    await tab('Connections');
    await press('Send a test message');
    await shown(/The message came back after/);
  }

  /** Looks into the queue of the program: the message that was published by hand waits there. */
  async function browse() {
    await tab('Queues and topics');
    await page.getByRole('button', { name: 'Browse messages: hello' }).click();
    await page.getByText(BODY).first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByText(BODY).waitFor({ state: 'detached' });
  }

  /** The number of the instance that serves, as the overview shows it. */
  async function active() {
    const row = instances().filter({ has: page.getByText('Active', { exact: true }) });
    return (await row.count()) === 1 ? (await row.innerText()).trim().split(/\s/)[0] : undefined;
  }

  await page
    .getByRole('link', { name: 'Create broker' })
    .or(page.getByRole('button', { name: 'Create broker' }))
    .first()
    .click();
  await title('Select broker engine');
  await press('Next');
  await title('Select deployment and storage');
  await page.getByRole('radio', { name: 'Active/standby broker' }).check();
  await screenshot(page, 'story-create');
  await press('Next');
  await title('Configure settings');
  await page.getByLabel('Broker name').fill('orders');
  await page.getByLabel('Username').fill('alice');
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await press('Next');
  await title('Review and create');
  await press('Create broker');
  await title('orders');
  step('a pair was asked for');
  await page.getByText('Running', { exact: true }).first().waitFor();
  step('it runs');
  await checkAccessibility(page);

  await sendTestMessage();
  step('a test message came back');
  const program = await copyProgram();
  console.log(`program: ${JSON.stringify({ ...program, password: PASSWORD })}`);
  await tab('Queues and topics');
  await page.getByRole('button', { name: 'Browse messages: hello' }).waitFor();
  step('the copied program has sent and received');
  await page.getByRole('radio', { name: 'Select hello' }).check({ force: true });
  await press('Publish');
  await page.getByRole('textbox', { name: 'Body' }).fill(BODY);
  await press('Publish message');
  await shown('The message is published to hello.');
  await browse();
  step('a message waits in its queue');

  await tab('Overview');
  const former = await until('an instance that serves', active);
  await tab('Faults');
  await press('Start a fault');
  await page.getByRole('radio', { name: /^Failover/ }).check();
  await press('Start the fault');
  await shown('Failover: the fault begins within moments.');
  await tab('Overview');
  step('the failover was asked for');
  // Nothing is loaded anew: the page tells live that the other one serves, and later that the former one stands by.
  await until('the other instance serves', async () => ![undefined, former].includes(await active()));
  step('the other instance serves');
  await shown(/Clients were not served for .*: a fault was injected/);
  await until('the former instance stands by', async () => (await instances().count()) === 2);
  step('the former one stands by');
  await screenshot(page, 'story-overview', { full: true });
  await checkAccessibility(page);
  await browse();
  await sendTestMessage();
  step('the message is still there, and the next one comes back');

  await tab('Monitoring');
  await shown(/^Failover \(1\)/);
  const line = page.locator('.mon-plot path[aria-hidden]').first();
  await line.waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'What happened' }).click();
  const happened = page.getByRole('table', { name: 'What happened' });
  const [from, to] = [former, former === '1' ? '2' : '1'];
  await happened.getByText(new RegExp(`^Failover from instance ${from} to ${to}, `)).waitFor();
  await page.getByRole('button', { name: 'What happened' }).click();
  await checkAccessibility(page);
  await screenshot(page, 'story-graphs', { full: true });
  step('the graphs show the failover');
});
