// Searches the index by words, as src/search/keyword does in Rust (BM25 over titles, alternative titles and answers), and by
// meaning once the vectors are loaded.

import { analyzer, folded, phraseTokens } from './analysis.js';
import { excerpt } from './excerpt.js';
import { Meaning, isIdentifier } from './meaning.js';

const MAX_TYPOS = 16, MAX_MEANINGS = 24, MIN_WORD = 4, MIN_WHOLE = 5, MAX_LENGTH = 40;
const MIN_PREFIX = 2, MAX_COMPLETIONS = 8, MAX_PREFIX_PARTS = 4;
const MAX_QUOTATIONS = 8, READ_FOR_QUOTATION = 20;
const COMPARED = 10, MIN_SCORE = 0.9; // see src/search/raise.rs
const ARTICLES = new Set(['a', 'an', 'the', 'der', 'die', 'das', 'den', 'dem', 'ein', 'eine', 'einen', 'le', 'la', 'les', 'l', 'un', 'une', 'el', 'los', 'las', 'una', 'il']);

export class Search {
  constructor(parts) { this.parts = parts; }

  async open() {
    const manifest = await this.parts.open();
    Object.assign(this, { questions: manifest.questions, rules: manifest.keyword, stop: new Set(manifest.keyword.stop) });
    this.analyze = analyzer(manifest.analysis);
    this.endings = manifest.endings.split(' ').filter(Boolean).map((rule) => rule.split('>'));
    return this;
  }

  /**
   * The questions that contain words of a phrase, best first: `{ hits, total, words }`. `typing` completes a last word that
   * no question contains. `filters` has lists of sections and tags; a question has to have one of each.
   */
  async find(phrase, { limit = 10, filters = {}, typing = false } = {}) {
    const words = await this.words(phrase, typing), allowed = await this.allowed(filters);
    const scores = await this.scores(words, allowed);
    await this.addQuotations(phrase, words, scores);
    const fused = this.meaning ? this.meaning.fused(scores, words, allowed, this.named(words)) : scores;
    const best = top(fused, Math.max(limit, COMPARED)), matches = this.matcher(words);
    const documents = await Promise.all(best.map(([number]) => this.parts.document(number)));
    const hits = best.map(([, score], nth) => ({ document: documents[nth], score }));
    const ranked = raised(phrase, hits).slice(0, limit);
    for (const hit of ranked) {
      hit.titleRanges = matches(hit.document.title).ranges;
      hit.excerpt = excerpt(hit.document, matches);
    }
    return { hits: ranked, total: fused.size, words };
  }

  /**
   * Loads what a search by meaning needs. From then on, phrases are searched by words and meaning. Returns whether the index
   * has vectors.
   */
  async loadMeaning() {
    const { meaning } = this.parts.manifest;
    if (!meaning) return false;
    const [terms, questions] = await Promise.all([meaning.terms, meaning.questions].map((hash) => this.parts.part('meaning', hash, (bytes) => bytes)));
    this.meaning = new Meaning(meaning.dimensions, meaning.weight, terms, questions);
    return true;
  }

  /** The identifiers of a phrase that few questions contain: their questions, and how much of the identifiers each is. */
  named(words) {
    const found = words.filter((word) => word.idf > this.rules.rare && isIdentifier(word.written, word.whole));
    const sum = found.reduce((total, word) => total + word.idf, 0);
    return found.map((word) => ({ numbers: word.frequencies, part: word.idf / sum }));
  }

  // ---- Words of the phrase ----

  /** The words of a phrase with the terms that each matches, without stop words. */
  async words(phrase, typing) {
    const tokens = phraseTokens(this.analyze(phrase));
    const known = await Promise.all(tokens.map((token) => this.known(token)));
    const main = (nth) => known[nth].terms[0] ?? tokens[nth].key, allStop = tokens.every((_, nth) => this.stop.has(main(nth)));
    const words = new Map();
    tokens.forEach((token, nth) => {
      const key = main(nth);
      if (!allStop && this.stop.has(key)) return;
      if (words.has(key)) words.get(key).count += 1;
      else words.set(key, { ...token, ...known[nth], written: phrase.slice(token.start, token.end), count: 1 });
    });
    const unknown = [...words.values()].filter((word) => !word.terms.length && !word.unspaced).slice(0, MAX_TYPOS);
    await Promise.all(unknown.map((word) => this.guess(word, typing && word.end === phrase.length)));
    return [...words.values()];
  }

