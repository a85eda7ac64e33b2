// The search page, on an index of a FAQ and of malicious markup.
//
//     node search.mjs http://127.0.0.1:PORT/

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';

const address = process.argv[2];
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const at = (path) => new URL(path, address).href;
const titles = (page) => page.locator('.title').allTextContents();
const first = (page) => page.locator('.title').first();
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.className);

/** Waits until the best hit is this one. */
const best = (page, title) => page.locator('.hit:first-child .title', { hasText: title }).waitFor();

test('shows results while you type, and updates the address bar', async () => {
  const page = await open(browser, address);
  assert.equal(await focused(page), 'q', 'the search field has the focus');
  await page.keyboard.type('yellow tomato leaves', { delay: 15 });
  // The same question is the best hit for the first words. The title has the phrase that the hits are for.
  await page.waitForFunction(() => document.title === 'yellow tomato leaves – rqsearch');
  await best(page, 'tomato plants yellow');
  assert.equal(new URL(page.url()).searchParams.get('q'), 'yellow tomato leaves');
  assert.match(await page.locator('#status').textContent(), /^\d+ hits? in /);
  assert.match(await page.locator('.quality').first().textContent(), /^(strong|likely|weak)$/);
  assert.equal(await page.title(), 'yellow tomato leaves – rqsearch');
  await page.locator('#q').fill('');
  await page.locator('.hit').first().waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).search, '');
  await page.calm();
});

test('ignores a reply that arrives after a newer search', async () => {
  const page = await open(browser, address);
  let release;
  const held = new Promise((resume) => { release = resume; });
  await page.route('**/search?q=roses', async (route) => { await held; await route.continue().catch(() => {}); });
  const asked = page.waitForRequest('**/search?q=roses');
  await page.locator('#q').fill('roses');
  await asked;
  await page.locator('#q').fill('sharpen a knife');
  await best(page, 'sharpen a kitchen knife');
  release();
  await page.waitForTimeout(300);
  await best(page, 'sharpen a kitchen knife');
  await page.calm();
});

test('marks matches at the right characters in non-ASCII text', async () => {
  const page = await open(browser, at('/?q=crab+naïve'));
  await best(page, 'Where is 🦀');
  const marks = await page.locator('.hit:first-child .snippet mark').allTextContents();
  assert.ok(marks.includes('crab') && marks.includes('naïve'), `${marks}`);
  assert.ok(marks.every((mark) => /^(crab|naïve)$/.test(mark)), `${marks}`);
  await page.calm();
});

test('lists weak hits only if more are requested', async () => {
  const page = await open(browser, at('/?q=bread'));
  await first(page).waitFor();
  const few = await page.locator('.hit').count();
  assert.equal(await page.locator('.quality.weak').count(), 0);
  await page.locator('#more').click();
  await page.locator('.quality.weak').first().waitFor();
  assert.ok(await page.locator('.hit').count() > few);
  assert.equal(await page.locator('#more').isVisible(), false);
  await page.calm();
});

test('can be used with the keyboard alone', async () => {
  const page = await open(browser, at('/?q=bread&limit=20'));
  await first(page).waitFor();
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(page), 'title');
  await page.keyboard.press('ArrowDown');
  const second = (await titles(page))[1];
  assert.equal(await page.evaluate(() => document.activeElement.textContent), second);
  await page.keyboard.press('Enter');
  await page.locator('.open .whole .prose').waitFor();
  assert.equal(await page.locator('.open .title').getAttribute('aria-expanded'), 'true');
  assert.equal(await page.locator('.open .title').textContent(), second);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.open').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), second, 'the title keeps the focus');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  assert.equal(await focused(page), 'q');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('/');
  assert.equal(await focused(page), 'q');
  await page.keyboard.type('prune roses');
  await page.keyboard.press('Enter');
  await page.locator('.hit:first-child.open .prose', { hasText: 'forsythia' }).last().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'When should I prune roses?');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  assert.equal(await focused(page), 'q');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#q').inputValue(), '');
  await page.calm();
});

test('a copied address restores the search, and the Back button works', async () => {
  const page = await open(browser, at('/?q=cut+roses&level=advanced&limit=20'));
  await best(page, 'prune roses');
  assert.deepEqual(await titles(page).then((all) => all.some((title) => title.includes('knife'))), false, 'filtered');
  await first(page).click();
  await page.locator('.open .prose').last().waitFor();
  const link = page.url();
  assert.match(link, /open=[0-9a-f]{12}/);
  await page.locator('#chosen button').click();
  await page.locator('.title', { hasText: 'kitchen knife' }).waitFor();
  assert.equal(new URL(page.url()).searchParams.has('level'), false);
  await page.goBack();
  await page.locator('#chosen button', { hasText: 'advanced' }).waitFor();
  await page.goForward();
  await page.locator('#chosen button').waitFor({ state: 'detached' });
  const other = await open(browser, link);
  await other.locator('.hit:first-child.open .prose', { hasText: 'forsythia' }).last().waitFor();
  await other.calm();
  await page.calm();
});

