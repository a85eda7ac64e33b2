// The buttons of the map of duplicates that save decisions.
//
//     node decisions.mjs http://127.0.0.1:PORT/duplicates/map FILE http://127.0.0.1:PORT-OF-A-SERVER-WITHOUT-DECISIONS/duplicates/map

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';

const [address, file, without] = process.argv.slice(2);
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []);
const row = (page) => page.getByRole('group', { name: 'Decision', exact: true }).first();
const press = (page, name) => row(page).getByRole('button', { name, exact: true });
const says = (page, text) => row(page).getByRole('status').filter({ hasText: text }).waitFor();

async function opened() {
  const page = await open(browser, address);
  await page.locator('#grouplist button').first().click();
  await row(page).waitFor();
  return page;
}

test('saves decisions, with the mouse and with the keyboard', async () => {
  const page = await opened();
  await press(page, 'Same').click();
  await says(page, 'Decided: the same.');
  assert.deepEqual(lines().map((line) => line.decision), ['same']);
  assert.equal(await press(page, 'Same').getAttribute('aria-pressed'), 'true');
  await press(page, 'Same').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await says(page, 'Decided: different.');
  assert.deepEqual(lines().map((line) => line.decision), ['different']);
  await press(page, 'Keep this one').click();
  await says(page, 'Decided: keep this one.');
  const [kept] = lines();
  const title = [kept.one, kept.two].find((one) => one.id === kept.keep).title;
  assert.match(await page.locator('#members li').first().locator('.title').textContent(), new RegExp(title.slice(0, 2)));
  await accessible(page, 'decided');
  await press(page, 'Undo').click();
  await page.waitForFunction(() => !document.querySelector('.decide [aria-pressed="true"]:not(:last-of-type)'));
  assert.deepEqual(lines(), []);
  await page.calm();
});

test('keeps the first question of a group, and remembers that', async () => {
  const page = await opened();
  await page.getByRole('button', { name: 'Keep this one, all are the same' }).click();
  await says(page, 'Decided: the same.');
  assert.ok(lines().length >= 1 && lines().every((line) => line.decision === 'keep'));
  await page.reload();
  await row(page).waitFor();
  await says(page, 'Decided: the same.');
  await page.calm();
});

test('says when a decision is not saved', async () => {
  const page = await opened();
  await page.route('**/decisions', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"detail": "the decision could not be saved"}' }));
  const before = lines();
  await press(page, 'Different').click();
  await says(page, 'Not saved: the decision could not be saved');
  assert.deepEqual(lines(), before);
});

test('has no buttons if the server accepts no decisions', async () => {
  const page = await open(browser, without);
  await page.locator('#grouplist button').first().click();
  await page.locator('#detail h2').waitFor();
  assert.equal(await page.locator('.decide').count(), 0);
  await page.calm();
});
