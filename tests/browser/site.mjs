// The search of a static site: files that `rqsearch site` wrote, and the same dialog with a server.
//
//     node site.mjs DIRECTORY SERVER RANKINGS PORT MEANING
//
// DIRECTORY has the files of an index, SERVER is the address of `rqsearch serve` with the same index (and a malicious
// corpus in both), and RANKINGS are replies of `rqsearch --mode keyword --json --batch` with it. The server accepts requests
// from pages on http://127.0.0.1:PORT. MEANING has the files of another index, with vectors.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { accessible as checked, launch, open } from './browser.mjs';
import { serveFiles } from './files.mjs';

const [, , directory, server, rankings, port, withMeaning] = process.argv;
const scripts = join(directory, readdirSync(directory).find((name) => name.startsWith('scripts-')));
const { Parts } = await import(pathToFileURL(join(scripts, 'parts.js')));
const { Search, isOneTypo } = await import(pathToFileURL(join(scripts, 'search.js')));

const POLICY = (more = '') => `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'${more}; require-trusted-types-for 'script'; trusted-types 'none'`;
const PAGE = (element) => `<!DOCTYPE html><html lang="en"><head><title>A page</title><script type="module" src="/rqsearch.js"></script></head>
  <body><main><h1>A page</h1><p><label>Name <input id="name"></label></p>${element}</main></body></html>`;
const policy = (more) => ({ 'content-security-policy': POLICY(more) });
const pages = {
  '/page': { text: PAGE(''), headers: policy() },
  '/with-server': { text: PAGE(`<rq-search server="${server}"></rq-search>`), headers: policy(` ${server}`) },
};

let browser, site, address, search;
before(async () => {
  browser = await launch();
  site = await serveFiles(directory, { port: Number(port), pages, headers: policy() });
  address = site.address;
  search = await new Search(new Parts(pathToFileURL(`${directory}/`), async (url) => new Uint8Array(readFileSync(url)))).open();
});
after(async () => { await browser.close(); site.close(); });

const titles = async (phrase, options) => (await search.find(phrase, options)).hits.map((hit) => hit.document.title);
// To find style sheets in a shadow tree, axe would add an inline style, which the policy forbids.
const accessible = (page, what) => checked(page, what, { preload: false });
const options = (page) => page.locator('rq-search [role="option"]');
const status = (page) => page.locator('rq-search [role="status"]');
const field = (page) => page.locator('rq-search input');

async function type(page, phrase) {
  await page.keyboard.press('/');
  await field(page).fill(phrase);
}

// ---- Without a browser ----

test('ranks as the program does with keywords', async () => {
  const replies = readFileSync(rankings, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).filter((reply) => reply.hits.length);
  let same = 0, excerpts = 0;
  for (const { query, hits: [first] } of replies) {
    const { hits: [found] } = await search.find(query);
    if (found?.document.id !== first.id) continue;
    same += 1;
    if (found.excerpt.text === first.snippet.text) excerpts += 1;
  }
  assert.ok(replies.length > 500, `${replies.length} phrases`);
  assert.ok(same / replies.length >= 0.95, `${same} of ${replies.length} phrases have the same first hit`);
  assert.ok(excerpts / same >= 0.95, `${excerpts} of ${same} excerpts are the same`);
});

test('finds other forms, words with a typo, and beginnings of words', async () => {
  const expected = (await titles('deadlock between two mutexes'))[0];
  for (const phrase of ['deadlocking between two mutex', 'daedlock between two mutexes', 'dedlock betwen two mutexes']) {
    assert.equal((await titles(phrase))[0], expected, phrase);
  }
  assert.deepEqual(await titles('monomor'), []);
  assert.ok((await titles('monomor', { typing: true })).length > 0);
  assert.deepEqual([['mutex', 'mutxe'], ['mutex', 'mtex'], ['mutex', 'mutexx'], ['mutex', 'nutex'], ['mutex', 'mutex'], ['mutex', 'mtuxe'], ['a', 'abc']]
    .map(([a, b]) => isOneTypo(a, b)), [true, true, true, true, false, false, false]);
});

test('filters by section and tag', async () => {
  const { hits } = await search.find('how does it work', { filters: { sections: ['Async'] } });
  assert.ok(hits.length > 0 && hits.every((hit) => hit.document.section === 'Async'));
  const tagged = await search.find('how does it work', { filters: { sections: ['Async'], tags: ['send'] } });
  assert.ok(tagged.hits.length > 0 && tagged.hits.every((hit) => hit.document.tags.includes('send')));
  assert.deepEqual((await search.find('how does it work', { filters: { tags: ['no such tag'] } })).hits, []);
});

test('searches in the languages of the questions', async () => {
  for (const [phrase, title] of [
    ['Passwort zuruecksetzen', 'Wie setze ich mein Passwort zurück?'],
    ['bestelling retourneren', 'Hoe retourneer ik mijn bestellingen?'],
    ['rembourse commande', 'Comment obtenir le remboursement de mes commandes ?'],
    ['пароли сбросить', 'Как сбросить пароль?'],
    ['重置密碼', '如何重置密码？'],
    ['パスワード', 'パスワードを忘れた場合はどうすればよいですか'],
    ['비밀번호를', '비밀번호는 어떻게 바꾸나요?'],
  ]) assert.equal((await titles(phrase))[0], title, phrase);
});

test('loads only what a phrase needs', async () => {
  const parts = new Parts(pathToFileURL(`${directory}/`), async (url) => new Uint8Array(readFileSync(url)));
  await (await new Search(parts).open()).find('holding a mutex across await');
  assert.ok(parts.bytes < 300_000, `${parts.bytes} bytes`);
});

