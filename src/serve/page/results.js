// Builds the elements of hits, whole questions and explanations.

import { count, el, link, percent } from './dom.js';
import { codePiece, markdown, markdownPiece, title } from './markdown.js';

/** The most questions that are listed if none answers the phrase. */
const CLOSEST = 3;

/** How many hits of a reply to list, by the rule of the terminal: those up to the last one that is not weak. */
export function listedOf({ answered, hits }) {
  if (!answered) return Math.min(CLOSEST, hits.length);
  return hits.findLastIndex((hit) => hit.quality !== 'weak') + 1 || hits.length;
}

/** A closed hit. A click on one of its filters calls `use` with the filter's name and value. */
export function hitOf(hit, use) {
  const id = `hit-${hit.rank}`;
  const button = el('button', { className: 'title', type: 'button', 'aria-expanded': 'false', 'aria-controls': `${id}-whole` },
    ...title(hit.title));
  const item = el('li', { className: 'hit', id },
    el('div', { className: 'head' }, el('h2', { dir: 'auto' }, button),
      hit.pinned ? el('p', { className: 'quality pinned', title: 'Put first for this phrase by the owner of the index' }, 'pinned') : null,
      qualityOf(hit)),
    hit.distinction === null ? null : el('p', { className: 'distinction' }, el('code', { dir: 'auto' }, hit.distinction)),
    locationOf(hit, use),
    snippetOf(hit.snippet),
    alsoAsked(hit.also_asked),
    el('div', { className: 'whole', id: `${id}-whole`, hidden: true }));
  return item;
}

/** An excerpt: text, or code with its language. */
function snippetOf({ text, kind, language, highlights }) {
  if (kind === 'text') return el('div', { className: 'snippet prose' }, markdownPiece(text, highlights));
  return el('div', { className: 'snippet prose' }, codePiece(text, highlights, language));
}

/**
 * The quality of a hit, as the terminal writes it: a word, and the probability if the index is calibrated; or its score
 * if the index has no embedding model and so no confidence.
 */
function qualityOf({ confidence, probability, quality, score }) {
  if (quality === null) return el('p', { className: 'quality' }, `score ${score.toFixed(2)}`);
  const level = el('span', { className: 'level' });
  level.style.inlineSize = `${Math.max(4, confidence * 100)}%`;
  const bar = el('span', { className: 'bar', 'aria-hidden': 'true' }, level);
  if (probability === null) {
    return el('p', { className: `quality ${quality}`, title: 'How sure it is that this answers the phrase' }, bar, quality);
  }
  // A probability is never certainty, even where it rounds to it.
  return el('p', { className: `quality ${quality}`, title: 'The probability that this answers the phrase' },
    bar, `${quality} ${Math.min(99, Math.round(probability * 100))} %`,
    el('span', { className: 'sr' }, ': probability that this answers the phrase'));
}

/** The file and line of a hit, and its section, level and tags as buttons that add a filter. */
function locationOf(hit, use) {
  const filter = (name, value) => el('button', { type: 'button', className: 'chip', title: `Show only this ${name}`,
    onclick: () => use(name, value) }, el('span', { className: 'sr' }, `Filter by ${name} `), el('bdi', {}, value));
  return el('div', { className: 'meta' },
    hit.index === undefined ? null : el('span', { className: 'path' }, el('bdi', {}, hit.index)),
    el('span', { className: 'path' }, el('bdi', {}, hit.source.line ? `${hit.source.path}:${hit.source.line}` : hit.source.path)),
    hit.section === null ? null : filter('section', hit.section),
    hit.level === null ? null : filter('level', hit.level),
    ...hit.tags.map((tag) => filter('tag', tag)));
}

function alsoAsked(asked) {
  if (!asked.length) return null;
  const one = ({ title: text, source }) => el('li', {}, el('bdi', {}, ...title(text)), ' ',
    el('span', { className: 'path' }, el('bdi', {}, `${source.path}:${source.line}`)));
  return el('div', { className: 'also-asked' }, el('p', {}, 'Also asked as'), el('ul', {}, ...asked.map(one)));
}

/**
 * The buttons that say whether a hit is useful. `judged` is the judgement so far: true, false or undefined. A click calls
 * `send`, which returns a promise, with the judgement.
 */
export function thumbsOf(judged, send) {
  const note = el('span', { className: 'note', role: 'status' });
  const thumb = (useful) => el('button', { type: 'button', className: 'thumb', title: useful ? 'Useful' : 'Not useful',
    'aria-label': useful ? 'Useful' : 'Not useful', 'aria-pressed': String(judged === useful) }, thumbIcon(useful));
  const buttons = new Map([[true, thumb(true)], [false, thumb(false)]]);
  const say = (text, tone) => { note.textContent = text; note.className = `note ${tone}`; };
  let sending = false;
  for (const [useful, button] of buttons) {
    button.onclick = async () => {
      if (sending) return;
      sending = true;
      say('Saving …', '');
      try {
        await send(useful);
        for (const [value, one] of buttons) one.setAttribute('aria-pressed', String(value === useful));
        say(useful ? 'Saved as useful. Thank you.' : 'Saved as not useful. Thank you.', '');
      } catch (error) {
        say(`Not saved: ${error.status ? error.message : 'the server cannot be reached'}.`, 'problem');
      } finally {
        sending = false;
      }
    };
  }
  return el('div', { className: 'feedback', role: 'group', 'aria-label': 'Is this hit useful?' },
    el('span', { 'aria-hidden': 'true' }, 'Useful?'), ...buttons.values(), note);
}

