// What a person does on a page, by the words that are there.
import { until } from '../support/browser.mjs';

/** The hands of somebody who looks at this page. */
export function hands(page) {
  const title = (name) => page.getByRole('heading', { level: 1, name }).first().waitFor();
  const press = (name, within = page) => within.getByRole('button', { name, exact: true }).first().click();
  const tab = (name) => page.getByRole('tab', { name, exact: true }).click();
  const shown = (words, within = page) => within.getByText(words).first().waitFor();
  const dialog = (name) => page.getByRole('dialog', name ? { name } : {});

  /** Chooses an option of a list, by its label and the beginning of the option. */
  async function choose(label, option, within = page) {
    await within
      .getByRole('button', { name: new RegExp(`^${label}`) })
      .first()
      .click();
    await page.getByRole('option', { name: option }).first().click();
  }

  /** Chooses what a menu offers. */
  async function act(menu, action) {
    await press(menu);
    await page.getByRole('menuitem', { name: action, exact: true }).click();
  }

  /** Writes over all of a text in an editor. */
  async function write(editor, text) {
    await editor.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(text);
  }

  /** Enters the name of what is lost, and presses the button that loses it. */
  async function confirm(name, action) {
    await dialog().getByRole('textbox').fill(name);
    await press(action, dialog());
    await dialog().waitFor({ state: 'detached' });
  }

  /** Waits until nothing is loaded any more: all pages and tables say so with the same word. */
  const settled = () =>
    until('everything is there', () =>
      page.evaluate(() => {
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
          const { data, parentElement } = texts.currentNode;
          if (data.trim() === 'Loading' && parentElement.checkVisibility()) return false;
        }
        return true;
      }),
    );

  return { act, choose, confirm, dialog, press, settled, shown, tab, title, write };
}

/** Asks for a broker with one instance in the wizard; its identifier. */
export async function createBroker(page, { origin, engine, name, password, general = false }) {
  const { press, title } = hands(page);
  await page.goto(`${origin}/console/brokers/create`);
  await title('Select broker engine');
  await page.getByRole('radio', { name: engine }).check();
  await press('Next');
  await title('Select deployment and storage');
  await page.getByRole('radio', { name: 'Single-instance broker' }).check();
  await press('Next');
  await title('Configure settings');
  await page.getByLabel('Broker name').fill(name);
  await page.getByLabel('Username').fill('alice');
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  if (general) await page.getByLabel('General logs').check();
  await press('Next');
  await title('Review and create');
  await press('Create broker');
  await title(name);
  return new URL(page.url()).pathname.split('/').pop();
}
