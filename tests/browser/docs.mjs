// The page that describes the HTTP API.
//
//     node docs.mjs http://127.0.0.1:PORT/docs

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';

const address = process.argv[2];
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('shows every route and type, and links to the types', async () => {
  const page = await open(browser, address);
  await page.locator('h2', { hasText: '/search' }).first().waitFor();
  const api = await page.evaluate(() => fetch('/openapi.json').then((response) => response.json()));
  const routes = await page.locator('h2 code').allTextContents();
  assert.deepEqual([...new Set(routes)].sort(), Object.keys(api.paths).sort());
  for (const name of Object.keys(api.components.schemas)) assert.equal(await page.locator(`h3#${name}`).count(), 1, name);
  const broken = await page.evaluate(() => [...document.querySelectorAll('a[href^="#"]')].filter((a) => !document.getElementById(a.hash.slice(1))).map((a) => a.hash));
  assert.deepEqual(broken, []);
  await accessible(page, 'routes');
  await page.calm();
});

test('fits the width of a phone', async () => {
  const page = await open(browser, address, { viewport: { width: 360, height: 700 } });
  await page.locator('h2', { hasText: '/search' }).first().waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
  await page.calm();
});