test('filters can be added and removed, and a search without hits mentions them', async () => {
  const page = await open(browser, at('/?q=bread'));
  await first(page).waitFor();
  await page.locator('summary').click();
  await page.locator('#level').selectOption('advanced');
  await page.locator('#chosen button', { hasText: 'advanced' }).waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('.hit .meta')].every((meta) => meta.textContent.includes('advanced')));
  await page.locator('#tag').fill('nothing has this');
  await page.locator('#tag').press('Enter');
  await page.getByText('Nothing found with these filters.').waitFor();
  await page.getByRole('button', { name: 'Search without filters' }).click();
  await first(page).waitFor();
  await page.locator('.meta .chip', { hasText: 'yeast' }).first().click();
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 1);
  await page.locator('#mode').selectOption('keyword');
  await page.waitForURL(/mode=keyword/);
  await page.calm();
});

test('facets are checkboxes with counts, which filter the hits', async () => {
  const page = await open(browser, at('/?q=sour+bread+dough'));
  await first(page).waitFor();
  assert.equal(await page.locator('#facets input').count(), 0, 'facets are requested only when they are shown');
  await page.locator('summary').click();
  const box = (name) => page.getByRole('checkbox', { name });
  await box(/^sourdough 1$/).waitFor();
  assert.equal(await box(/^bread 2$/).isChecked(), false);
  await box(/^sourdough 1$/).focus();
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 1);
  await best(page, 'sourdough taste');
  assert.deepEqual(new URL(page.url()).searchParams.getAll('tag'), ['sourdough']);
  assert.equal(await page.evaluate(() => document.activeElement.value), 'sourdough', 'the checkbox keeps the focus');
  assert.equal(await box(/^sourdough 1$/).isChecked(), true);
  await accessible(page, 'facets');
  await page.keyboard.press('Space');
  await page.locator('#chosen button').waitFor({ state: 'detached' });
  await page.waitForFunction(() => document.querySelectorAll('.hit').length > 1);
  assert.equal(new URL(page.url()).searchParams.has('tag'), false);
  const filtered = await open(browser, at('/?q=bread+dough&tag=BREAD&since=2020&until=2020'));
  await filtered.getByText('Nothing found with these filters.').waitFor();
  assert.deepEqual(await filtered.locator('#chosen button').evaluateAll((chips) => chips.map((chip) => chip.textContent)), ['tag BREAD ×, remove', 'year 2020 ×, remove']);
  await filtered.locator('summary').click();
  await box(/./).first().waitFor({ state: 'attached' });
  assert.equal(await filtered.getByRole('checkbox', { name: 'BREAD' }).isChecked(), true, 'a filter that nothing has can be removed');
  await filtered.calm();
  await page.calm();
});

test('reports unanswered searches and errors, and retries when the server is busy', async () => {
  const page = await open(browser, at('/?q=how+much+does+a+kitchen+cost+in+winter'));
  await page.locator('#status.unanswered', { hasText: 'Nothing answers this. Closest questions:' }).waitFor();
  await page.route('**/search?*', (route) => route.fulfill({ status: 422, contentType: 'application/problem+json', body: '{"detail": "the phrase is too long"}' }));
  await page.locator('#q').fill('word');
  await page.locator('#status.problem', { hasText: 'the phrase is too long' }).waitFor();
  assert.equal(await page.locator('.hit').count(), 0);
  await page.unroute('**/search?*');
  await page.route('**/search?*', (route) => route.abort());
  await page.locator('#q').fill('roses');
  await page.locator('#status.problem', { hasText: 'cannot be reached' }).waitFor();
  await page.unroute('**/search?*');
  let busy = 1;
  await page.route('**/search?*', (route) => (busy-- > 0
    ? route.fulfill({ status: 503, headers: { 'retry-after': '1' }, contentType: 'application/problem+json', body: '{"detail": "busy"}' })
    : route.continue()));
  await page.locator('#q').fill('prune roses');
  await page.getByText('Trying again').waitFor();
  await best(page, 'prune roses');
  await page.calm();
});

