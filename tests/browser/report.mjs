// The page that `rqsearch eval --report` writes.
//
//     node report.mjs file:///…/report.html

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';

const [address] = process.argv.slice(2);
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the tables have the numbers, nothing is fetched, and text is text', async () => {
  const page = await open(browser, address);
  const requests = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.reload();
  assert.deepEqual(requests, [address]);
  const row = (table, name) => page.getByRole('group', { name: table }).locator('tr', { has: page.locator(`th:text-is("${name}")`) }).locator('td').allTextContents();
  const metrics = await row('Metrics', 'success@1');
  assert.equal(metrics.length, 4);
  assert.match(metrics[2], /^0\.250\d\.\d{3}–\d\.\d{3}$/);
  const comparison = await row('Comparison', 'success@1');
  assert.deepEqual(comparison.slice(0, 3), ['0.000', '0.250', '+0.250']);
  // One of the five phrases has no hits.
  const phrases = await page.getByRole('group', { name: 'Reliability' }).locator('tbody td:nth-child(2)').allTextContents();
  assert.equal(phrases.map(Number).reduce((a, b) => a + b), 4);
  const scores = await page.getByRole('group', { name: 'Scores' }).locator('tbody td').allTextContents();
  assert.equal(scores.map(Number).reduce((a, b) => a + b), 4);
  assert.equal(await page.locator('svg').count(), 2);
  const text = await page.locator('main').textContent();
  assert.match(text, /<script>window\.hacked=1<\/script>/);
  assert.match(text, /3 of 4: the first hit is not relevant/);
  assert.match(text, /1 phrase with another first hit/);
  assert.equal(await page.locator('main :is(script, img, iframe, b, i)').count(), 0);
  assert.doesNotMatch(await page.content(), /NaN|inf\b/);
  await page.calm();
});

test('is accessible and fits the width of a phone', async () => {
  for (const options of [{}, { viewport: { width: 400, height: 700 } }]) {
    const page = await open(browser, address, options);
    await accessible(page, 'report');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${wide} pixels too wide`);
    await page.calm();
  }
});
