// Splits texts into words and pieces of code: the same as src/analyze does in Rust, without stems. The index has the
// terms of each word that occurs.
//
// A change there has to be made here as well; tests/browser/site.mjs compares both.

const LONGEST_WHOLE = 64, LONGEST_TOKEN = 100;

const WORD = /[\p{Alphabetic}\p{N}\p{M}_\u00AD\u200C\u200D\u2060\u0640\uFE0E\uFE0F]/u;
const INVISIBLE = /[\u00AD\u200C\u200D\u2060\u0640\uFE0E\uFE0F]/gu;
const MARK = /\p{M}/u;
const SUPERSCRIPT = /[²³¹⁰⁴-⁹]/u;
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Myanmar}\p{Script=Khmer}\u3005-\u3007\u3031-\u3035\u30FC\uFF70\uFF9E\uFF9F]/u;
const HANGUL = /\p{Script=Hangul}/u;
const IDEOGRAPH = /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{323AF}]/u;

// Nearly all texts are in ASCII, and the expression is slow.
const ASCII_WORD = Array.from({ length: 128 }, (_, code) => WORD.test(String.fromCharCode(code)));
const isWord = (c) => c !== undefined && (ASCII_WORD[c.charCodeAt(0)] ?? WORD.test(c));
const isAscii = (text) => /^[\x00-\x7F]*$/.test(text);

// ---- Spellings ----

const LETTERS = new Map(Object.entries({ ß: 'ss', æ: 'ae', œ: 'oe', þ: 'th', ø: 'o', ł: 'l', đ: 'd', ð: 'd', ħ: 'h', ı: 'i', ς: 'σ',
  ى: 'ي', ی: 'ي', ٱ: 'ا', ک: 'ك', ة: 'ه', ہ: 'ه', ۀ: 'ه' }));
const ZEROS = [0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0x1040, 0x17E0, 0x1810];

/** Whether a mark after a letter is often left out. Others make another letter: `й`, voiced kana, Indic vowels. */
function isOptionalMark(base, mark) {
  const code = mark.codePointAt(0), within = (from, to) => code >= from && code <= to;
  if (code === 0x306) return base !== 'и' && base !== 'у';
  if (code === 0x308) return base !== 'і';
  return within(0x300, 0x36F) || within(0x591, 0x5C7) || within(0x610, 0x61A) || within(0x64B, 0x65F) || code === 0x670 ||
    within(0x6D6, 0x6ED) || code === 0x93C || code === 0x9BC || code === 0xA3C || code === 0xABC || code === 0xB3C ||
    within(0x20D0, 0x20FF) || within(0xFE00, 0xFE2F);
}

function letter(c) {
  if (LETTERS.has(c)) return LETTERS.get(c);
  const code = c.codePointAt(0), zero = code < 0x660 ? undefined : ZEROS.find((from) => code >= from && code < from + 10);
  return zero === undefined ? c : String(code - zero);
}

/** A word in lower case, without the accents and other marks that people leave out. */
export function folded(word) {
  if (isAscii(word)) return word.toLowerCase();
  let text = '', base = ' ';
  for (const c of word.normalize('NFKD').toLowerCase().normalize('NFD')) {
    if (MARK.test(c)) {
      if (!isOptionalMark(base, c)) text += c === 'ँ' ? 'ं' : c;
      continue;
    }
    base = c;
    text += letter(c);
  }
  return text.replace(INVISIBLE, '').normalize('NFC');
}

// ---- Tokens ----

/** Makes a function that splits texts, from the rules in the manifest. */
export function analyzer({ operators, elisions, particles, simplified }) {
  const rules = { operators: new Set(operators), elisions: new Set(elisions), particles, simplified: new Map() };
  const characters = [...simplified];
  for (let at = 0; at + 1 < characters.length; at += 2) rules.simplified.set(characters[at], characters[at + 1]);
  return (text) => new Scan(text, rules).tokens();
}

/**
 * The tokens of a phrase: where a pair of kana or of Thai units is a token, its units are not.
 */