test('searches by meaning once the vectors are loaded', async () => {
  const parts = new Parts(pathToFileURL(`${withMeaning}/`), async (url) => new Uint8Array(readFileSync(url)));
  const other = await new Search(parts).open();
  const first = async (phrase) => (await other.find(phrase)).hits[0]?.document.title;
  assert.equal(await first('trim flowers'), undefined);
  assert.equal(await search.loadMeaning(), false);
  assert.equal(await other.loadMeaning(), true);
  assert.equal(await first('trim flowers'), 'When should I prune roses?');
  assert.equal(await first('sick plants'), 'Why are the leaves of my tomato plants yellow?');
  assert.equal(await first('kitchen utensils'), 'How do I sharpen a kitchen knife?');
  assert.equal(await first('qwertyuiopasdf'), undefined);
});

// ---- In the browser ----

test('better hits follow when the vectors are loaded', async () => {
  const other = await serveFiles(withMeaning, { headers: policy() });
  const page = await open(browser, `${other.address}/demo.html`);
  await type(page, 'trim flowers');
  await options(page).first().waitFor();
  assert.match(await options(page).first().textContent(), /prune roses/);
  await page.calm();
  other.close();
});

test('opens with a key or the button, and searches while a person types', async () => {
  const page = await open(browser, `${address}/demo.html`);
  await page.locator('rq-search button.open').click();
  await page.keyboard.type('holding a mutex acr');
  await options(page).first().waitFor();
  assert.match(await options(page).first().textContent(), /MutexGuard|await/);
  assert.match(await status(page).textContent(), /^The best 10 of \d+ hits$/);
  assert.ok(await options(page).first().locator('mark').count() > 0);
  await accessible(page, 'hits');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('rq-search dialog').evaluate((dialog) => dialog.open), false);
  await page.keyboard.press('Control+k');
  assert.equal(await page.locator('rq-search dialog').evaluate((dialog) => dialog.open), true);
  await field(page).fill('qwertyuiopasdf');
  await page.waitForFunction(() => document.querySelector('rq-search').shadowRoot.querySelector('[role="status"]').textContent === 'Nothing found.');
  await accessible(page, 'no hits');
  assert.deepEqual(await page.context().cookies(), []);
  await page.calm();
});

test('a slash in a field of the page is text', async () => {
  const page = await open(browser, `${address}/page`);
  await page.locator('#name').press('/');
  assert.equal(await page.locator('rq-search dialog').evaluate((dialog) => dialog.open), false);
  assert.equal(await page.locator('#name').inputValue(), '/');
  await accessible(page, 'closed');
  await page.calm();
});

test('the keyboard moves through the hits and opens an answer', async () => {
  const page = await open(browser, `${address}/demo.html`);
  await type(page, 'holding a mutex across await');
  await options(page).first().waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await field(page).getAttribute('aria-activedescendant'), 'hit-1');
  assert.equal(await options(page).nth(1).getAttribute('aria-selected'), 'true');
  await accessible(page, 'a selected hit');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  const heading = page.locator('rq-search article h2');
  await heading.waitFor();
  assert.ok(await page.locator('rq-search article pre').count() > 0);
  await accessible(page, 'an answer');
  await page.keyboard.press('Escape');
  assert.ok(await options(page).first().isVisible());
  assert.ok(await field(page).evaluate((one) => one.getRootNode().activeElement === one));
  await page.calm();
});

test('filters are lists of the sections and tags', async () => {
  const page = await open(browser, `${address}/demo.html`);
  await type(page, 'how does it work');
  await page.locator('rq-search summary').click();
  await page.locator('rq-search select').first().selectOption('Async');
  await page.waitForFunction(() => [...document.querySelector('rq-search').shadowRoot.querySelectorAll('.about')].every((about) => about.textContent.startsWith('Async')));
  await accessible(page, 'filters');
  await page.calm();
});

test('text of the index is never markup', async () => {
  const page = await open(browser, `${address}/page`);
  await type(page, 'title of evil script');
  await options(page).first().waitFor();
  assert.equal(await options(page).first().evaluate((option) => option.tagName), 'DIV', 'a javascript: address is no link');
  await type(page, 'crab below the sea');
  await page.waitForFunction(() => document.querySelector('rq-search').shadowRoot.querySelector('a[role="option"]')?.href === 'https://example.org/crab');
  await field(page).fill('evil answer shows a picture');
  await page.waitForFunction(() => document.querySelector('rq-search').shadowRoot.querySelector('[role="option"]')?.textContent.includes('picture'));
  await page.keyboard.press('Enter');
  await page.locator('rq-search article h2').waitFor();
  await page.calm();
});

test('fits the width of a phone', async () => {
  const page = await open(browser, `${address}/demo.html`, { viewport: { width: 360, height: 640 } });
  await type(page, 'holding a mutex across await');
  await options(page).first().waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
  assert.ok(await page.locator('rq-search dialog').evaluate((dialog) => dialog.scrollWidth <= dialog.clientWidth));
  await page.calm();
});

test('the same dialog searches with a server', async () => {
  const page = await open(browser, `${address}/with-server`);
  const foreign = [];
  page.on('request', (request) => foreign.push(new URL(request.url()).origin));
  await type(page, 'holding a mutex across await');
  await options(page).first().waitFor();
  assert.ok(foreign.includes(new URL(server).origin));
  assert.ok(await options(page).first().locator('mark').count() > 0);
  await page.keyboard.press('Enter');
  await page.locator('rq-search article h2').waitFor();
});
