import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, openPage, refused, screenshot, startServer, until } from './support/index.mjs';
import { ACCOUNT, world } from './support/iam.mjs';

const open = async (address, options = {}) => {
  const state = world();
  const server = await startServer(state.answers, options);
  return { state, server, page: await openPage(server, address, options) };
};

for (const width of [1280, 390]) {
  test(`users, their keys and policies are shown and accessible at ${width} px`, async () => {
    const { page } = await open('/account', { width });
    await page.getByRole('link', { name: 'alice' }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-users-${width}`);
    await page.getByRole('button', { name: 'Create user' }).click();
    await page.getByRole('dialog').waitFor();
    await checkAccessibility(page);
    await screenshot(page, `account-create-user-${width}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('link', { name: 'alice' }).click();
    await page.getByText('AKIAALICE00000000001').waitFor();
    await page.getByRole('link', { name: 'Readers' }).waitFor();
    await page.getByRole('link', { name: 'developers' }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-user-${width}`, { full: true });
    await page.getByRole('button', { name: 'Edit reboot' }).click();
    await page.getByRole('dialog').getByText('mq:RebootBroker').waitFor();
    await checkAccessibility(page);
    await screenshot(page, `account-inline-${width}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Attach policy' }).click();
    await page.getByRole('dialog').waitFor();
    await checkAccessibility(page);
  });

  test(`groups and roles are shown and accessible at ${width} px`, async () => {
    const { page } = await open('/account/groups', { width });
    await page.getByRole('link', { name: 'developers' }).click();
    await page.getByRole('link', { name: 'alice' }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-group-${width}`, { full: true });
    await page.getByRole('tab', { name: 'Roles' }).click();
    await page.getByRole('link', { name: 'deployer' }).waitFor();
    await page.getByRole('button', { name: 'Create role' }).click();
    await page.getByRole('dialog').getByText('sts:AssumeRole').waitFor();
    await checkAccessibility(page);
    await screenshot(page, `account-create-role-${width}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('link', { name: 'deployer' }).click();
    await page.getByText('sts:AssumeRole').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-role-${width}`, { full: true });
  });

  test(`policies are shown and accessible at ${width} px`, async () => {
    const { page } = await open('/account/policies', { width });
    await page.getByRole('link', { name: 'Readers' }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-policies-${width}`);
    await page.getByRole('link', { name: 'Readers' }).click();
    await page.getByText('mq:Describe*').waitFor();
    await page.getByRole('button', { name: 'v2 (in force)' }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-policy-${width}`, { full: true });
  });

  test(`what a principal may do is simulated, with the statement that decides, at ${width} px`, async () => {
    const { page, server } = await open('/account/simulator', { width });
    await page.getByRole('button', { name: /Principal/ }).click();
    await page.getByRole('option', { name: 'alice' }).click();
    await page.getByRole('button', { name: 'Actions Choose actions' }).click();
    for (const action of ['mq:RebootBroker', 'mq:DeleteBroker']) {
      await page.locator('input[aria-label="Choose actions"]').fill(action);
      await page.locator('[role=option]', { hasText: action }).last().click();
    }
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Add context key' }).click();
    await page.getByRole('combobox', { name: 'Condition key' }).fill('aws:PrincipalTag/team');
    await page.getByRole('textbox', { name: 'Value' }).fill('red, blue');
    await checkAccessibility(page);
    const from = server.calls.length;
    await page.getByRole('button', { name: 'Simulate', exact: true }).click();
    const call = await server.called('iam:SimulatePrincipalPolicy', from);
    const sent = Object.fromEntries(new URLSearchParams(call.text));
    assert.equal(sent.PolicySourceArn, `arn:aws:iam::${ACCOUNT}:user/alice`);
    assert.equal(sent['ActionNames.member.1'], 'mq:RebootBroker');
    assert.equal(sent['ActionNames.member.2'], 'mq:DeleteBroker');
    assert.equal(sent['ResourceArns.member.1'], '*');
    assert.equal(sent['ContextEntries.member.1.ContextKeyName'], 'aws:PrincipalTag/team');
    assert.equal(sent['ContextEntries.member.1.ContextKeyValues.member.2'], 'blue');
    await page.getByText('1 of 2 allowed').waitFor();
    await page.getByText('Refused: nothing allows it').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-simulator-${width}`, { full: true });
    await page.getByRole('button', { name: 'user_alice_reboot, line 4' }).click();
    const statement = page.getByRole('dialog').getByRole('textbox');
    await statement.getByText('mq:RebootBroker').waitFor();
    assert.ok(!(await statement.textContent()).includes('2012-10-17'), 'only the statement is shown');
    await checkAccessibility(page);
    await screenshot(page, `account-statement-${width}`);
  });

  test(`usage and cost are shown by month and tag at ${width} px`, async () => {
    const { page, server } = await open('/account/usage', { width });
    await page.getByText('3 of 10').waitFor();
    await page.getByText('Total: 211.24 USD').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-usage-${width}`, { full: true });
    const from = server.calls.length;
    await page.getByRole('textbox', { name: 'By tag' }).fill('team');
    await page.getByRole('button', { name: 'Apply' }).click();
    const call = await server.called('GET /brokerd/v1/accounts/{account-id}/usage', from);
    assert.equal(call.query.get('tag'), 'team');
    assert.equal(call.query.get('granularity'), 'MONTH');
    await page.getByText('Without this tag').waitFor();
    await checkAccessibility(page);
  });

  test(`the audit trail is filtered, and an event is shown as JSON, at ${width} px`, async () => {
    const { page, server } = await open('/account/audit', { width });
    await page.getByRole('button', { name: 'DeleteBroker' }).waitFor();
    await page.getByText('AccessDenied').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-audit-${width}`);
    await page.getByRole('button', { name: /Filter by/ }).click();
    await page.getByRole('option', { name: 'Operation' }).click();
    await page.getByRole('textbox', { name: 'Value' }).fill('RebootBroker');
    const from = server.calls.length;
    await page.getByRole('button', { name: 'Apply' }).click();
    const call = await server.called('cloudtrail:LookupEvents', from);
    assert.deepEqual(call.body.LookupAttributes, [{ AttributeKey: 'EventName', AttributeValue: 'RebootBroker' }]);
    assert.ok(call.body.StartTime < Date.now() / 1000 - 86_000);
    const others = page.getByRole('button', { name: 'DeleteBroker' });
    await until('the filtered list', async () => (await others.count()) === 0);
    await page.getByRole('button', { name: 'RebootBroker' }).click();
    await page.getByRole('dialog').getByText('"eventVersion"').waitFor();
    await checkAccessibility(page);
    await screenshot(page, `account-event-${width}`);
  });

  test(`the own session and keys are shown at ${width} px`, async () => {
    const { page, server } = await open('/account/access', { width });
    await page.getByText('(signed in with it)').waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `account-access-${width}`);
    await page.getByRole('tabpanel').getByRole('button', { name: 'Sign out everywhere' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await checkAccessibility(page);
    const from = server.calls.length;
    await dialog.getByRole('button', { name: 'Sign out everywhere' }).click();
    await server.called('DELETE /console/sessions', from);
    await page.getByRole('heading', { name: 'Sign in to brokerd' }).waitFor();
  });
}

test('a user is created, and the page of a list is turned', async () => {
  const { page, state } = await open('/account/users');
  await page.getByRole('link', { name: 'alice' }).waitFor();
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByRole('link', { name: 'user-20' }).waitFor();
  await page.getByPlaceholder('Find by name or path').fill('user-2');
  await page.getByText('7 matches').first().waitFor();
  await page.getByRole('button', { name: 'Create user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('alice');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await dialog.getByText('User with name alice already exists.').waitFor();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('carol');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByText('User carol was created.').waitFor();
  await page.getByRole('heading', { name: 'carol' }).waitFor();
  assert.ok(state.users.has('carol'));
});

test('the secret of a new key is shown once, and the key is deactivated and deleted', async () => {
  const { page, state } = await open('/account/users?name=alice');
  await page.getByRole('button', { name: 'Create access key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Copy it or store the file now.').waitFor();
  assert.ok(!(await dialog.textContent()).includes('secret-of-new'));
  assert.ok(await dialog.getByRole('button', { name: 'Done' }).isDisabled());
  await dialog.getByRole('button', { name: 'Copy: Secret access key' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'secret-of-new');
  const storing = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download as .csv' }).click();
  assert.equal((await storing).suggestedFilename(), 'AKIANEW0000000000002.csv');
  await dialog.getByRole('button', { name: 'Show', exact: true }).click();
  await dialog.getByText('secret-of-new').waitFor();
  await checkAccessibility(page);
  await screenshot(page, 'account-new-key');
  await dialog.getByRole('checkbox', { name: 'I have stored the secret' }).check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await until('the secret is gone', async () => !(await page.content()).includes('secret-of-new'));
  assert.ok(await page.getByRole('button', { name: 'Create access key' }).isDisabled(), 'two keys are the most');
  const menu = page.getByRole('button', { name: 'Actions for AKIAALICE00000000001' });
  await menu.click();
  await page.getByRole('menuitem', { name: 'Deactivate' }).click();
  await page.getByText('It can be activated again.').waitFor();
  assert.equal(state.keys[0].status, 'Inactive');
  await menu.click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog.getByRole('textbox').fill('AKIAALICE00000000001');
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await until('the key is gone', () => state.keys.length === 1);
});

test('policies are attached and detached, and inline ones are written with completion', async () => {
  const { page, server } = await open('/account/users?name=alice');
  await page.getByRole('button', { name: 'Attach policy' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: /Choose a policy/ }).click();
  await page.getByRole('option', { name: 'Operators' }).click();
  let from = server.calls.length;
  await dialog.getByRole('button', { name: 'Attach policy' }).click();
  const attached = new URLSearchParams((await server.called('iam:AttachUserPolicy', from)).text);
  assert.equal(attached.get('PolicyArn'), `arn:aws:iam::${ACCOUNT}:policy/Operators`);
  from = server.calls.length;
  await page.getByRole('button', { name: 'Detach Readers' }).click();
  await server.called('iam:DetachUserPolicy', from);
  await page.getByRole('button', { name: 'Create inline policy' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('fly');
  const editor = dialog.getByRole('textbox', { name: 'Document' });
  await editor.click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  const begun = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": "mq:Reb';
  await page.keyboard.insertText(begun);
  // What is inserted without keys may leave the caret before it.
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Control+Space');
  await dialog.locator('.cm-tooltip-autocomplete').getByText('mq:RebootBroker').waitFor();
  await screenshot(page, 'account-completion');
  await page.keyboard.press('Escape');
  assert.ok(await dialog.isVisible(), 'closing the list leaves the dialog');
  await page.keyboard.press('Control+Space');
  await dialog.locator('.cm-tooltip-autocomplete').getByText('mq:RebootBroker').click();
  await page.keyboard.insertText('}]}');
  from = server.calls.length;
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  const put = new URLSearchParams((await server.called('iam:PutUserPolicy', from)).text);
  assert.equal(put.get('PolicyName'), 'fly');
  assert.equal(JSON.parse(put.get('PolicyDocument')).Statement[0].Action, 'mq:RebootBroker');
});

test('a policy gets a new version, and a refusal keeps what was written', async () => {
  const arn = encodeURIComponent(`arn:aws:iam::${ACCOUNT}:policy/Readers`);
  const { page, server, state } = await open(`/account/policies?name=${arn}`);
  const editor = page.getByRole('textbox', { name: 'Document' });
  await editor.getByText('mq:Describe*').waitFor();
  await editor.click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText('{"Version": "2012-10-17", "Statement": []}');
  state.refusal = 'Syntax errors in policy.';
  await page.getByRole('button', { name: 'Save as a new version' }).click();
  await page.getByText('Syntax errors in policy.').waitFor();
  assert.ok((await editor.textContent()).includes('"Statement": []'));
  state.refusal = undefined;
  const from = server.calls.length;
  await page.getByRole('button', { name: 'Save as a new version' }).click();
  const sent = new URLSearchParams((await server.called('iam:CreatePolicyVersion', from)).text);
  assert.equal(sent.get('SetAsDefault'), 'true');
  await page.getByText('Version v3 was saved and is in force.').waitFor();
});

test('who may not list users is told so with the reason', async () => {
  const state = world();
  const why = 'User: bob is not authorized to perform: iam:ListUsers';
  state.answers['iam:ListUsers'] = () => refused(403, 'AccessDenied', why);
  const server = await startServer(state.answers, { session: { kind: 'USER', name: 'bob' } });
  const page = await openPage(server, '/account');
  await page.getByText('You are not allowed to see or do this.').waitFor();
  await page.getByText('is not authorized to perform: iam:ListUsers').waitFor();
  await checkAccessibility(page);
});
