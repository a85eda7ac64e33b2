// Opens pages in a real browser, records forbidden actions, and checks accessibility with axe.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';

// tests/setup/browser.sh installs them into the target directory.
const require = createRequire(`${process.env.RQSEARCH_TEST_TOOLS}/`);
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

export const launch = () =>
  chromium.launch({ executablePath: execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(), args: FLAGS });

/**
 * Opens a page in a new browser context. `page.calm()` fails if the page requested anything from another origin, ran
 * text of the index as a script, opened a dialog, or logged an error or warning.
 */
export async function open(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 850 }, ...options });
  const page = await context.newPage();
  const origin = address.startsWith('file:') ? 'file://' : new URL(address).origin;
  const wrong = [];
  page.on('request', (request) => { if (!request.url().startsWith(origin)) wrong.push(`requested ${request.url()}`); });
  page.on('console', (message) => {
    // The browser logs every response with a status of 400 or more.
    if (['error', 'warning'].includes(message.type()) && !message.text().startsWith('Failed to load resource')) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('dialog', (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.addInitScript({ content: axe.source });
  page.calm = async () => {
    assert.deepEqual(wrong, []);
    assert.equal(await page.evaluate(() => window.hacked), undefined, 'text of the index ran as a script');
  };
  await page.goto(address);
  return page;
}

/** Fails if axe finds a violation in the light or the dark color scheme. `options` are those of axe. */
export async function accessible(page, what, options = {}) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await page.evaluate((some) => window.axe.run(some), options);
    const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}\n  ${node.failureSummary}`));
    assert.deepEqual(found, [], `${what}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
}
