// Loads the parts of the index. Each is loaded once and kept.

const FORMAT = 1;

/** The part of a sorted list of parts that contains a key. */
export function partOf(starts, key) {
  let low = 0, high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class Parts {
  /** `base` is the address of the directory with the manifest. `read` fetches an address and returns its bytes. */
  constructor(base, read = readAddress) {
    Object.assign(this, { base, read, loaded: new Map(), bytes: 0 });
  }

  async open() {
    // Only the manifest may have changed; the browser keeps the rest.
    this.manifest = JSON.parse(decode(await this.load('manifest.rq', { cache: 'no-cache' })));
    if (this.manifest.format !== FORMAT) throw new Error(`the index has format ${this.manifest.format}, and this script reads ${FORMAT}`);
    const list = (entries) => {
      const cut = entries.map((entry) => entry.lastIndexOf(' '));
      return { starts: entries.map((entry, nth) => entry.slice(0, cut[nth])), hashes: entries.map((entry, nth) => entry.slice(cut[nth] + 1)) };
    };
    this.lists = { words: list(this.manifest.words), postings: list(this.manifest.postings) };
    return this.manifest;
  }

  async load(path, options) {
    const bytes = await this.read(new URL(path, this.base), options);
    this.bytes += bytes.length;
    return decompressed(bytes);
  }

  /** A part, read by `parse` when it is loaded for the first time. */
  part(kind, hash, parse) {
    const path = `${kind}/${hash}.rq`;
    if (!this.loaded.has(path)) {
      const part = this.load(path).then(parse);
      part.then((value) => { part.value = value; }, () => {
        // A part that could not be loaded is tried again with the next phrase.
        this.loaded.delete(path);
      });
      this.loaded.set(path, part);
    }
    return this.loaded.get(path);
  }

  /** The words around a key: those of its part. */
  words(key) {
    const { starts, hashes } = this.lists.words;
    return this.part('words', hashes[partOf(starts, key)], (bytes) => readWords(decode(bytes)));
  }

  /** The same if they are loaded, without waiting. */
  loadedWords(key) {
    const { starts, hashes } = this.lists.words;
    return this.loaded.get(`words/${hashes[partOf(starts, key)]}.rq`)?.value;
  }

  /** The parts of words that begin with a prefix, at most `most`. */
  wordsWith(prefix, most) {
    const { starts, hashes } = this.lists.words, first = partOf(starts, prefix);
    const last = partOf(starts, `${prefix}\uFFFF`);
    return Promise.all(hashes.slice(first, Math.min(last + 1, first + most)).map((hash) => this.part('words', hash, (bytes) => readWords(decode(bytes)))));
  }

  /** The occurrences of a term: its questions, and how much it counts in each. */
  async postings(term) {
    const { starts, hashes } = this.lists.postings;
    const part = await this.part('postings', hashes[partOf(starts, term)], readPostings);
    return part.get(term);
  }

  async listed({ parts, lists, each }, nth) {
    if (parts !== undefined) return parts.split(' ')[nth];
    const list = await this.part('lists', lists.split(' ')[Math.floor(nth / each)], (bytes) => decode(bytes).split(' '));
    return list[nth % each];
  }

  /** What the dialog shows of a question. */
  async document(number) {
    const { shift, shown } = this.manifest.documents;
    const part = await this.part('documents', await this.listed(shown, number >>> shift), readDocuments);
    return part.get(number);
  }

  /** The answer of a question that has no address, as Markdown. */
  async answer(number) {
    const { shift, answers } = this.manifest.documents;
    const part = await this.part('answers', await this.listed(answers, number >>> shift), (bytes) => new Map(JSON.parse(decode(bytes))));
    return part.get(number);
  }

  facets() {
    return this.part('facets', this.manifest.facets, (bytes) => JSON.parse(decode(bytes)));
  }
}

const decode = (bytes) => new TextDecoder().decode(bytes);

async function readAddress(address, options) {
  const response = await fetch(address, { credentials: 'omit', ...options });
  if (!response.ok) throw new Error(`${address.pathname}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** A part is compressed unless the server has decompressed it. */
async function decompressed(bytes) {
  if (bytes[0] !== 0x1F || bytes[1] !== 0x8B) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Words in order, with the number of questions that contain each as a term, and the terms that it stands for. */
export function readWords(text) {
  const keys = [], info = [];
  let before = '';
  for (const line of text.split('\n')) {
    if (!line) continue;
    const tab = line.indexOf('\t');
    before = before.slice(0, parseInt(line[0], 36)) + line.slice(1, tab);
    keys.push(before);
    info.push(line.slice(tab + 1));
  }
  return new Words(keys, info);
}

class Words {
  constructor(keys, info) { Object.assign(this, { keys, info }); }

  /** The position of the first word that is not before a key. */
  from(key) {
    let low = 0, high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get(key) {
    const at = this.from(key);
    return this.keys[at] === key ? this.entry(at) : undefined;
  }

  /** A word: its terms, compounds that it is a part of, and the number of questions with it as a term. */
  entry(at) {
    const key = this.keys[at], [questions, references] = this.info[at].split('\t');
    const entry = { key, questions: questions ? parseInt(questions, 36) : 0, terms: [], compounds: [] };
    if (!references) return { ...entry, terms: [key] };
    for (const reference of references.split(' ')) {
      const [list, text] = reference[0] === '!' ? [entry.compounds, reference.slice(1)] : [entry.terms, reference];
      list.push(text[0] === '*' ? text.slice(1) : key.slice(0, key.length - parseInt(text[0], 36)) + text.slice(1));
    }
    return entry;
  }

  isTerm(key) {
    return (this.get(key)?.questions ?? 0) > 0;
  }
}

function readPostings(bytes) {
  const terms = new Map();
  let at = 0;
  const number = () => {
    let value = 0, shift = 0;
    for (;;) {
      const byte = bytes[at];
      at += 1;
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
      shift += 7;
    }
  };
  while (at < bytes.length) {
    const length = number(), key = decode(bytes.subarray(at, at + length));
    at += length;
    const questions = new Uint32Array(number());
    let before = 0;
    for (let nth = 0; nth < questions.length; nth += 1) questions[nth] = before += number();
    terms.set(key, { questions, shares: bytes.subarray(at, at + questions.length) });
    at += questions.length;
  }
  return terms;
}

function readDocuments(bytes) {
  const names = ['number', 'id', 'title', 'link', 'section', 'level', 'tags', 'also', 'runs'];
  const document = (values) => Object.fromEntries(names.map((name, nth) => [name, values[nth]]));
  return new Map(JSON.parse(decode(bytes)).map((values) => [values[0], document(values)]));
}