  async known({ key, stemmed }) {
    const words = await this.parts.words(key), entry = words.get(key);
    if (!entry) return { terms: [], compounds: [] };
    if (!stemmed) return { terms: entry.questions ? [key] : [], compounds: [] };
    return { terms: entry.terms, compounds: entry.compounds };
  }

  /** Finds what a word that no question contains may mean: another form, the beginning of a word, or a word with a typo. */
  async guess(word, isLast) {
    word.terms = word.stemmed ? await this.otherForm(word.key) : [];
    if (!word.terms.length && isLast) word.terms = await this.completions(word.key);
    if (!word.terms.length) {
      word.terms = await this.oneTypoAway(word);
      word.corrected = word.terms.length > 0;
    }
  }

  /** The term of a word by the endings of the words that occur. */
  async otherForm(key) {
    for (const [removed, added = ''] of this.endings) {
      if (!key.endsWith(removed) || key.length - removed.length < 3) continue;
      const term = key.slice(0, -removed.length) + added, words = await this.parts.words(term);
      if (words.isTerm(term)) return [term];
    }
    return [];
  }

  /** The most frequent terms of the words with a beginning. */
  async completions(prefix) {
    if ([...prefix].length < MIN_PREFIX) return [];
    const found = new Map();
    for (const words of await this.parts.wordsWith(prefix, MAX_PREFIX_PARTS)) {
      for (let at = words.from(prefix); at < words.keys.length && words.keys[at].startsWith(prefix); at += 1) {
        for (const term of words.entry(at).terms) found.set(term, Math.max(words.get(term)?.questions ?? 1, found.get(term) ?? 0));
      }
    }
    return [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MAX_COMPLETIONS).map(([term]) => term);
  }

  /** The terms of words that differ in one letter: missing, added, replaced, or swapped with the next. */
  async oneTypoAway({ key, whole }) {
    const length = [...key].length;
    if (length < (whole ? MIN_WHOLE : MIN_WORD) || length > MAX_LENGTH || /^\p{N}/u.test(key)) return [];
    // In a large index, the words are in several parts. Those with a typo in the first letters may be in another one.
    const beginnings = new Set([key, key.slice(1), key[1] + key[0] + key.slice(2), key[0] + key[2] + key[1] + key.slice(3), key[0] + key.slice(2)]);
    const parts = new Set(await Promise.all([...beginnings].map((beginning) => this.parts.words(beginning))));
    const found = new Set();
    for (const words of parts) {
      words.keys.forEach((similar, at) => {
        if (Math.abs(similar.length - key.length) > 1 || !isOneTypo(key, similar) || !mayMean(key, similar)) return;
        for (const term of words.entry(at).terms) found.add(term);
      });
    }
    // People seldom get the first letter wrong.
    const terms = [...found].sort((a, b) => (b[0] === key[0]) - (a[0] === key[0]) || (a < b ? -1 : 1));
    return terms.slice(0, MAX_MEANINGS);
  }

  // ---- Scores ----

  /** The numbers of the questions that filters allow, or null for all. */
  async allowed({ sections = [], tags = [] }) {
    const lists = [[sections, 's'], [tags, 't']].filter(([names]) => names.length);
    let allowed = null;
    for (const [names, mark] of lists) {
      const found = await Promise.all(names.map((name) => this.parts.postings(`\u0001${mark}${name}`)));
      const numbers = new Set(found.flatMap((list) => [...(list?.questions ?? [])]));
      allowed = allowed ? new Set([...allowed].filter((number) => numbers.has(number))) : numbers;
    }
    return allowed;
  }

