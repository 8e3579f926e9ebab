// The frame around every page: signing in and out, what ends a session, the connection, region, theme, keyboard.
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAccessibility, checkFits, KEY, openPage, screenshot, startServer } from './support/index.mjs';

for (const width of [1280, 390]) {
  test(`an access key signs in, and what is wrong is said, at ${width} px`, async () => {
    const server = await startServer({}, { session: null });
    const page = await openPage(server, '/account', { width });
    await page.getByLabel('Access key ID').fill(KEY.accessKeyId);
    await page.getByLabel('Secret access key').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The access key or its secret is not right.', { exact: true }).waitFor();
    await checkAccessibility(page);
    await checkFits(page);
    await screenshot(page, `sign-in-${width}`);
    await page.getByLabel('Secret access key').fill(KEY.secretAccessKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/console/account');
    assert.deepEqual(server.calls.find(({ method }) => method === 'POST').body, {
      accessKeyId: KEY.accessKeyId,
      secretAccessKey: 'wrong',
    });
  });
}
