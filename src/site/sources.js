// Where the dialog gets its hits from: the files of the index, or a server that runs `rqsearch serve`. Both have the same
// methods, and the dialog does not know which one it uses.
//
// A hit has `title`, `titleRanges`, `excerpt` (`text`, `ranges`, `code`), `link` (or null), `section`, `level`, `tags`.

import { unitsOf } from './dom.js';
import { Parts } from './parts.js';
import { Search } from './search.js';

const LIMIT = 10;

/** The source for an address of a server, or for the files in a directory if there is none. */
export const sourceOf = (server, directory) => (server ? new ServerSource(server) : new FileSource(directory));

class FileSource {
  constructor(directory) {
    Object.assign(this, { parts: new Parts(directory), search: null });
  }

  /**
   * Loads what every phrase needs. A failure is tried again. The vectors are loaded after the words; `better` is called when
   * the same phrase has better hits.
   */
  open(better) {
    this.search ??= new Search(this.parts).open().catch((error) => {
      this.search = null;
      throw error;
    });
    this.search.then((search) => { this.meaning ??= search.loadMeaning().then((loaded) => { if (loaded) better(); }, () => { this.meaning = null; }); }, () => {});
    return this.search;
  }

  async find(phrase, options) {
    const search = await this.search, { hits, total } = await search.find(phrase, { limit: LIMIT, ...options });
    return { total, hits: hits.map(({ document, titleRanges, excerpt }) => ({ ...document, titleRanges, excerpt })) };
  }

  async facets() {
    await this.search;
    return this.parts.facets();
  }

  answer(hit) {
    return this.parts.answer(hit.number);
  }
}

class ServerSource {
  constructor(server) {
    this.server = new URL(server.endsWith('/') ? server : `${server}/`, document.baseURI);
  }

  /** Nothing has to be loaded. */
  async open() {}

  async ask(path, signal) {
    const response = await fetch(new URL(path, this.server), { headers: { accept: 'application/json' }, credentials: 'omit', signal });
    if (!response.ok) throw new Error(`the server answered with status ${response.status}`);
    return response.json();
  }

  async find(phrase, { filters: { sections = [], tags = [] } = {}, signal } = {}) {
    const params = new URLSearchParams({ q: phrase, limit: LIMIT });
    for (const section of sections) params.append('section', section);
    for (const tag of tags) params.append('tag', tag);
    const { hits, total } = await this.ask(`search?${params}`, signal);
    return { total, hits: hits.map(hitOf) };
  }

  async facets() {
    const { sections, tags } = await this.ask('stats');
    return { sections: Object.entries(sections), tags: Object.entries(tags) };
  }

  async answer(hit) {
    return (await this.ask(`questions/${encodeURIComponent(hit.id)}`)).answer;
  }
}

/** A hit of the server as the dialog shows it. */
function hitOf({ id, title, url, section, level, tags, snippet: { text, kind, highlights } }) {
  return { id, title, titleRanges: [], link: url, section, level, tags, excerpt: { text, code: kind === 'code', ranges: unitsOf(text, highlights) } };
}
