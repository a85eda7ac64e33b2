// The search page of a server that requires a token.
//
//     node token.mjs http://127.0.0.1:PORT/

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';

const address = process.argv[2];
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('asks for the token, then runs the search of the address bar', async () => {
  const page = await open(browser, new URL('/?q=prune+roses', address).href);
  const token = page.getByRole('textbox', { name: 'Token' });
  await token.waitFor();
  await accessible(page, 'token dialog');
  await page.keyboard.press('Escape');
  await token.fill('a guess');
  await token.press('Enter');
  await page.getByText('The token is wrong.').waitFor();
  assert.equal(await page.locator('.hit').count(), 0);
  await token.fill('correct-battery-horse-staple');
  await token.press('Enter');
  await page.locator('.title', { hasText: 'When should I prune roses?' }).first().waitFor();
  await page.getByText(/^\d+ questions$/).waitFor();
  const stored = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, location.href]));
  assert.ok(!stored.includes('battery') && !stored.includes('rqsearch_session'), stored);
  // The cookie authorizes links as well.
  await page.getByRole('link', { name: 'Duplicates' }).click();
  await page.locator('canvas').waitFor();
  await page.calm();
});