/** A thumb, up or down. Not every system has a font with these characters. */
function thumbIcon(up) {
  const svg = (tag, attributes) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const icon = svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true', class: up ? 'up' : 'down' });
  icon.append(svg('path', { d: 'M7 11v9H3.5v-9zM7 11l4-8c1.6 0 2.6 1.1 2.4 2.6L13 9h5.8c1.3 0 2.2 1.2 1.9 2.5l-1.6 6.8c-.2 1-1.1 1.7-2.1 1.7H7z' }));
  return icon;
}

/** A whole question: its alternative titles, its answer, and the other fields of its source. */
export function wholeOf(question, why) {
  const answer = question.answer.trim();
  return [
    question.also.length ? el('p', { className: 'others' }, 'Alternative titles: ',
      ...question.also.flatMap((also, nth) => [nth ? ' · ' : '', el('bdi', {}, ...title(also))])) : null,
    el('div', { className: 'prose' }, answer ? markdown(answer) : el('p', { className: 'soft' }, 'This question has no answer.')),
    facts(question),
    el('div', { className: 'tools' }, copyLink(question.id), why,
      question.url ? link(question.url, 'Original page') : null),
  ].filter(Boolean);
}

function facts({ id, key, date, score, fields }) {
  const named = Object.entries({ id, key, date, score, ...fields });
  const known = named.filter(([, value]) => value !== null);
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
      // Browsers allow the clipboard only over HTTPS and on localhost.
      button.textContent = 'Copy the link from the address bar';
    }
    setTimeout(() => { button.textContent = 'Copy link'; }, 2500);
  };
  return button;
}

const decimal = (value, digits = 2) => (value === null ? '–' : value.toFixed(digits));
const ranked = ({ rank, of }) => (rank === null ? '' : `, rank ${rank.toLocaleString('en')} of ${of.toLocaleString('en')}`);

/** Why a hit is ranked where it is. */
export function explanationOf(hit) {
  const { semantic, keyword, semantic_weight: weight, named, neighbours, exact, confidence } = hit.explanation;
  const rows = [['Score', decimal(hit.score)]];
  const { pin, synonyms } = hit.explanation;
  if (pin) rows.push(['Pin', pinText(pin)]);
  for (const { written, expansions, lines } of synonyms) {
    rows.push(['Synonym', `“${written}” finds “${expansions.join('”, “')}” (line ${lines.join(', ')})`]);
  }
  if (exact) rows.push(['Exact match', 'the phrase is its title or an alternative title']);
  if (semantic) {
    const near = semantic.nearest === 'also' ? `nearest chunk: “${semantic.also}”` : semantic.nearest && `nearest chunk: ${semantic.nearest}`;
    rows.push(['Semantic', `weight ${percent(weight)}; cosine ${decimal(semantic.cosine)}, ${decimal(semantic.centred_cosine)} without the mean of the index${ranked(semantic)}${near ? `; ${near}` : ''}`]);
  }
  rows.push(['Keyword', `weight ${percent(1 - weight)}; BM25 ${decimal(keyword.bm25, 1)}${ranked(keyword)}; ${percent(keyword.covered)} of the phrase by idf`]);
  if (named !== null) rows.push(['Exact terms', `${percent(named)} of those in the phrase`]);
  if (neighbours !== null) rows.push(['Nearest hits', `mean score ${decimal(neighbours)}; weight ${decimal(hit.explanation.neighbour_weight)}`]);
  if (confidence) {
    const moved = ({ feature, effect }) => `${feature} ${effect < 0 ? '−' : '+'}${Math.abs(effect).toFixed(2)}`;
    rows.push(['Confidence', `of an average hit ${percent(confidence.average)}; changes in log-odds: ${confidence.reasons.map(moved).join(', ')}`]);
  }
  const line = ([name, text]) => el('div', {}, el('dt', {}, name), el('dd', {}, text));
  return el('section', { className: 'why', 'aria-label': 'Why this hit' },
    el('dl', {}, ...rows.map(line)), keyword.words.length ? wordTable(keyword.words) : null);
}

/** The pin that applies to a phrase: for which phrase, who decided it, and why. */
function pinText({ line, phrase, cosine, by, date, note, unknown }) {
  return [`line ${line}, for “${phrase}”${cosine === null ? '' : ` with cosine ${decimal(cosine)}`}`,
    by && `by ${by}`, date && `on ${date}`, note, unknown.length && `not in the index: ${unknown.join(', ')}`]
    .filter(Boolean).join('; ');
}

function wordTable(words) {
  const head = ['word', 'idf', 'title', 'alternative titles', 'answer'].map((name) => el('th', { scope: 'col' }, name));
  const cells = ({ word, idf, title: inTitle, also, answer }) => [
    el('th', { scope: 'row' }, el('bdi', {}, word)),
    ...[idf.toFixed(1), inTitle, also, answer].map((value) => el('td', {}, value === 0 ? '–' : String(value))),
  ];
  return el('div', { className: 'wide', tabIndex: 0, role: 'group', 'aria-label': 'Words' },
    el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...words.map((word) => el('tr', {}, ...cells(word))))));
}

/** The status line above the hits, of which `n` are listed. */
export function summaryOf(reply, n, filtered) {
  const took = `${reply.took_ms < 10 ? reply.took_ms.toFixed(1) : Math.round(reply.took_ms)} ms`;
  if (!n) return filtered ? 'Nothing found with these filters.' : 'Nothing found.';
  return reply.answered ? `${count(n, 'hit')} in ${took}` : 'Nothing answers this. Closest questions:';
}