  /** The score of each question that contains a word. Sets the weight of each word. */
  async scores(words, allowed) {
    const { k1, compound, terms } = this.rules;
    await Promise.all(words.map(async (word) => { word.frequencies = await this.frequencies(word, k1, compound); }));
    for (const word of words) {
      const n = word.frequencies.size;
      word.idf = n ? Math.log(1 + Math.max(0, this.questions - n + 0.5) / (n + 0.5)) : 0;
      word.weight = word.idf * Math.sqrt(word.count);
    }
    const scores = new Map();
    for (const word of [...words].sort((a, b) => b.weight - a.weight).slice(0, terms)) {
      for (const [number, frequency] of word.frequencies) {
        if (allowed && !allowed.has(number)) continue;
        scores.set(number, (scores.get(number) ?? 0) + (word.weight * frequency * (k1 + 1)) / (frequency + k1));
      }
    }
    return scores;
  }

  /**
   * Adds to the scores of questions that contain quoted words of the phrase in this order. The index has no positions: only
   * the best questions with all of the words are read.
   */
  async addQuotations(phrase, words, scores) {
    const { k1 } = this.rules;
    for (const quoted of quotations(phrase).slice(0, MAX_QUOTATIONS)) {
      const parts = this.plain(quoted);
      if (parts.length < 2) continue;
      const needed = words.filter((word) => parts.includes(word.key) && word.terms.length);
      const all = [...scores].filter(([number]) => needed.every((word) => word.frequencies.has(number)));
      const read = all.sort((a, b) => b[1] - a[1]).slice(0, READ_FOR_QUOTATION).map(([number]) => number);
      const documents = await Promise.all(read.map((number) => this.parts.document(number)));
      const found = documents.filter((document) => this.contains(document, parts));
      const idf = Math.log(1 + Math.max(0, this.questions - found.length + 0.5) / (found.length + 0.5));
      for (const { number } of found) scores.set(number, scores.get(number) + (idf * (k1 + 1)) / (1 + k1));
    }
  }

  /** The words of a text without whole pieces of code, as their main terms or as written. */
  plain(text) {
    return this.analyze(text).filter((token) => !token.whole).map((token) => token.key);
  }

  /** Whether a title, an alternative title or a run of the answer contains words next to each other. */
  contains({ title, also, runs }, parts) {
    const terms = parts.map((part) => this.loadedTerms(part)[0]);
    const texts = [title, ...also, ...runs.map(([, units]) => units.map((unit) => unit.slice(1)).join(' '))];
    return texts.some((text) => {
      const inside = this.plain(text).map((key) => this.loadedTerms(key)[0]);
      return inside.some((_, at) => terms.every((term, nth) => inside[at + nth] === term));
    });
  }

  /** How often questions contain a word: the sum of its terms. */
  async frequencies({ terms, compounds }, k1, inCompound) {
    const all = [...terms.map((term) => [term, 1]), ...compounds.map((term) => [term, inCompound])];
    const lists = await Promise.all(all.map(([term]) => this.parts.postings(term)));
    const frequencies = new Map();
    lists.forEach((list, nth) => {
      if (!list) return;
      const { questions, shares } = list;
      for (let at = 0; at < questions.length; at += 1) {
        // The index has the part of the highest score that a frequency has.
        const share = Math.min(shares[at], 254) / 255, frequency = (all[nth][1] * k1 * share) / (1 - share);
        frequencies.set(questions[at], (frequencies.get(questions[at]) ?? 0) + frequency);
      }
    });
    return frequencies;
  }

  // ---- Matches in a text ----

  /** A function that finds the words of a phrase in a text: `{ ranges, terms }`. */
  matcher(words) {
    const weights = new Map(), cache = new Map();
    for (const { terms, compounds, idf } of words) for (const term of [...terms, ...compounds]) weights.set(term, idf);
    const termOf = ({ key, stemmed }) => {
      if (!cache.has(key)) cache.set(key, (stemmed ? this.loadedTerms(key) : [key]).find((term) => weights.has(term)));
      return cache.get(key);
    };
    return (text) => {
      const found = { ranges: [], terms: new Map() };
      for (const token of this.analyze(text)) {
        const term = termOf(token);
        if (term === undefined) continue;
        found.terms.set(term, weights.get(term));
        found.ranges.push([token.start, token.end]);
      }
      found.ranges = merged(found.ranges);
      return found;
    };
  }

