// The users of a broker: what waits, creating, changing, deleting, and forms that are not the newest.
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

const user = (username, changes = {}) => ({
  brokerId: ACTIVEMQ_ID,
  username,
  consoleAccess: false,
  groups: ['readers'],
  replicationUser: false,
  ...changes,
});

/** A stand-in with users that can be changed. */
async function withUsers(known) {
  const users = new Map(known.map((one) => [one.username, one]));
  const summaries = () =>
    [...users.values()].map(({ username, pending }) => ({
      username,
      ...(pending ? { pendingChange: pending.pendingChange } : {}),
    }));
  const one = '/v1/brokers/{broker-id}/users/{username}';
  const server = await startServer({
    ...answersOf(() => activemq({ users: summaries() }), activemqInside),
    [`GET ${one}`]: ({ parameters }) => {
      const found = users.get(parameters.username);
      return found ? { body: found } : refused(404, 'NotFoundException', 'Can’t find requested user.');
    },
    [`POST ${one}`]: ({ parameters: { username }, body }) => {
      if (users.has(username)) {
        const message = `User [${username}] already exists. Specify another username.`;
        return refused(409, 'ConflictException', message, 'username');
      }
      const attributes = { consoleAccess: body.consoleAccess, groups: body.groups };
      users.set(username, user(username, { ...attributes, pending: { ...attributes, pendingChange: 'CREATE' } }));
      return { body: {} };
    },
    [`PUT ${one}`]: ({ parameters: { username }, body }) => {
      const known = users.get(username);
      const pending = { consoleAccess: known.consoleAccess, groups: known.groups, ...body, pendingChange: 'UPDATE' };
      delete pending.password;
      users.set(username, { ...known, pending });
      return { body: {} };
    },
    [`DELETE ${one}`]: ({ parameters: { username } }) => {
      const { consoleAccess, groups } = users.get(username);
      users.set(username, { ...users.get(username), pending: { consoleAccess, groups, pendingChange: 'DELETE' } });
      return { body: {} };
    },
  });
  return { server, users };
}

const act = async (page, name, action) => {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
};
const written = (server, method) =>
  server.calls.filter((call) => call.method === method && call.path.includes('/users/'));