export function phraseTokens(tokens) {
  const isPlain = (token) => token.unspaced && !IDEOGRAPH.test(token.key);
  const pairs = tokens.filter((token) => token.whole && token.unspaced);
  const inPair = (token) => pairs.some((pair) => pair.start <= token.start && token.end <= pair.end);
  return tokens.filter((token) => token.whole || !isPlain(token) || !inPair(token))
    .map((token) => (isPlain(token) ? { ...token, whole: false } : token));
}

class Scan {
  constructor(text, rules) {
    Object.assign(this, { text, rules, found: [] });
  }

  tokens() {
    this.run(0, this.text.length);
    return this.found;
  }

  /** The character at a position, which may be two UTF-16 units. */
  at(at) {
    return at < this.text.length ? String.fromCodePoint(this.text.codePointAt(at)) : undefined;
  }

  before(at) {
    if (at <= 0) return undefined;
    const low = this.text.charCodeAt(at - 1);
    return low >= 0xDC00 && low <= 0xDFFF ? this.at(at - 2) : this.text[at - 1];
  }

  /** The end of the characters of a kind from a position. */
  runOf(at, end, kind) {
    let to = at;
    while (to < end) {
      const c = this.at(to);
      if (!kind(c)) break;
      to += c.length;
    }
    return to;
  }

  run(start, end) {
    let at = start;
    while (at < end) {
      const c = this.at(at);
      if (isWord(c)) at = this.code(at, end);
      else if (c === ' ') at += 1;
      else at = this.lifetime(at, end) ?? this.attribute(at, end) ?? this.reference(at, end) ?? this.operator(at, end) ?? this.prefixed(at, end) ?? at + c.length;
    }
  }

  /** A word, identifier, path, macro name or generic type. */
  code(at, end) {
    const path = this.pathEnd(at, end), generic = this.genericEnd(path, end);
    if (generic > path) {
      this.whole(at, generic);
      this.path(at, path);
      this.run(path + 1, generic - 1);
      return generic;
    }
    const elided = this.elision(at, path, end);
    if (elided !== undefined) return elided;
    const rest = this.text.slice(path, end), sign = ['++', '#', '!'].find((one) => rest.startsWith(one));
    if (!sign || (sign === '!' && (rest[1] === '=' || path - at < 3))) {
      this.path(at, path);
      return path;
    }
    const after = path + sign.length, version = this.runOf(after, end, (c) => /[0-9]/.test(c));
    if (version > after && sign !== '!') this.whole(at, version);
    this.whole(at, after);
    this.path(at, path);
    return after;
  }

  pathEnd(at, end) {
    const wordEnd = (from) => this.runOf(from, end, isWord);
    let to = wordEnd(at);
    for (;;) {
      let joint = 0;
      if (this.text.startsWith('::', to) && to + 2 <= end) joint = 2;
      else if (to < end && this.text[to] === '.' && isAscii(this.text.slice(at, to)) && isAscii(this.text.slice(to, wordEnd(to + 1)))) joint = 1;
      if (!joint) return to;
      const next = wordEnd(to + joint);
      if (next === to + joint) return to;
      to = next;
    }
  }

  genericEnd(at, end) {
    if (at >= end || this.text[at] !== '<') return at;
    let depth = 0, before = ' ';
    for (let offset = 0; at + offset < end;) {
      const c = this.at(at + offset);
      if (c === '<') depth += 1;
      else if (c === '>' && before !== '-' && before !== '=') depth -= 1;
      else if ('\n`"|.'.includes(c)) return at;
      if (depth === 0) return at + offset + 1;
      if (offset > LONGEST_WHOLE) return at;
      before = c;
      offset += c.length;
    }
    return at;
  }

  lifetime(at, end) {
    if (this.text[at] !== "'" || isWord(this.before(at))) return undefined;
    const to = this.runOf(at + 1, end, isWord);
    if (to === at + 1 || (to < end && this.text[to] === "'") || /[0-9]/.test(this.text[at + 1])) return undefined;
    this.whole(at, to);
    this.path(at + 1, to);
    return to;
  }

