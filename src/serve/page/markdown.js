// Renders Markdown as elements and marks what matches the phrase. Marks are positions in the source, so every character
// keeps its position in the source. Markup that is not supported stays text.

import { el, link, unitsOf } from './dom.js';

// The deepest nesting of blocks, and the longest inline markup in characters. Beyond these limits, markup stays text.
const DEEPEST = 20, FARTHEST = 2000;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(\s+)(?=\S)/;
const QUOTE = /^ {0,3}> ?/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Converts byte ranges of a text's UTF-8 to a flag for each of its UTF-16 code units. */
function flagsOf(source, bytes) {
  const flags = new Uint8Array(source.length);
  for (const [start, end] of unitsOf(source, bytes)) flags.fill(1, start, end);
  return flags;
}

/** Renders a whole Markdown text. */
export function markdown(source) {
  return render(source, [], linesOf(source));
}

/** Renders an excerpt of a Markdown text. `marks` are byte ranges of the excerpt, in order. */
export function markdownPiece(source, marks) {
  return render(source, marks, linesOf(source));
}

/** Renders lines of code. `marks` are byte ranges of the code, in order; `language` is its name or null. */
export function codePiece(source, marks, language) {
  const root = document.createDocumentFragment();
  if (language) root.append(el('p', { className: 'language' }, language));
  new Writer(source, flagsOf(source, marks)).pre(root, linesOf(source));
  return root;
}

function render(source, marks, lines) {
  const root = document.createDocumentFragment();
  new Writer(source, flagsOf(source, marks)).blocks(root, lines);
  return root;
}

