// Starts the server on the built-in questions, searches on its page, and saves a picture of it.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { launch } from '../../tests/browser/browser.mjs';

const [program, picture] = process.argv.slice(2);
const server = spawn(program, ['serve', '--builtin', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
const browser = await launch();
try {
  let address;
  for await (const line of createInterface(server.stderr)) {
    [address] = line.match(/http:\S+/) ?? [];
    if (address) break;
  }
  const page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
  await page.goto(`${address}?q=holding+a+mutex+across+await`);
  await page.locator('article, li').first().waitFor();
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
  server.kill();
}