  attribute(at, end) {
    const open = ['#[', '#!['].find((one) => this.text.startsWith(one, at) && at + one.length <= end);
    if (!open) return undefined;
    const rest = this.text.slice(at, Math.min(end, at + LONGEST_WHOLE)), close = rest.indexOf(']'), line = rest.indexOf('\n');
    if (close < 0 || (line >= 0 && line < close)) return undefined;
    this.whole(at, at + close + 1);
    this.run(at + open.length, at + close);
    return at + close + 1;
  }

  reference(at, end) {
    if (this.text[at] !== '&' || at + 1 >= end || !isWord(this.at(at + 1))) return undefined;
    this.whole(at, this.runOf(at + 1, end, isWord));
    return at + 1;
  }

  operator(at, end) {
    const alone = (c) => c === undefined || c === '`' || /\s/u.test(c);
    if (!alone(this.before(at))) return undefined;
    const to = this.runOf(at, end, (c) => !alone(c)), sign = this.text.slice(at, to);
    const only = this.text.trim() === '?';
    if (!this.rules.operators.has(sign) || (sign === '?' && at + 1 === this.text.length && !only)) return undefined;
    this.whole(at, to);
    return to;
  }

  prefixed(at, end) {
    const before = this.before(at);
    if (before !== undefined && !/\s/u.test(before) && !"`(['\"/|,=".includes(before)) return undefined;
    const prefix = ['--', '-', '.'].find((one) => this.text.startsWith(one, at));
    if (!prefix) return undefined;
    const from = at + prefix.length;
    if (from >= end || !/[A-Za-z]/.test(this.text[from])) return undefined;
    const to = this.runOf(from, end, (c) => /[A-Za-z0-9_-]/.test(c));
    if (prefix === '.' && to < end && '(:<'.includes(this.text[to])) return undefined;
    this.whole(at, from + this.text.slice(from, to).replace(/-+$/, '').length);
    return from;
  }

  elision(start, end, limit) {
    if (end >= limit || !"'’".includes(this.text[end]) || !isWord(this.at(end + 1)) || end + 1 >= limit) return undefined;
    return this.rules.elisions.has(this.text.slice(start, end).toLowerCase()) ? end + 1 : undefined;
  }

  path(start, end) {
    const path = this.text.slice(start, end);
    if (path.includes('::') || (path.includes('.') && this.text[end] !== '(')) {
      this.whole(start, end);
      if (/^v[0-9]/i.test(path)) this.whole(start + 1, end);
    }
    let at = start;
    while (at < end) {
      const to = this.runOf(at, end, isWord);
      if (to > at) this.identifier(at, to);
      at = this.runOf(to, end, (c) => !isWord(c));
    }
  }

  identifier(start, end) {
    const text = this.text.slice(start, end);
    if (/^[A-Za-z][a-z]*$/.test(text)) return this.word(start, end);
    const parts = partsOf(text);
    if (parts.length > 1 && parts.every((part) => part.kind === 'spaced') && !hasPower(text)) this.whole(start, end);
    for (const { start: from, end: to, kind } of parts) {
      if (kind === 'spaced') this.word(start + from, start + to);
      else if (kind === 'hangul') this.korean(start + from, start + to, from > 0);
      else this.unspaced(start + from, start + to);
    }
    return undefined;
  }

  word(start, end) {
    this.push(folded(this.text.slice(start, end)), start, end, { stemmed: true });
  }

  /** A Korean word without its particle; one of three or more syllables also yields pairs of syllables. */
  korean(start, end, followsName) {
    const text = this.text.slice(start, end);
    if (followsName && this.rules.particles.includes(text)) return;
    const term = this.withoutParticle(folded(text)), syllables = [...term];
    if (syllables.length < 3 || /[^가-힣]/u.test(text)) {
      this.push(term, start, end);
      return;
    }
    this.push(term, start, start + syllables.length, { whole: true });
    for (let nth = 0; nth + 1 < syllables.length; nth += 1) this.push(syllables[nth] + syllables[nth + 1], start + nth, start + nth + 2);
  }

