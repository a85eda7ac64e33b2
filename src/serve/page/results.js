// Hits, whole questions and explanations as elements.

import { count, el, link, percent } from './dom.js';
import { markdown, markdownPiece, title } from './markdown.js';

/** How sure is sure: the colours of the bar, and the words for who does not see it. */
const SURE = [[0.5, 'high', 'likely'], [0.2, 'middle', 'possibly'], [0, 'low', 'hardly']];

/** A hit, closed. `use` is called with the name of a filter and its value. */
export function hitOf(hit, use) {
  const id = `hit-${hit.rank}`;
  const button = el('button', { className: 'title', type: 'button', 'aria-expanded': 'false', 'aria-controls': `${id}-whole` },
    ...title(hit.title));
  const item = el('li', { className: 'hit', id },
    el('div', { className: 'head' }, el('h2', { dir: 'auto' }, button), sure(hit.confidence)),
    place(hit, use),
    el('div', { className: 'snippet prose' }, markdownPiece(hit.snippet.text, hit.snippet.highlights)),
    again(hit.also_asked),
    el('div', { className: 'whole', id: `${id}-whole`, hidden: true }));
  return item;
}

function sure(confidence) {
  if (confidence === null) return null;
  const [, tone, word] = SURE.find(([least]) => confidence >= least);
  const level = el('span', { className: 'level' });
  level.style.inlineSize = `${Math.max(4, confidence * 100)}%`;
  return el('p', { className: `sure ${tone}`, title: 'The probability that this answers it' },
    el('span', { className: 'bar', 'aria-hidden': 'true' }, level), `${percent(confidence)} sure`,
    el('span', { className: 'sr' }, `: this ${word} answers it`));
}

/** Where it stands and what it is about; what can be filtered by is a button. */
function place(hit, use) {
  const filter = (name, value) => el('button', { type: 'button', className: 'chip', title: `Only this ${name}`,
    onclick: () => use(name, value) }, el('span', { className: 'sr' }, `Only ${name} `), el('bdi', {}, value));
  return el('div', { className: 'meta' },
    el('span', { className: 'path' }, el('bdi', {}, `${hit.source.path}:${hit.source.line}`)),
    hit.section === null ? null : filter('section', hit.section),
    hit.level === null ? null : filter('level', hit.level),
    ...hit.tags.map((tag) => filter('tag', tag)));
}

function again(asked) {
  if (!asked.length) return null;
  const one = ({ title: text, source }) => el('li', {}, el('bdi', {}, ...title(text)), ' ',
    el('span', { className: 'path' }, el('bdi', {}, `${source.path}:${source.line}`)));
  return el('div', { className: 'again' }, el('p', {}, 'Also asked as'), el('ul', {}, ...asked.map(one)));
}

/** A question, whole: what else it is asked as, its answer, and what else its source says. */
export function wholeOf(question, why) {
  const answer = question.answer.trim();
  return [
    question.also.length ? el('p', { className: 'others' }, 'Other ways to ask: ',
      ...question.also.flatMap((also, nth) => [nth ? ' · ' : '', el('bdi', {}, ...title(also))])) : null,
    el('div', { className: 'prose' }, answer ? markdown(answer) : el('p', { className: 'soft' }, 'This question has no answer.')),
    facts(question),
    el('div', { className: 'tools' }, copyLink(question.id), why,
      question.url ? link(question.url, 'Where it was asked') : null),
  ].filter(Boolean);
}

function facts({ id, key, score, fields }) {
  const known = [['id', id], ['key', key], ['score', score], ...Object.entries(fields)].filter(([, value]) => value !== null);
  return el('dl', { className: 'facts' },
    ...known.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', { dir: 'auto' }, String(value)))));
}

function copyLink(id) {
  const button = el('button', { type: 'button' }, 'Copy link');
  button.onclick = async () => {
    const url = new URL(location.href);
    url.searchParams.set('open', id);
    try {
      await navigator.clipboard.writeText(url.href);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'The address bar has the link'; // no clipboard without https, but on this machine
    }
    setTimeout(() => { button.textContent = 'Copy link'; }, 2500);
  };
  return button;
}

const figure = (value, digits = 2) => (value === null ? '–' : value.toFixed(digits));
const ranked = ({ rank, of }) => (rank === null ? '' : `, ${rank.toLocaleString('en')} of ${of.toLocaleString('en')}`);

/** Why a hit stands where it does. */
export function explanationOf(hit) {
  const { semantic, keyword, semantic_weight: weight, named, exact, confidence } = hit.explanation;
  const rows = [['Score', figure(hit.score)]];
  if (exact) rows.push(['Exact', 'a title, or another way to ask, is the phrase']);
  if (semantic) {
    const near = semantic.nearest === 'also' ? `nearest is “${semantic.also}”` : semantic.nearest && `nearest is its ${semantic.nearest}`;
    rows.push(['Meaning', `${percent(weight)} of the score: cosine ${figure(semantic.cosine)}${ranked(semantic)}${near ? `; ${near}` : ''}`]);
  }
  rows.push(['Words', `${percent(1 - weight)} of the score: BM25 ${figure(keyword.bm25, 1)}${ranked(keyword)}; has ${percent(keyword.covered)} of what the phrase says`]);
  if (named !== null) rows.push(['Named', `${percent(named)} of the names in the phrase`]);
  if (confidence) {
    const moved = ({ feature, effect }) => `${feature} ${effect < 0 ? '−' : '+'}${Math.abs(effect).toFixed(2)}`;
    rows.push(['Sure', `${percent(confidence.average)} for an average hit, moved by ${confidence.reasons.map(moved).join(', ')}`]);
  }
  const line = ([name, text]) => el('div', {}, el('dt', {}, name), el('dd', {}, text));
  return el('section', { className: 'why', 'aria-label': 'Why this hit' },
    el('dl', {}, ...rows.map(line)), keyword.words.length ? wordTable(keyword.words) : null);
}

function wordTable(words) {
  const head = ['word', 'says', 'in title', 'other ways', 'answer'].map((name) => el('th', { scope: 'col' }, name));
  const cells = ({ word, idf, title: inTitle, also, answer }) => [
    el('th', { scope: 'row' }, el('bdi', {}, word)),
    ...[idf.toFixed(1), inTitle, also, answer].map((value) => el('td', {}, value === 0 ? '–' : String(value))),
  ];
  return el('div', { className: 'wide', tabIndex: 0, role: 'group', 'aria-label': 'Words' },
    el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...words.map((word) => el('tr', {}, ...cells(word))))));
}

/** What the line above the hits says. */
export function summaryOf(reply, filtered) {
  const n = reply.hits.length, took = `${reply.took_ms < 10 ? reply.took_ms.toFixed(1) : Math.round(reply.took_ms)} ms`;
  if (!n) return filtered ? 'Nothing found with these filters.' : 'Nothing found.';
  return reply.answered ? `${count(n, 'hit')} in ${took}` : `Nothing here answers this. The nearest ${n === 1 ? 'miss' : 'misses'}:`;
}
