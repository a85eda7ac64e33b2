// Compares a phrase with the questions by meaning: the vector of a phrase is the sum of the vectors of its words.

const FLOOR_RANK = 300, NAMED = 0.2; // see src/search/fuse.rs

/** A question that shares no word with the phrase is a hit only if its cosine is at least this. */
const RELATED = 0.35;

export class Meaning {
  constructor(dimensions, weight, terms, questions) {
    Object.assign(this, { dimensions, weight });
    this.readTerms(terms);
    this.readQuestions(questions);
  }

  readTerms(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset), count = view.getUint32(0, true), length = view.getUint32(4, true);
    const names = new TextDecoder().decode(bytes.subarray(8, 8 + length)).split('\n');
    this.terms = new Map(names.map((name, nth) => [name, nth]));
    this.factors = Float32Array.from({ length: count }, (_, nth) => view.getFloat32(8 + length + 4 * nth, true));
    this.vectors = new Int8Array(bytes.buffer, bytes.byteOffset + 8 + length + 4 * count, count * this.dimensions);
  }

  /** The numbers of the questions, two vectors of each, and the lengths of the vectors. */
  readQuestions(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset), count = view.getUint32(0, true), { dimensions } = this;
    this.numbers = Uint32Array.from({ length: count }, (_, nth) => view.getUint32(4 + 4 * nth, true));
    this.rows = new Int8Array(bytes.buffer, bytes.byteOffset + 4 + 4 * count, 2 * count * dimensions);
    this.lengths = new Float32Array(2 * count);
    for (let row = 0; row < 2 * count; row += 1) {
      let sum = 0;
      for (let at = row * dimensions; at < (row + 1) * dimensions; at += 1) sum += this.rows[at] ** 2;
      this.lengths[row] = Math.sqrt(sum) || 1;
    }
  }

  /** The vector of the words of a phrase; null if none of them has one. */
  vector(words) {
    const { dimensions } = this, sum = new Float32Array(dimensions);
    let isKnown = false;
    for (const { key, terms, whole, count } of words) {
      const nth = whole ? undefined : this.terms.get(terms.find((term) => this.terms.has(term)) ?? key);
      if (nth === undefined) continue;
      isKnown = true;
      for (let at = 0; at < dimensions; at += 1) sum[at] += count * this.factors[nth] * this.vectors[nth * dimensions + at];
    }
    const length = Math.hypot(...sum);
    return isKnown && length > 0 ? sum.map((x) => x / length) : null;
  }

  /** The cosine of each question, in the order of the numbers: that of the nearer one of its vectors. */
  cosines(vector) {
    const { dimensions, rows, lengths } = this;
    return Float32Array.from(this.numbers, (_, nth) => {
      let highest = -1;
      for (let row = 2 * nth; row < 2 * nth + 2; row += 1) {
        let sum = 0;
        for (let at = 0, from = row * dimensions; at < dimensions; at += 1) sum += vector[at] * rows[from + at];
        highest = Math.max(highest, sum / lengths[row]);
      }
      return highest;
    });
  }

  /**
   * The scores of questions by words and meaning, from those by words. `allowed` are the numbers that filters allow, or null.
   * `named` are the questions with each identifier of the phrase, with the part of the phrase that it is.
   */
  fused(scores, words, allowed, named) {
    const vector = this.vector(words);
    if (!vector) return scores;
    const cosines = this.cosines(vector), sorted = Float32Array.from(cosines).sort();
    const best = Math.max(sorted.at(-1), 0.01), floor = sorted[Math.max(0, sorted.length - FLOOR_RANK)];
    let bestByWords = 0;
    for (const score of scores.values()) bestByWords = Math.max(bestByWords, score);
    const weight = bestByWords > 0 ? this.weight : 1, found = new Map();
    this.numbers.forEach((number, nth) => {
      const score = scores.get(number) ?? 0, cosine = cosines[nth];
      if ((allowed && !allowed.has(number)) || (score === 0 && (cosine < RELATED || cosine <= floor))) return;
      const meaning = Math.min(1, Math.max(0, (cosine - floor) / Math.max(best - floor, 1e-4)));
      found.set(number, weight * meaning + (bestByWords > 0 ? ((1 - weight) * score) / bestByWords : 0));
    });
    for (const [number, score] of scores) if (!found.has(number)) found.set(number, ((1 - weight) * score) / bestByWords);
    if (named.length) {
      for (const [number, score] of found) {
        const share = named.reduce((sum, { numbers, part }) => sum + (numbers.has(number) ? part : 0), 0);
        found.set(number, (score + NAMED * share) / (1 + NAMED));
      }
    }
    return found;
  }
}

/**
 * Whether a word is an identifier by how the phrase writes it: an error code (`E0502`), code (`spawn_blocking`, `std::mem`),
 * a name with punctuation (`C++17`, `node.js`, `-Wall`), or a camel-case name. See src/search/keyword.
 */
export function isIdentifier(written, whole) {
  if (/^[A-Za-z]{1,3}[0-9]{3,5}$/.test(written) || written.includes('::') || /\p{Lowercase}\p{Uppercase}/u.test(written)) return true;
  return whole && /^[\x00-\x7F]*$/.test(written) && (/[_<#.]|\+\+/.test(written) || /^[-.]/.test(written));
}
