// The map of duplicates: as served over HTTP, and as written by `dups --graph`.
//
//     node map.mjs http://127.0.0.1:PORT/duplicates/map file:///…/map.html

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, launch, open } from './browser.mjs';

const addresses = process.argv.slice(2);
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const address of addresses) {
  const how = address.split(':')[0];

  test(`${how}: the map is drawn, and the list has the same groups`, async () => {
    const page = await open(browser, address);
    await page.locator('#grouplist button').first().waitFor();
    const drawn = await page.evaluate(() => {
      const canvas = document.getElementById('map'), pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return new Set(Array.from({ length: pixels.length / 4 }, (_, i) => pixels.slice(4 * i, 4 * i + 4).join())).size;
    });
    assert.ok(drawn > 2, `${drawn} colours`);
    assert.match(await page.locator('#grouplist').textContent(), /<script>window\.hacked=1<\/script>/);
    await accessible(page, 'closed');
    await page.calm();
  });

  test(`${how}: the keyboard operates everything, and an open group has a link`, async () => {
    const page = await open(browser, address);
    await page.locator('#grouplist button').first().waitFor();
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
    await page.keyboard.type('evil');
    await page.locator('#count', { hasText: 'hits in' }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('#detail h2', { hasText: 'evil' }).waitFor();
    assert.match(page.url(), /#g-[0-9a-f]{12}$/);
    await accessible(page, 'open');
    const other = await open(browser, page.url());
    await other.locator('#detail h2', { hasText: 'evil' }).waitFor();
    await other.calm();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('#detail').waitFor({ state: 'hidden' });
    assert.equal(new URL(page.url()).hash, '');
    await page.calm();
  });

  test(`${how}: the page fits the width of a phone`, async () => {
    const page = await open(browser, address, { viewport: { width: 360, height: 700 } });
    await page.locator('#grouplist button').first().click();
    await page.locator('#detail h2').waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));
    await accessible(page, 'on a phone');
    await page.calm();
  });
}