/** Renders a title: one line whose only markup is `code`. */
export function title(text) {
  return text.split(/(`[^`]+`)/).map((part, nth) => (nth % 2 ? el('code', {}, part.slice(1, -1)) : part));
}

/** The lines of a text, each with its position in the source. */
function linesOf(source) {
  const lines = [];
  let at = 0;
  for (const text of source.split('\n')) {
    lines.push({ text: text.replace(/\r$/, ''), at });
    at += text.length + 1;
  }
  return lines;
}

const indent = (text) => text.length - text.trimStart().length;
const blank = (line) => !line.text.trim();
const cut = (line, length) => ({ text: line.text.slice(length), at: line.at + Math.min(length, line.text.length) });
const startsBlock = ({ text }) =>
  FENCE.test(text) || HEADING.test(text) || RULE.test(text) || ITEM.test(text) || QUOTE.test(text);

class Writer {
  constructor(source, flags) {
    this.source = source;
    this.flags = flags;
    this.depth = 0;
    this.levels = [...new Set(linesOf(source).map((line) => HEADING.exec(line.text)?.[1].length).filter(Boolean))].sort();
  }

  blocks(into, lines) {
    this.depth += 1;
    for (let i = 0; i < lines.length;) {
      const line = lines[i];
      if (blank(line)) i += 1;
      else if (this.depth > DEEPEST) i = this.paragraph(into, lines, i);
      else if (FENCE.test(line.text)) i = this.code(into, lines, i);
      else if (HEADING.test(line.text)) i = this.heading(into, lines, i);
      else if (RULE.test(line.text)) { into.append(el('hr')); i += 1; }
      else if (QUOTE.test(line.text)) i = this.quote(into, lines, i);
      else if (ITEM.test(line.text)) i = this.list(into, lines, i);
      else if (indent(line.text) >= 4) i = this.indented(into, lines, i);
      else if (line.text.includes('|') && lines[i + 1] && DIVIDER.test(lines[i + 1].text)) i = this.table(into, lines, i);
      else i = this.paragraph(into, lines, i);
    }
    this.depth -= 1;
  }

  code(into, lines, i) {
    const [, fence] = FENCE.exec(lines[i].text), margin = indent(lines[i].text);
    let end = i + 1;
    const closes = ({ text }) => text.trim().startsWith(fence) && !text.trim().replaceAll(fence[0], '');
    while (end < lines.length && !closes(lines[end])) end += 1;
    const inside = lines.slice(i + 1, end).map((line) => cut(line, Math.min(margin, indent(line.text))));
    this.pre(into, inside);
    return end + 1;
  }

  indented(into, lines, i) {
    let end = i;
    while (end < lines.length && (blank(lines[end]) || indent(lines[end].text) >= 4)) end += 1;
    while (blank(lines[end - 1])) end -= 1;
    this.pre(into, lines.slice(i, end).map((line) => cut(line, 4)));
    return end;
  }

  // A code block can be scrolled, so it must be reachable with the keyboard.
  pre(into, lines) {
    const code = el('code');
    const view = viewOf(lines);
    this.text(code, view, 0, view.text.length);
    into.append(el('pre', { tabIndex: 0, role: 'group', 'aria-label': 'Code' }, code));
  }

  heading(into, lines, i) {
    const [, hashes, text] = HEADING.exec(lines[i].text);
    const heading = el(`h${Math.min(6, 3 + this.levels.indexOf(hashes.length))}`);
    const from = lines[i].text.indexOf(text, hashes.length);
    this.inline(heading, viewOf([{ text, at: lines[i].at + from }]));
    into.append(heading);
    return i + 1;
  }

  quote(into, lines, i) {
    let end = i;
    while (end < lines.length && QUOTE.test(lines[end].text)) end += 1;
    const quote = el('blockquote');
    this.blocks(quote, lines.slice(i, end).map((line) => cut(line, QUOTE.exec(line.text)[0].length)));
    into.append(quote);
    return end;
  }

  list(into, lines, i) {
    const [, lead, bullet] = ITEM.exec(lines[i].text), ordered = /\d/.test(bullet);
    const list = ordered ? el('ol', { start: parseInt(bullet, 10) }) : el('ul');
    const begins = (line) => {
      const item = ITEM.exec(line.text);
      return item && !RULE.test(line.text) && item[1].length <= lead.length + 1 && /\d/.test(item[2]) === ordered ? item : null;
    };
    while (i < lines.length && begins(lines[i])) {
      const depth = begins(lines[i])[0].length;
      let end = i + 1;
      while (end < lines.length && !begins(lines[end]) && this.belongs(lines, end, lead.length)) end += 1;
      while (blank(lines[end - 1])) end -= 1;
      const inside = lines.slice(i, end).map((line, nth) => cut(line, nth ? Math.min(depth, indent(line.text)) : depth));
      const item = el('li');
      this.blocks(item, inside);
      list.append(item);
      i = end;
      while (i < lines.length && blank(lines[i]) && lines.slice(i).find((line) => !blank(line)) && begins(lines.slice(i).find((line) => !blank(line)))) i += 1;
    }
    into.append(list);
    return i;
  }

  /** Whether a line continues a list item: it is indented, or continues a paragraph. */
  belongs(lines, at, margin) {
    if (blank(lines[at])) {
      const next = lines.slice(at).find((line) => !blank(line));
      return Boolean(next) && indent(next.text) > margin;
    }
    return indent(lines[at].text) > margin || (!blank(lines[at - 1]) && !startsBlock(lines[at]));
  }

  table(into, lines, i) {
    const cells = (line) => {
      const found = [];
      for (const cell of line.text.matchAll(/(?:\\.|`[^`]*`|[^|\\`]|`)+/g)) {
        const lead = indent(cell[0]);
        if (cell[0].trim() || found.length) found.push({ text: cell[0].trim(), at: line.at + cell.index + lead });
      }
      return found;
    };
    const row = (line, tag) => el('tr', {}, ...cells(line).map((cell) => {
      const box = el(tag, tag === 'th' ? { scope: 'col' } : {});
      this.inline(box, viewOf([cell]));
      return box;
    }));
    let end = i + 2;
    while (end < lines.length && !blank(lines[end]) && lines[end].text.includes('|')) end += 1;
    const body = lines.slice(i + 2, end).map((line) => row(line, 'td'));
    const table = el('table', {}, el('thead', {}, row(lines[i], 'th')), el('tbody', {}, ...body));
    into.append(el('div', { className: 'wide', tabIndex: 0, role: 'group', 'aria-label': 'Table' }, table));
    return end;
  }

  paragraph(into, lines, i) {
    let end = i + 1;
    while (end < lines.length && !blank(lines[end]) && !startsBlock(lines[end])) end += 1;
    const paragraph = el('p', { dir: 'auto' });
    this.inline(paragraph, viewOf(lines.slice(i, end).map((line) => cut(line, indent(line.text)))));
    into.append(paragraph);
    return end;
  }

  inline(into, view, from = 0, to = view.text.length) {
    let plain = from;
    for (let i = from; i < to;) {
      const found = this.markup(view, i, to);
      if (!found) { i += 1; continue; }
      this.text(into, view, plain, i);
      found.write(into);
      i = plain = found.end;
    }
    this.text(into, view, plain, to);
  }

  /** The markup that begins at a position: its end, and a function that writes it. `null` if there is none. */
  markup(view, i, end) {
    const to = Math.min(end, i + FARTHEST);
    const { text } = view, rest = text.slice(i, to), c = text[i];
    if (c === '\\' && /[!-/:-@[-`{-~]/.test(text[i + 1] || '')) {
      return { end: i + 2, write: (into) => this.text(into, view, i + 1, i + 2) };
    }
    if (c === '`') return this.codeSpan(view, i, to);
    if (c === '[' || (c === '!' && text[i + 1] === '[')) return this.linked(view, i, to);
    if (c === '*' || c === '_' || c === '~') return this.emphasis(view, i, to);
    const bare = (c === 'h' || c === '<') && /^<?(https?:\/\/[^\s<>]*[^\s<>.,;:!?)\]}'"*_`])>?/.exec(rest);
    if (bare && !/\w/.test(text[i - 1] || '')) {
      const start = i + (c === '<' ? 1 : 0);
      return { end: i + bare[0].length, write: (into) => this.anchor(into, bare[1], view, start, start + bare[1].length) };
    }
    if (c === '&') return this.entity(view, i, rest);
    if (c === '\\' && text[i + 1] === '\n') return { end: i + 2, write: (into) => into.append(el('br')) };
    if (c === '\n' && text.startsWith('  ', i - 2)) return { end: i + 1, write: (into) => into.append(el('br')) };
    return null;
  }

  codeSpan(view, i, to) {
    const run = /^`+/.exec(view.text.slice(i, to))[0].length;
    for (let j = i + run; j < to; j += 1) {
      if (view.text[j] !== '`') continue;
      const end = j + /^`+/.exec(view.text.slice(j, to))[0].length;
      if (end - j !== run) { j = end - 1; continue; }
      let [from, upTo] = [i + run, j];
      const padded = view.text[from] === ' ' && view.text[upTo - 1] === ' ' && view.text.slice(from, upTo).trim();
      if (padded) { from += 1; upTo -= 1; }
      return { end, write: (into) => this.wrapped(into, 'code', (code) => this.text(code, view, from, upTo)) };
    }
    return { end: i + run, write: (into) => this.text(into, view, i, i + run) };
  }

  // An image becomes a link and is not loaded, so that the page sends no request to another server.
  linked(view, i, to) {
    const from = i + (view.text[i] === '!' ? 2 : 1);
    let depth = 1, close = from;
    for (; close < to && depth; close += 1) {
      if (view.text[close] === '\\') close += 1;
      else if (view.text[close] === '[') depth += 1;
      else if (view.text[close] === ']') depth -= 1;
    }
    const target = !depth && /^\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(view.text.slice(close, to));
    if (!target) return null;
    return { end: close + target[0].length, write: (into) => this.anchor(into, target[1], view, from, close - 1, true) };
  }

  anchor(into, address, view, from, to, markup = false) {
    const anchor = link(address);
    if (markup) this.inline(anchor, view, from, to);
    else this.text(anchor, view, from, to);
    into.append(anchor);
  }

  emphasis(view, i, to) {
    const { text } = view, c = text[i];
    const size = text[i + 1] === c ? 2 : 1, sign = c.repeat(size);
    const word = (at) => /[\p{L}\p{N}]/u.test(text[at] || '');
    if ((c === '~' && size === 1) || /\s/.test(text[i + size] || ' ') || (c === '_' && word(i - 1))) return null;
    // If an earlier search found no closing delimiter up to a position, this one begins there.
    for (let j = Math.max(i + size, view.closed[sign] ?? 0); j < to; j += 1) {
      if (text[j] === '\\') { j += 1; continue; }
      if (text[j] === '`') { j = Math.max(j, this.codeSpan(view, j, to).end - 1); continue; }
      const closes = text.startsWith(sign, j) && j > i + size && !/\s/.test(text[j - 1]);
      if (!closes || (size === 1 && text[j + 1] === c) || (c === '_' && word(j + size))) {
        if (closes && size === 1 && text[j + 1] === c) j += 1;
        continue;
      }
      const tag = c === '~' ? 's' : size === 2 ? 'strong' : 'em';
      return { end: j + size, write: (into) => this.wrapped(into, tag, (box) => this.inline(box, view, i + size, j)) };
    }
    view.closed[sign] = to;
    return null;
  }

  entity(view, i, rest) {
    const names = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };
    const [whole, name, code] = /^&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,6}));/.exec(rest) || [];
    if (!whole) return null;
    const letter = name ? names[name] : String.fromCodePoint(Math.min(Number(code), 0x10ffff));
    return { end: i + whole.length, write: (into) => into.append(letter) };
  }

  wrapped(into, tag, fill) {
    const box = el(tag);
    fill(box);
    into.append(box);
  }

  /** Writes text without interpreting markup, with matches in <mark>. */
  text(into, view, from, to) {
    for (let i = from, j; i < to; i = j) {
      const marked = this.flags[view.at[i]];
      for (j = i + 1; j < to && this.flags[view.at[j]] === marked;) j += 1;
      into.append(marked ? el('mark', {}, view.text.slice(i, j)) : view.text.slice(i, j));
    }
  }
}

/** Joins lines into one text, with the position of each character in the source. */
function viewOf(lines) {
  const at = [];
  lines.forEach((line, nth) => {
    if (nth) at.push(line.at - 1);
    for (let i = 0; i < line.text.length; i += 1) at.push(line.at + i);
  });
  return { text: lines.map((line) => line.text).join('\n'), at, closed: {} };
}
