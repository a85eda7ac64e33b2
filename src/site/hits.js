// Builds the elements of hits. Text of the index reaches the page as text nodes only, never as markup.

import { el } from './dom.js';

/** Inline markup whose signs are not shown: code, strong, emphasis, links and pictures. */
const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|!?\[([^\]]*)\]\([^)\s]*\)/g;

/**
 * The address that a hit may link to, relative to `base`: an `http` or `https` address; null for any other, such as a
 * `javascript:` address.
 */
export function addressOf(link, base) {
  if (!link) return null;
  try {
    const url = new URL(link, base);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

/** An option of the list: a link if the hit has an address. An option has no other element that can have the focus. */
export function optionOf(hit, nth, base) {
  const href = addressOf(hit.link, base);
  const about = [hit.section, hit.level, ...hit.tags].filter(Boolean);
  const option = el(href ? 'a' : 'div', { role: 'option', id: `hit-${nth}`, className: 'hit', tabIndex: -1, 'aria-selected': 'false' },
    el('span', { className: 'title', dir: 'auto' }, ...textOf(hit.title, hit.titleRanges)),
    about.length ? el('span', { className: 'about' }, ...about.flatMap((text, at) => [at ? ' · ' : '', el('bdi', {}, text)])) : null,
    excerptOf(hit.excerpt));
  if (href) option.href = href;
  return option;
}

function excerptOf({ text, ranges, code }) {
  if (!text) return null;
  if (code) return el('span', { className: 'excerpt code', dir: 'ltr' }, el('code', {}, ...pieces(text, 0, text.length, ranges)));
  return el('span', { className: 'excerpt', dir: 'auto' }, ...textOf(text, ranges));
}

/** A text with inline markup as nodes, with what matches marked. `ranges` are positions in the text. */
export function textOf(text, ranges) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(...pieces(text, at, match.index, ranges));
    const [whole, code, strong, label] = match, inner = code ?? strong ?? label;
    const start = match.index + whole.indexOf(inner), inside = pieces(text, start, start + inner.length, ranges);
    nodes.push(...(code === undefined ? inside : [el('code', {}, ...inside)]));
    at = match.index + whole.length;
  }
  return [...nodes, ...pieces(text, at, text.length, ranges)];
}

/** The characters from `start` to `end`, with those in a range marked. */
function pieces(text, start, end, ranges) {
  const nodes = [];
  let at = start;
  for (const [from, to] of ranges) {
    const first = Math.max(from, at), last = Math.min(to, end);
    if (first >= last) continue;
    nodes.push(text.slice(at, first), el('mark', {}, text.slice(first, last)));
    at = last;
  }
  nodes.push(text.slice(at, end));
  return nodes.filter((node) => node !== '');
}