for (const width of [1280, 390]) {
  test(`a user is created with a generated password and waits for the reboot, at ${width} px`, async () => {
    const { server } = await withUsers([user('ann', { consoleAccess: true, groups: [] })]);
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/users`, { width });
    await page.getByRole('button', { name: 'Create user' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Create user' }).click();
    await dialog.getByText('It has to have 2 to 100 characters.').waitFor();
    await dialog.getByText('It has to have 12 to 250 characters.').waitFor();
    assert.equal(written(server, 'POST').length, 0, 'nothing was sent');
    await dialog.getByLabel('User name').fill('ann');
    await dialog.getByRole('button', { name: 'Generate' }).click();
    const password = await dialog.getByLabel('Password', { exact: true }).inputValue();
    assert.match(password, /^[\w.-]{24}$/);
    await dialog.getByLabel('Groups').fill('writers, readers');
    await checkAccessibility(page);
    await screenshot(page, `broker-user-create-${width}`);
    await dialog.getByRole('button', { name: 'Create user' }).click();
    await dialog.getByText('User [ann] already exists.', { exact: false }).waitFor();
    assert.equal(
      await dialog.getByLabel('Password', { exact: true }).inputValue(),
      password,
      'what was entered is kept',
    );
    await dialog.getByLabel('User name').fill('carol');
    await dialog.getByRole('button', { name: 'Create user' }).click();
    await page.getByRole('row', { name: /carol.*Is created/ }).waitFor();
    await page.getByText('carol is created with the next reboot.').waitFor();
    await page.getByText('1 change waits for a reboot').waitFor();
    const { body } = written(server, 'POST').at(-1);
    assert.deepEqual(body, { password, consoleAccess: false, groups: ['readers', 'writers'] });
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `broker-users-${width}`, { full: true });
  });

  test(`what somebody else has changed meanwhile is not written over unasked, at ${width} px`, async () => {
    const { server, users } = await withUsers([user('ann'), user('bob')]);
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/users`, { width });
    await page.getByRole('row', { name: /ann.*readers/ }).waitFor();
    await act(page, 'ann', 'Edit');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Groups').fill('writers');
    users.set('ann', user('ann', { groups: ['auditors', 'readers'] }));
    server.send('broker', { brokerId: ACTIVEMQ_ID, change: 'CHANGED' });
    await page.getByRole('row', { name: /ann.*auditors, readers/, includeHidden: true }).waitFor();
    assert.equal(await dialog.getByLabel('Groups').inputValue(), 'writers', 'the form keeps what was entered');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.getByText('Somebody else has changed this user meanwhile').waitFor();
    await dialog.getByText('auditors, readers').waitFor();
    assert.equal(written(server, 'PUT').length, 0, 'nothing was saved');
    await checkAccessibility(page);
    await screenshot(page, `broker-user-stale-${width}`);
    await dialog.getByRole('button', { name: 'Save mine over them' }).click();
    await page.getByRole('row', { name: /ann.*writers after the reboot.*Is changed/ }).waitFor();
    assert.deepEqual(
      written(server, 'PUT').map(({ body }) => body),
      [{ groups: ['writers'] }],
    );
  });

  test(`a user is deleted by its name and waits for the reboot, at ${width} px`, async () => {
    const { server } = await withUsers([user('ann'), user('bob')]);
    const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/users`, { width });
    await act(page, 'bob', 'Delete');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Programs that connect as bob are refused', { exact: false }).waitFor();
    await dialog.getByRole('textbox').fill('bob');
    await checkAccessibility(page);
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('row', { name: /bob.*Is deleted/ }).waitFor();
    assert.equal(written(server, 'DELETE').length, 1);
  });

  test(`RabbitMQ says where its users are, at ${width} px`, async () => {
    const server = await startServer(answersOf(rabbitmq, rabbitmqInside));
    const page = await openPage(server, `/brokers/${RABBITMQ_ID}/users`, { width });
    await page.getByText('RabbitMQ manages its users itself').waitFor();
    const link = page.getByRole('link', { name: /Users in the web console/ });
    assert.equal(await link.getAttribute('href'), 'https://172.17.0.1:27513/#/users');
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `broker-users-rabbitmq-${width}`);
  });
}

test('theirs can be taken into a form that was not the newest', async () => {
  const { server, users } = await withUsers([user('ann')]);
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/users`);
  await act(page, 'ann', 'Edit');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('May use the ActiveMQ web console').check();
  users.set('ann', user('ann', { groups: ['auditors'] }));
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByRole('button', { name: 'Take theirs' }).click();
  assert.equal(await dialog.getByLabel('Groups').inputValue(), 'auditors');
  assert.equal(await dialog.getByLabel('May use the ActiveMQ web console').isChecked(), false);
  await dialog.getByLabel('Password', { exact: true }).fill('another-good-password');
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await until('the password was saved', () => written(server, 'PUT').length === 1);
  assert.deepEqual(written(server, 'PUT')[0].body, { password: 'another-good-password' });
});

test('a user that somebody else has deleted meanwhile is not saved', async () => {
  const { server, users } = await withUsers([user('ann'), user('bob')]);
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/users`);
  await act(page, 'bob', 'Edit');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Groups').fill('writers');
  users.delete('bob');
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByText('Somebody else has deleted this user meanwhile.', { exact: false }).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('row', { name: /bob/ }).waitFor({ state: 'detached' });
});

test('many users are found by name and asked for page by page', async () => {
  const { server } = await withUsers(Array.from({ length: 25 }, (_, n) => user(`user-${String(n).padStart(2, '0')}`)));
  const page = await openPage(server, `/brokers/${ACTIVEMQ_ID}/users`);
  await page.getByRole('row', { name: /user-09.*readers/ }).waitFor();
  const asked = new Set(server.calls.filter(({ key }) => key.endsWith('{username}')).map(({ path }) => path));
  assert.equal(asked.size, 10);
  await page.getByLabel('Find users').fill('user-24');
  await page.getByRole('row', { name: /user-24.*readers/ }).waitFor();
  await page.getByText('1 match').first().waitFor();
});
