// Measures two searches of the same pages in Chromium, one after the other: this project's and Pagefind.
//
//     node measure.mjs SITE PHRASES
//
// SITE has the directories `search` and, for a comparison, `pagefind`. PHRASES are judged phrases like eval/rust.tsv. Written as a
// table.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

const require = createRequire(`${process.env.RQSEARCH_TEST_TOOLS}/`);
const { chromium } = require('playwright-core');

const [, , site, phrases] = process.argv;
const ROUNDS = 30, PHRASE = 'holding a mutex across await';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.wasm': 'application/wasm' };
const PAGE = (body) => `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title></head><body><main><h1>A page</h1>${body}</main></body></html>`;
const PAGES = {
  '/search.html': PAGE('<script type="module" src="/search/rqsearch.js"></script><rq-search></rq-search>'),
  // The programming interface of Pagefind, without its user interface, and the ten results that the other shows.
  '/pagefind.html': PAGE('<input id="q"><ol id="hits"></ol><p id="status"></p><script type="module" src="/pagefind-page.js"></script>'),
};
const PAGEFIND_PAGE = `
const load = () => (window.pagefind ??= import('/pagefind/pagefind.js'));
const field = document.getElementById('q');
field.onfocus = async () => (await load()).init();
field.oninput = async () => {
  const found = await (await load()).search(field.value);
  const hits = await Promise.all(found.results.slice(0, 10).map((one) => one.data()));
  document.getElementById('hits').replaceChildren(...hits.map(({ url, meta }) => { const item = document.createElement('li'); item.textContent = meta.title; item.dataset.url = url; return item; }));
  document.getElementById('status').textContent = String(found.results.length);
};
field.focus();
`;

/** Serves the site as common servers do: text is compressed, other files are sent as they are. */
let sent = 0, sentForMeaning = 0;
const server = createServer((request, response) => {
  const path = normalize(new URL(request.url, 'http://site').pathname);
  const text = PAGES[path] ?? (path === '/pagefind-page.js' ? PAGEFIND_PAGE : null);
  try {
    const body = text === null ? readFileSync(join(site, path)) : Buffer.from(text), type = TYPES[text === null || path.endsWith('.js') ? extname(path) : '.html'];
    const headers = { 'content-type': type ?? 'application/octet-stream', 'cache-control': 'no-store' };
    const content = type ? gzipSync(body) : body;
    if (type) headers['content-encoding'] = 'gzip';
    if (path.startsWith('/search/meaning/')) sentForMeaning += content.length;
    else if (path.startsWith('/search/') || path.startsWith('/pagefind/')) sent += content.length;
    response.writeHead(200, headers);
    response.end(content);
  } catch {
    response.writeHead(404);
    response.end();
  }
});
await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
const address = `http://127.0.0.1:${server.address().port}`;

const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--enable-precise-memory-info', '--js-flags=--expose-gc'] });
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** How each search is driven: the page, and functions that run in it. */
const SEARCHES = {
  rqsearch: {
    page: '/search.html',
    open: async (page) => { await page.keyboard.press('/'); await page.waitForFunction(() => document.querySelector('rq-search').shadowRoot.querySelector('dialog').open); },
    field: () => document.querySelector('rq-search').shadowRoot.querySelector('input'),
    hits: () => [...document.querySelector('rq-search').shadowRoot.querySelectorAll('[role="option"]')].map((hit) => ({ title: hit.querySelector('.title').textContent, url: hit.href })),
  },
  pagefind: {
    page: '/pagefind.html',
    open: async (page) => { await page.locator('#q').focus(); },
    field: () => document.getElementById('q'),
    hits: () => [...document.querySelectorAll('#hits li')].map((hit) => ({ title: hit.textContent, url: hit.dataset.url })),
  },
};

/** Enters a phrase at once and waits until its hits, or that there are none, are on the page. */
const search = (page, { field, hits }, phrase) => page.evaluate(async ([fieldOf, hitsOf, text]) => {
  const input = new Function(`return (${fieldOf})()`)(), root = input.getRootNode();
  const shown = new Promise((done) => {
    const observer = new MutationObserver(() => { observer.disconnect(); done(); });
    observer.observe(root, { childList: true, subtree: true });
  });
  const start = performance.now();
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await shown;
  return { ms: performance.now() - start, hits: new Function(`return (${hitsOf})()`)() };
}, [field.toString(), hits.toString(), phrase]);

async function fresh({ page: path, open }) {
  const context = await browser.newContext(), page = await context.newPage();
  sent = sentForMeaning = 0;
  await page.goto(`${address}${path}`);
  await open(page);
  return { page, close: () => context.close() };
}

/** Cold: a new browser context each time; the dialog is open, and nothing else is loaded that a phrase needs. */
async function cold(kind) {
  const times = [], bytes = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { page, close } = await fresh(kind);
    await page.waitForTimeout(300);
    times.push((await search(page, kind, PHRASE)).ms);
    bytes.push(sent);
    await close();
  }
  return { cold: median(times), bytes: median(bytes) };
}

/** Warm: all phrases, one after the other, in one page. */
async function warm(kind, judged) {
  const { page, close } = await fresh(kind);
  await page.waitForTimeout(300);
  const times = [];
  let first = 0, five = 0;
  for (const [phrase, wanted] of judged) {
    const { ms, hits } = await search(page, kind, phrase);
    times.push(ms);
    const isRight = ({ title }) => wanted.some((part) => plain(title).includes(part));
    if (hits.slice(0, 1).some(isRight)) first += 1;
    if (hits.slice(0, 5).some(isRight)) five += 1;
  }
  const all = sent, meaning = sentForMeaning;
  const memory = await page.evaluate(() => { globalThis.gc?.(); return performance.memory.usedJSHeapSize; });
  await close();
  return { warm: median(times), first: first / judged.length, five: five / judged.length, all, meaning, memory };
}

const plain = (title) => title.replace(/`/g, '').toLowerCase();
const judged = readFileSync(phrases, 'utf8').split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split('\t'))
  .filter(([, titles]) => titles).map(([phrase, titles]) => [phrase, titles.split('|').map(plain)]);
const kb = (bytes) => `${(bytes / 1000).toFixed(0)} KB`;
console.log(`${judged.length} phrases, median of ${ROUNDS}`);
console.log('| | before the first result | first result, cold | result, warm | all phrases | for meaning | memory | success@1 | success@5 |');
console.log('|---|---|---|---|---|---|---|---|---|');
for (const [name, kind] of Object.entries(SEARCHES)) {
  if (name === 'pagefind' && !existsSync(join(site, name))) continue;
  const a = await cold(kind), b = await warm(kind, judged);
  console.log(`| ${name} | ${kb(a.bytes)} | ${a.cold.toFixed(0)} ms | ${b.warm.toFixed(0)} ms | ${kb(b.all)} | ${kb(b.meaning)} | ${(b.memory / 1e6).toFixed(1)} MB | ${b.first.toFixed(3)} | ${b.five.toFixed(3)} |`);
}
await browser.close();
server.close();
