// Writes the search of a static site for the built-in questions, searches in its dialog, and saves a picture of it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../../tests/browser/browser.mjs';
import { serveFiles } from '../../tests/browser/files.mjs';

const [program, picture] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'site-'));
execFileSync(program, ['site', '--builtin', directory], { stdio: 'ignore' });
const site = await serveFiles(directory), browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
  await page.goto(`${site.address}/demo.html`);
  await page.keyboard.press('/');
  await page.locator('rq-search input').fill('holding a mutex across await');
  await page.locator('rq-search [role="option"]').first().waitFor();
  // Better hits follow when the vectors are loaded.
  await page.waitForLoadState('networkidle');
  await page.keyboard.press('ArrowDown');
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
  site.close();
  rmSync(directory, { recursive: true });
}
