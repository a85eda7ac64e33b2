// The thumbs of the search page.
//
//     node feedback.mjs http://127.0.0.1:PORT/ FILE http://127.0.0.1:PORT-OF-A-SERVER-WITHOUT-FEEDBACK/

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';

const [address, file, without] = process.argv.slice(2);
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const lines = () => readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const group = (page) => page.locator('.hit:first-child').getByRole('group', { name: 'Is this hit useful?' });
const up = (page) => group(page).getByRole('button', { name: 'Useful', exact: true });
const down = (page) => group(page).getByRole('button', { name: 'Not useful' });
const pressed = async (page) => [await up(page).getAttribute('aria-pressed'), await down(page).getAttribute('aria-pressed')];

test('saves judgements, with the mouse and with the keyboard', async () => {
  const page = await open(browser, new URL('/?q=prune+roses', address).href);
  await up(page).click();
  await group(page).getByRole('status').filter({ hasText: 'Saved as useful' }).waitFor();
  assert.deepEqual(await pressed(page), ['true', 'false']);
  await up(page).focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await group(page).getByRole('status').filter({ hasText: 'Saved as not useful' }).waitFor();
  assert.deepEqual(await pressed(page), ['false', 'true']);
  assert.equal(await page.locator('.open').count(), 0, 'a judgement does not open the hit');
  const saved = lines();
  assert.deepEqual(saved.map(({ q, title, useful }) => [q, title, useful]),
    [['prune roses', 'When should I prune roses?', true], ['prune roses', 'When should I prune roses?', false]]);
  // The page remembers the judgement for this phrase only.
  await page.locator('#q').fill('when do I prune roses');
  await page.waitForFunction(() => document.title.startsWith('when do I'));
  assert.deepEqual(await pressed(page), ['false', 'false']);
  await page.locator('#q').fill('prune roses');
  await page.waitForFunction(() => document.title.startsWith('prune roses'));
  assert.deepEqual(await pressed(page), ['false', 'true']);
  await accessible(page, 'judged');
  await page.calm();
});

test('says when a judgement is not saved', async () => {
  const page = await open(browser, new URL('/?q=sharpen+a+knife', address).href);
  await up(page).waitFor();
  const before = lines().length;
  await page.route('**/feedback', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"detail": "the feedback could not be saved"}' }));
  await down(page).click();
  await group(page).locator('.problem', { hasText: 'Not saved: the feedback could not be saved.' }).waitFor();
  assert.deepEqual(await pressed(page), ['false', 'false']);
  await accessible(page, 'not saved');
  await page.unroute('**/feedback');
  await page.route('**/feedback', (route) => route.abort());
  await down(page).click();
  await group(page).locator('.problem', { hasText: 'the server cannot be reached' }).waitFor();
  assert.equal(lines().length, before);
  await page.calm();
});

test('fits the width of a phone', async () => {
  const page = await open(browser, new URL('/?q=prune+roses', address).href, { viewport: { width: 360, height: 700 } });
  await up(page).click();
  await group(page).getByRole('status').filter({ hasText: 'Saved' }).waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
  await page.calm();
});

test('without --feedback, the page has no thumbs', async () => {
  const page = await open(browser, new URL('/?q=prune+roses', without).href);
  await page.locator('.title').first().waitFor();
  await page.waitForLoadState('networkidle');
  assert.equal(await page.locator('.feedback').count(), 0);
  await page.calm();
});
