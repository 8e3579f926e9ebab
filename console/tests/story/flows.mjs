// What people do with the brokers that they have, at two widths, against a real brokerd with real engines:
//   node flows.mjs LINK SOCKET
// Whoever starts it has a client sign in at a broker and send two messages to a queue, when a line `client: {...}` asks for it.
import { checkAccessibility, checkFits, screenshot } from '../support/browser.mjs';
import { createBroker, hands } from './hands.mjs';
import { play } from './play.mjs';

const WIDTHS = [1440, 390];
const PASSWORD = 'correct-horse-battery';
const CORE = 'http://activemq.apache.org/schema/core';
/** A configuration with an attribute and an element that are not permitted. */
const WRITTEN = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker brokerName="mine" schedulePeriodForDestinationPurge="20000" xmlns="${CORE}">
  <sslContext/>
  <plugins/>
</broker>
`;
const [link, socket] = process.argv.slice(2);
const { origin } = new URL(link);

await play('flows', [link, socket], async (page, step) => {
  const { act, choose, confirm, dialog, press, settled, shown, tab, title, write } = hands(page);
  let width;

  /** What is shown now fits and is accessible. */
  async function look(name) {
    await settled();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `flow-${name}-${width}`);
  }

  async function go(path) {
    await page.goto(`${origin}/console${path}`);
    await page.locator('h1').first().waitFor();
  }

  /** A configuration whose second revision lost what is not permitted, and whose third is the first again. */
  async function configuration(name) {
    await go('/configurations');
    await press('Create configuration');
    await dialog().getByLabel('Name').fill(name);
    await press('Create', dialog());
    await title(name);
    await write(page.getByRole('textbox', { name: /^Content of revision/ }), WRITTEN);
    await press('Save as a new revision');
    await dialog().getByLabel('Description').fill('Purged less often');
    await look('save');
    await press('Save', dialog());
    await shown('Revision 2 was saved without 2 parts of your text.');
    await shown('Attribute brokerName of broker is not permitted and was removed.');
    await look('warnings');
    await tab('Revision history');
    await page.getByRole('checkbox', { name: 'Choose revision 1' }).check({ force: true });
    await press('Compare');
    await shown('schedulePeriodForDestinationPurge="20000"', dialog());
    await look('compare');
    await press('Close', dialog());
    await press('Roll back');
    await press('Save', dialog());
    await shown('Revision 3 has the content of revision 1.');
    step(`${name}: written, compared and rolled back`);
  }

  /** A user and a configuration that wait, and come with a reboot. */
  async function changes(id, name, wanted) {
    await go(`/brokers/${id}/users`);
    await press('Create user');
    await dialog().getByLabel('User name').fill('carol');
    await press('Generate', dialog());
    const password = await dialog().getByLabel('Password', { exact: true }).inputValue();
    await press('Create user', dialog());
    await shown('carol is created with the next reboot.');
    await look('user');
    await tab('Configuration and maintenance');
    await press('Edit');
    await page.getByRole('button', { name: 'Review changes' }).waitFor();
    await choose('Configuration', wanted);
    await choose('Revision', /^Revision 2/);
    await page.getByLabel('Audit logs').click();
    await page.getByRole('button', { name: /^Review \d changes$/ }).click();
    await dialog('Review changes').getByText(`${wanted}, revision 2`).waitFor();
    await look('review');
    await page.getByLabel('Right after saving').click();
    await press('Save changes', dialog());
    const reboot = dialog(`Reboot ${name}?`);
    await reboot.getByRole('row', { name: /^User carol/ }).waitFor();
    await look('reboot');
    await press('Reboot', reboot);
    await shown('No change waits. The broker runs as it is described below.');
    await shown(`${wanted}, revision 2`);
    step(`${name}: rebooted with its changes`);
    return password;
  }

  /** A queue that a real client has filled is emptied and taken away. */
  async function queue(id, name, username, password) {
    console.log(`client: ${JSON.stringify({ broker: id, username, password, queue: 'flow' })}`);
    await go(`/brokers/${id}/queues`);
    const row = page.getByRole('row').filter({ has: page.getByRole('button', { name: 'Browse messages: flow' }) });
    await row.getByRole('cell', { name: '2', exact: true }).first().waitFor();
    await page.getByRole('radio', { name: 'Select flow' }).check({ force: true });
    await act('More actions', 'Purge');
    await look('purge');
    await confirm('flow', 'Purge');
    await shown('2 messages of flow are dropped.');
    await row.getByRole('cell', { name: '0', exact: true }).first().waitFor();
    await act('More actions', 'Delete');
    await confirm('flow', 'Delete');
    await row.waitFor({ state: 'detached' });
    step(`${name}: its queue was purged and deleted`);
  }

  /** A fault that is ended long before its time. */
  async function fault(id, name) {
    await go(`/brokers/${id}/faults`);
    await press('Start a fault');
    await dialog()
      .getByRole('radio', { name: /^Freeze/ })
      .check();
    await dialog().getByLabel('Duration in seconds').fill('900');
    await look('fault');
    await press('Start the fault', dialog());
    await shown(/^Time left: 1[45]:\d\d$/);
    await shown(/^In force$/);
    await look('fault-under-way');
    await press('End now: Freeze');
    await page
      .getByRole('table', { name: 'History' })
      .getByRole('row', { name: /Freeze/ })
      .waitFor();
    await tab('Overview');
    await shown('Clients are served');
    step(`${name}: frozen, and thawed by hand`);
  }

  /** Reads what the engine has printed, then only the lines with a word. */
  async function logs(id, name) {
    await go(`/brokers/${id}/logs`);
    await shown(/^[1-9][\d,]* lines?, following/);
    await page.getByLabel('Filter pattern').fill('"started"');
    await page.getByLabel('Filter pattern').press('Enter');
    await page.locator('.mon-line', { hasText: 'started' }).first().waitFor();
    await look('logs');
    step(`${name}: its log was read`);
  }

  async function tagsAndRules(id, group) {
    await go(`/brokers/${id}/tags`);
    await press('Add tag');
    await page.getByRole('textbox', { name: 'Key' }).last().fill('team');
    await page
      .getByRole('textbox', { name: /^Value/ })
      .last()
      .fill('payments');
    await press('Save changes');
    await shown('The tags were saved.');
    await tab('Network');
    await press('Create group');
    await dialog().getByLabel('Name').fill(group);
    await press('Add rule', dialog());
    await dialog().getByLabel('Source').fill('10.0.0.0/8');
    await look('group');
    await press('Save', dialog());
    await shown(`The group ${group} was saved.`);
    await press(`Delete ${group}`);
    await confirm(group, 'Delete');
    await shown(`The group ${group} was deleted.`);
    step(`${group}: made and deleted, and a tag set`);
  }

  async function alarm(id, name) {
    await go(`/brokers/${id}/monitoring`);
    await press('Create an alarm on Memory');
    await dialog().getByLabel('Threshold').fill('3000000000');
    await look('alarm');
    await press('Create alarm', dialog());
    const made = `${name}-RabbitMQMemUsed`;
    await shown(`The alarm ${made} is saved.`);
    await page.getByRole('button', { name: /^Alarms/ }).click();
    await act(`Actions of ${made}`, 'Delete');
    await confirm(made, 'Delete');
    await shown(`The alarm ${made} is deleted.`);
    step(`${made}: made and deleted`);
  }

  async function user(name) {
    await go('/account/users');
    await press('Create user');
    await dialog().getByRole('textbox', { name: 'Name' }).fill(name);
    await press('Create', dialog());
    await page.getByRole('heading', { name, exact: true }).waitFor();
    await press('Create access key');
    await shown('Copy it or store the file now.', dialog());
    await look('key');
    await dialog().getByRole('checkbox', { name: 'I have stored the secret' }).check();
    await press('Done', dialog());
    await page.getByRole('button', { name: /^Actions for AKIA/ }).click();
    await page.getByRole('menuitem', { name: 'Deactivate' }).click();
    await shown('It can be activated again.');
    await press('Create inline policy');
    await dialog().getByRole('textbox', { name: 'Name' }).fill('look');
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'mq:Describe*', Resource: '*' }] };
    await write(dialog().getByRole('textbox', { name: 'Document' }), JSON.stringify(policy));
    await press('Save', dialog());
    await page.getByRole('button', { name: 'Edit look' }).waitFor();
    await look('account-user');
    await press('Delete');
    await confirm(name, 'Delete');
    await shown(`User ${name} was deleted.`);
    step(`${name}: a user with a key and a policy came and went`);
  }

  async function account(name) {
    await go('/operator/accounts');
    const row = page.locator('tbody tr', { hasText: name });
    const choice = async (action) => {
      await page.getByRole('radio', { name: `Select ${name}` }).check();
      await act('Actions', action);
    };
    await press('Create account');
    await dialog().getByLabel('Name').fill(name);
    await dialog().getByLabel('Brokers').fill('3');
    await press('Create account', dialog());
    await row.getByText('0 of 3').waitFor();
    await choice('Suspend');
    await press('Suspend', dialog());
    await row.getByText('Suspended').waitFor();
    await look('account');
    await choice('Resume');
    await row.getByText('Active').waitFor();
    await choice('Delete');
    await confirm(name, 'Delete');
    await row.waitFor({ state: 'detached' });
    step(`${name}: an account came and went`);
  }

  /** One broker is deleted on its own page, the other one from the list. */
  async function deletions(own, name, other) {
    await go(`/brokers/${own}/danger`);
    await press('Delete broker');
    await look('delete');
    await confirm(name, 'Delete broker');
    await shown(`${name} is being deleted.`);
    await go('/');
    await page.getByRole('checkbox', { name: `Select ${other}`, exact: true }).check();
    await act('Actions', 'Delete');
    await dialog().getByLabel(`To confirm, enter ${other}`).fill(other);
    await look('delete-several');
    await press('Delete', dialog());
    await shown('1 broker accepted', dialog());
    await dialog().getByRole('button', { name: 'Close' }).last().click();
    for (const gone of [name, other]) {
      await page.getByRole('link', { name: gone, exact: true }).waitFor({ state: 'detached' });
    }
    step(`${name} and ${other} are gone`);
  }

  for (width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 600 ? 844 : 1000 });
    const [orders, events, limits] = ['orders', 'events', 'limits'].map((name) => `${name}-${width}`);
    const make = (engine, name, more) => createBroker(page, { origin, engine, name, password: PASSWORD, ...more });
    const activemq = await make('Apache ActiveMQ', orders, { general: true });
    const rabbitmq = await make('RabbitMQ', events);
    step('two brokers were asked for');
    await configuration(limits);
    await user(`ann-${width}`);
    await account(`team-${width}`);
    for (const id of [rabbitmq, activemq]) {
      await go(`/brokers/${id}`);
      await page.getByText('Running', { exact: true }).first().waitFor();
    }
    step('both run');
    const password = await changes(activemq, orders, limits);
    await queue(activemq, orders, 'carol', password);
    await queue(rabbitmq, events, 'alice', PASSWORD);
    await logs(activemq, orders);
    await fault(rabbitmq, events);
    await tagsAndRules(activemq, `office-${width}`);
    await alarm(rabbitmq, events);
    await deletions(activemq, orders, events);
  }
});