  withoutParticle(word) {
    const particle = this.rules.particles.find((one) => word.endsWith(one) && [...word.slice(0, -one.length)].length > 1);
    return particle ? word.slice(0, -particle.length) : word;
  }

  /** The units of a run of a script without spaces, and each pair of them before its first unit. */
  unspaced(start, end) {
    const units = this.units(start, end);
    units.forEach((unit, nth) => {
      const next = units[nth + 1];
      if (next) this.push(unit.text + next.text, unit.start, next.end, { whole: true, unspaced: true });
      this.push(unit.text, unit.start, unit.end, { unspaced: true });
    });
  }

  units(start, end) {
    const units = [];
    let before;
    for (let at = start; at < end;) {
      const c = this.at(at), to = at + c.length;
      if (before !== undefined && continues(before, c)) units.at(-1).end = to;
      else units.push({ start: at, end: to });
      before = c;
      at = to;
    }
    for (const unit of units) {
      unit.text = [...folded(this.text.slice(unit.start, unit.end))].map((c) => this.rules.simplified.get(c) ?? c).join('');
    }
    return units.filter((unit) => unit.text);
  }

  whole(start, end) {
    this.push(folded(this.text.slice(start, end)).replace(/\s+/gu, ''), start, end, { whole: true });
  }

  push(key, start, end, { whole = false, unspaced = false, stemmed = false } = {}) {
    if (key && new TextEncoder().encode(key).length <= LONGEST_TOKEN) this.found.push({ key, start, end, whole, unspaced, stemmed });
  }
}

function kindOf(c) {
  if (HANGUL.test(c)) return 'hangul';
  if (UNSPACED.test(c)) return 'unspaced';
  return MARK.test(c) || /[\u00AD\u200C\u200D\u2060\u0640\uFE0E\uFE0F]/u.test(c) ? undefined : 'spaced';
}

const isUpper = (c) => c !== undefined && /\p{Uppercase}/u.test(c);
const isLower = (c) => c !== undefined && /\p{Lowercase}/u.test(c);

function hasPower(word) {
  return /[0-9][²³¹⁰⁴-⁹]/u.test(word);
}

/** The parts of an identifier: `Mutex|Guard`, `spawn|blocking`, `HTTP|Server`. */
function partsOf(identifier) {
  const parts = [], characters = [...identifier];
  let at = 0, before;
  characters.forEach((c, nth) => {
    const end = at + c.length, kind = kindOf(c), part = parts.at(-1);
    const boundary = before === undefined || before === '_' || !part || (kind && kind !== part.kind) || (isLower(before) && isUpper(c)) ||
      (/[0-9]/.test(before) && SUPERSCRIPT.test(c)) || (isUpper(before) && isUpper(c) && isLower(characters[nth + 1]));
    if (c !== '_') {
      if (part && !boundary) part.end = end;
      else parts.push({ start: at, end, kind: kind ?? 'spaced' });
    }
    before = c;
    at = end;
  });
  return parts;
}

/** Whether a character of a script without spaces belongs to the unit of the one before it. */
function continues(before, c) {
  const code = c.codePointAt(0), last = before.codePointAt(0), within = (from, to) => code >= from && code <= to;
  if (/\p{Script=Thai}/u.test(c)) return within(0xE30, 0xE3A) || code === 0xE45 || within(0xE47, 0xE4E) || (last >= 0xE40 && last <= 0xE44);
  if (/\p{Script=Lao}/u.test(c)) return within(0xEB0, 0xEBD) || within(0xEC8, 0xECE) || (last >= 0xEC0 && last <= 0xEC4);
  if (/\p{Script=Myanmar}/u.test(c)) return within(0x102B, 0x103E) || within(0x1056, 0x1059) || within(0x105E, 0x1060) || within(0x1062, 0x1064) || last === 0x1039;
  if (/\p{Script=Khmer}/u.test(c)) return within(0x17B4, 0x17D3) || code === 0x17DD || last === 0x17D2;
  return code === 0x3099 || code === 0x309A || code === 0xFF9E || code === 0xFF9F;
}