  /** The terms of a word as far as its part is loaded. A word with a term of the phrase is nearly always in the same part. */
  loadedTerms(key) {
    const entry = this.parts.loadedWords(key)?.get(key);
    return entry ? entry.terms : [key];
  }
}

/** The quoted words of a phrase. A mark inside a word (`5"`) does not open a quotation. */
function quotations(phrase) {
  return [...phrase.matchAll(/(?<![\p{L}\p{N}])(?:"([^"]+)"|“([^”]+)”|„([^“]+)“|«([^»]+)»|「([^」]+)」)/gu)].map((match) => match.slice(1).find(Boolean));
}

/** Ranges in order, without overlaps. */
function merged(ranges) {
  const found = [];
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (found.length && start <= found.at(-1)[1]) found.at(-1)[1] = Math.max(found.at(-1)[1], end);
    else found.push([start, end]);
  }
  return found;
}

function top(scores, limit) {
  return [...scores].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, limit);
}

// ---- Typos ----

export function isOneTypo(a, b) {
  if (a === b) return false;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  if (short.length < long.length) return short.slice(at) === long.slice(at + 1);
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  return short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2);
}

/** `E0503` is not a typo of `E0502`. */
function mayMean(key, similar) {
  if (key.length !== similar.length) return true;
  const different = [...key].map((c, nth) => [c, similar[nth]]).filter(([a, b]) => a !== b);
  return different.length !== 1 || !different[0].every((c) => /\p{N}/u.test(c));
}

// ---- Titles ----

/** Moves questions to the front whose title is the phrase, or has its symbols as it writes them. */
function raised(phrase, hits) {
  const wanted = titleWords(phrase);
  const isTitle = ({ document }) => [document.title, ...document.also].some((title) => titleWords(title) === wanted);
  const first = hits.slice(0, COMPARED).filter(isTitle);
  if (first.length) return [...first, ...hits.filter((hit) => !first.includes(hit))];
  const exact = exactWords(phrase);
  if (!exact.length || !hits.length) return hits;
  const near = hits.slice(0, COMPARED).filter((hit) => hit.score >= MIN_SCORE * hits[0].score);
  const count = ({ document }) => Math.max(...[document.title, ...document.also].map((title) => {
    const inTitle = bareWords(title);
    return exact.filter((word) => inTitle.includes(word)).length;
  }));
  const counts = new Map(near.map((hit) => [hit, count(hit)])), most = Math.max(...counts.values());
  const best = near.filter((hit) => counts.get(hit) === most);
  return [...best, ...hits.filter((hit) => !best.includes(hit))];
}

/** The words and symbols of a title that distinguish it from others, as one text. */
function titleWords(title) {
  const words = folded(title).match(/[\p{Alphabetic}\p{N}\p{M}]+|[@%=<>$+#&^~|\\]+/gu) ?? [];
  const some = words.filter((word) => !ARTICLES.has(word));
  return (some.length ? some : words).join(' ');
}

/** The words of a phrase that another spelling makes another word: with symbols, or of one or two capitals. */
function exactWords(phrase) {
  const isJoint = (word, at) => /\p{L}/u.test(word[at - 1] ?? '') && /\p{L}/u.test(word[at + 1] ?? '');
  const hasSymbol = (word) => [...word].some((c) => !/[\p{Alphabetic}\p{N}.,()]/u.test(c) && !isJoint(word, word.indexOf(c)));
  return bareWords(phrase).filter((word) => !/^[-–—―]+$/u.test(word) &&
    (hasSymbol(word) || (/^[A-Z0-9]{1,2}$/.test(word) && word !== 'I' && word !== 'A')));
}

/** The words of a text without the punctuation around them. */
function bareWords(text) {
  return text.split(/\s+/u).map((word) => word.replace(/^[¿¡？！。，（）()"'`*“”„«»[\]{},;:.!?…]+|[¿¡？！。，（）()"'`*“”„«»[\]{},;:.!?…]+$/gu, '')).filter(Boolean);
}
