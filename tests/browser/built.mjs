// A site that a generator built: searches in its dialog, and opens hits.
//
//     node built.mjs DIRECTORY PAGE
//
// PAGE is the path of a page with the dialog. The site has the questions of tests/recipes/run.sh.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';
import { serveFiles } from './files.mjs';

const [, , directory, start] = process.argv;
let browser, site;
before(async () => { browser = await launch(); site = await serveFiles(directory); });
after(async () => { await browser.close(); site.close(); });

const field = (page) => page.locator('rq-search input');

async function search(page, phrase) {
  if (!await field(page).isVisible()) await page.keyboard.press('Control+k');
  await field(page).fill('');
  await page.locator('rq-search a[role="option"]').first().waitFor({ state: 'detached' });
  await field(page).fill(phrase);
  await page.locator('rq-search a[role="option"]').first().waitFor();
}

for (const [phrase, words] of [
  ['holding a mutex across await', 'Mutex'],
  ['when is the crab fed', 'at noon'],
  ['the name of the crab', 'Ferris'],
  ['lobster beside the lighthouse', 'Beside the lighthouse'],
  ['été août', 'En août'],
  ['パスワードを忘れた', 'ログイン画面'],
]) {
  test(`the first hit for “${phrase}” leads to its page`, async () => {
    const page = await open(browser, `${site.address}${start}`);
    await search(page, phrase);
    const address = await page.locator('rq-search a[role="option"]').first().getAttribute('href');
    await page.keyboard.press('Enter');
    await page.waitForURL(address);
    await page.waitForLoadState('load');
    const anchor = decodeURIComponent(new URL(page.url()).hash.slice(1));
    if (!anchor) return assert.ok((await page.locator('body').textContent()).includes(words), page.url());
    const heading = page.locator(`[id="${anchor}"]`);
    assert.equal(await heading.count(), 1, `no heading has the anchor ${anchor}`);
    // The answer is below the heading, before the next one.
    const text = await heading.evaluate((one) => {
      const range = document.createRange(), level = one.closest('h1, h2, h3') ?? one, headings = [...document.querySelectorAll('main h2, [role="main"] h2')];
      const next = headings[headings.indexOf(level) + 1];
      range.setStartBefore(level);
      range.setEndBefore(next ?? document.body.lastChild);
      return range.toString();
    });
    assert.ok(text.includes(words), `${page.url()}: ${text.slice(0, 200)}`);
    return undefined;
  });
}

test('all hits lead to headings', async () => {
  const page = await open(browser, `${site.address}${start}`), wrong = [], pages = new Map();
  for (const phrase of ['async future', 'cargo features', 'what is a crate', 'where does the lobster live']) {
    await search(page, phrase);
    for (const address of await page.locator('rq-search a[role="option"]').evaluateAll((hits) => hits.map((hit) => hit.href))) {
      const [path, anchor] = address.split('#');
      if (!pages.has(path)) {
        const reply = await fetch(path);
        assert.equal(reply.status, 200, path);
        pages.set(path, await reply.text());
      }
      const ids = [...pages.get(path).matchAll(/\bid=["']?([^"'\s>]+)/g)].map((match) => match[1]);
      if (anchor && !ids.includes(decodeURIComponent(anchor))) wrong.push(address);
    }
  }
  assert.ok(pages.size > 0);
  assert.deepEqual(wrong, []);
});

test('keys in the field are for the field, not for the page', async () => {
  const page = await open(browser, `${site.address}${start}`);
  await page.keyboard.press('Control+k');
  await field(page).waitFor();
  await page.keyboard.type('nps?/tsq');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowRight');
  await page.waitForTimeout(300);
  assert.equal(new URL(page.url()).pathname, start);
  assert.equal(await field(page).inputValue(), 'nps?/tsq');
  await accessible(page, 'the dialog', { runOnly: ['wcag2a', 'wcag2aa'], include: ['rq-search'] });
});
