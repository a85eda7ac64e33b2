// A site that a generator built: searches in its dialog, and opens the first hit.
//
//     node built.mjs DIRECTORY PAGE PHRASE WORDS
//
// PAGE is the path of a page with the dialog, and WORDS are on the page that the first hit leads to.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';
import { serveFiles } from './files.mjs';

const [, , directory, start, phrase, words] = process.argv;
let browser, site;
before(async () => { browser = await launch(); site = await serveFiles(directory); });
after(async () => { await browser.close(); site.close(); });

test('the first hit leads to its page', async () => {
  const page = await open(browser, `${site.address}${start}`);
  await page.keyboard.press('Control+k');
  await page.locator('rq-search input').fill(phrase);
  await page.locator('rq-search a[role="option"]').first().waitFor();
  await Promise.all([page.waitForURL((url) => url.pathname !== start), page.keyboard.press('Enter')]);
  const anchor = decodeURIComponent(new URL(page.url()).hash.slice(1));
  assert.ok((await page.locator('body').textContent()).includes(words), page.url());
  if (anchor) assert.equal(await page.locator(`[id="${anchor}"]`).count(), 1, `no heading has the anchor ${anchor}`);
});
