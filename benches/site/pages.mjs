// Writes pages with one question each, and the same questions as JSON Lines.
//
//     node pages.mjs BUILTIN COUNT OUT
//
// Up to the number of the built-in questions, the first ones are taken. Beyond it, more are made of words and sentences of
// several of them, always the same for the same number.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const [, , builtin, count, out] = process.argv;
const questions = readFileSync(builtin, 'utf8').trim().split('\n').map((line) => JSON.parse(line));

let state = 1;
/** A number below `limit`: a linear congruential generator with the constants of Numerical Recipes. */
const below = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
};
const any = (list) => list[below(list.length)];

function made(nth) {
  const words = any(questions).title.split(' '), other = any(questions).title.split(' ');
  words[below(words.length)] = any(other);
  const sentences = Array.from({ length: 8 }, () => any(any(questions).answer.split(/(?<=\.)\s+/)));
  return { id: `made${nth}`, title: words.join(' '), also: [], answer: sentences.join(' '), section: any(questions).section, tags: any(questions).tags };
}

const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

mkdirSync(`${out}/site/pages`, { recursive: true });
const lines = [];
for (let nth = 0; nth < Number(count); nth += 1) {
  const { id, title, also, answer, section, tags } = questions[nth] ?? made(nth);
  lines.push(JSON.stringify({ id, title, also, answer, section, tags }));
  // The other phrasings are text of the page, so that both searches have the same words.
  writeFileSync(`${out}/site/pages/${id}.html`, `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>
<body><main data-pagefind-body><h1>${escaped(title)}</h1>${also.map((one) => `<p>${escaped(one)}</p>`).join('')}<div>${escaped(answer)}</div></main></body></html>\n`);
}
writeFileSync(`${out}/questions.jsonl`, `${lines.join('\n')}\n`);
