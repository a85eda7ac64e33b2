// How many bytes (gzip) a static search loads before the first result, by words, without a browser.
//
//     node benches/site/transfer.mjs OUT      # OUT was written by `rqsearch site`
//
// Each phrase is searched for by a page that has loaded nothing. The phrases are one in 14 of eval/rust.tsv.

import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const out = resolve(process.argv[2]);
const judged = readFileSync(new URL('../../eval/rust.tsv', import.meta.url), 'utf8').split('\n');
const asked = judged.filter((line) => line && !line.startsWith('#')).map((line) => line.split('\t')[0]);
const phrases = asked.filter((_, nth) => nth % 14 === 0);
const scripts = readdirSync(out).find((name) => name.startsWith('scripts-'));
const { Search } = await import(pathToFileURL(`${out}/${scripts}/search.js`));
const { Parts } = await import(pathToFileURL(`${out}/${scripts}/parts.js`));

const loaded = (path) => gzipSync(readFileSync(path)).length;
const files = readdirSync(`${out}/${scripts}`).map((name) => `${out}/${scripts}/${name}`);
const program = [`${out}/rqsearch.js`, ...files].reduce((sum, path) => sum + loaded(path), 0);

async function bytes(phrase) {
  const read = new Set();
  const load = async (address) => {
    read.add(String(address));
    return new Uint8Array(readFileSync(address));
  };
  const search = await new Search(new Parts(pathToFileURL(`${out}/`), load)).open();
  await search.find(phrase, { limit: 10 });
  return [...read].reduce((sum, href) => sum + loaded(new URL(href)), program);
}

const sizes = [];
for (const phrase of phrases) sizes.push(await bytes(phrase));
sizes.sort((one, other) => one - other);
const kilobytes = (share) => `${Math.round(sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))] / 1000)} KB`;
console.log(`${sizes.length} phrases: median ${kilobytes(0.5)}, nine in ten up to ${kilobytes(0.9)}, most ${kilobytes(1)}`);