test('explains the rank of a hit', async () => {
  const page = await open(browser, at('/?q=prune+roses'));
  await first(page).click();
  await page.getByRole('button', { name: 'Why this hit?' }).click();
  await page.locator('.why').waitFor();
  assert.match(await page.locator('.why dl').textContent(), /Semantic.*cosine 0\.\d\d.*Keyword.*BM25.*Confidence/s);
  assert.match(await page.locator('.why table').textContent(), /prune/);
  await page.getByRole('button', { name: 'Why this hit?' }).click();
  assert.equal(await page.locator('.why').count(), 0);
  await page.calm();
});

test('shows markup in the corpus as text', async () => {
  const page = await open(browser, at('/?q=is+script+a+title+of+evil&limit=1'));
  await best(page, '<script>window.hacked=1</script> or <img src=x onerror=window.hacked=1> a title');
  assert.match(await page.locator('.also-asked').textContent(), /<script>window.hacked=1<\/script>/);
  await page.locator('#q').fill('which evil answer shows a picture');
  await best(page, 'Which evil answer shows a picture?');
  await first(page).click();
  const prose = page.locator('.open .whole .prose');
  await prose.filter({ hasText: 'onerror' }).waitFor();
  assert.deepEqual(await prose.locator('a').evaluateAll((links) => links.map((link) => link.href)), ['https://example.org/fine', 'https://evil.example/pixel.png'], 'an image is a link and is not loaded');
  assert.match(await prose.locator('pre').textContent(), /<script>window.hacked=1<\/script>/);
  await page.locator('#q').fill('is script a title of evil');
  await best(page, '<script>window.hacked=1</script> or <img src=x onerror=window.hacked=1> a title');
  await page.locator('.title', { hasText: '<script>' }).first().click();
  await page.getByText('Alternative titles').waitFor();
  assert.match(await page.locator('.open .meta').textContent(), /<svg onload=window\.hacked=1>.*<i>tag<\/i>/s);
  assert.equal(await page.locator('#results :is(script, img, svg, iframe, b, i, [onclick], [onload], [onerror])').count(), 0);
  await page.locator('summary').click();
  await page.locator('#section').selectOption('<svg onload=window.hacked=1>');
  await page.locator('#chosen button').waitFor();
  // The same through the address bar: a link may be malicious.
  const evil = await open(browser, at(`/?q=${encodeURIComponent('<img src=x onerror=window.hacked=1>')}&tag=${encodeURIComponent('<script>window.hacked=1</script>')}&open=${encodeURIComponent('"><script>')}&limit=1e9&mode=x`));
  await evil.locator('#chosen button').waitFor();
  await evil.calm();
  await page.calm();
});

test('renders Markdown', async () => {
  const page = await open(browser, at('/?q=where+is+the+crab'));
  await first(page).click();
  const prose = page.locator('.open .whole .prose');
  await prose.waitFor();
  for (const [selector, text] of [['p code', 'let crab = "🦀";'], ['em', 'crab'], ['strong', 'not'], ['a', 'a lobster'], ['ol > li:nth-child(2) > ul > li', 'nested'],
    ['th', 'name'], ['td', 'ten'], ['blockquote', 'quoted crab']]) {
    await prose.locator(selector, { hasText: text }).first().waitFor({ timeout: 2000 });
  }
  assert.equal(await page.getByRole('link', { name: 'Original page' }).getAttribute('href'), 'https://example.org/crab');
  await page.calm();
});

test('is accessible: light, dark, on a phone, with hits closed and open', async () => {
  for (const options of [{}, { viewport: { width: 360, height: 700 } }]) {
    const page = await open(browser, address, options);
    await page.getByText(/^\d+ questions$/).waitFor();
    await accessible(page, 'empty');
    await page.locator('#q').fill('bread dough');
    await first(page).waitFor();
    await page.locator('summary').click();
    await page.locator('#level').selectOption('beginner');
    await page.locator('#chosen button').waitFor();
    await page.waitForFunction(() => document.getElementById('results').ariaBusy === 'false');
    await accessible(page, 'results');
    await first(page).click();
    await page.getByRole('button', { name: 'Why this hit?' }).click();
    await page.locator('.why').waitFor();
    await accessible(page, 'an answer, explained');
    await page.locator('#q').fill('where is the crab');
    await page.locator('#chosen button').click();
    await best(page, 'Where is 🦀');
    await first(page).click();
    await page.locator('.open .whole table').waitFor();
    await accessible(page, 'lists, tables, code');
    await page.locator('#q').fill('how much does a kitchen cost in winter');
    await page.locator('#status.unanswered').waitFor();
    await accessible(page, 'unanswered');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${wide} pixels too wide`);
    await page.calm();
  }
});
