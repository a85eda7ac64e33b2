// The search dialog: the element <rq-search>, a button that opens a dialog.
//
//   <script type="module" src="/search/rqsearch.js"></script>
//   <rq-search></rq-search>
//
// Attributes: `label` (the text of the button), `placeholder` (of the field), and `server` (the address of a server that
// runs `rqsearch serve`; the files of the index are not used then). A page without the element gets one at its end.
//
// The keyboard follows the combobox pattern of the ARIA Authoring Practices: the focus stays in the field, and arrow keys
// move through the hits.

import { el } from './dom.js';
import { addressOf, optionOf } from './hits.js';

const TAG = 'rq-search';
/** Milliseconds between the last key press and a request to a server. The files are searched at once. */
const WAIT = 90;

/** Defines the element. `directory` is the address of the files of the index. */
export function define(directory) {
  if (customElements.get(TAG)) return;
  customElements.define(TAG, class extends SearchBox {
    get directory() { return directory; }
  });
  if (!document.querySelector(TAG)) document.body.append(el(TAG, { className: 'rq-floating' }));
}

class SearchBox extends HTMLElement {
  connectedCallback() {
    if (!this.shadowRoot) this.build();
    // A page that does not say which color schemes it has is taken to follow the system.
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    this.toggleAttribute('follows-system', scheme === 'normal');
    this.listener = (event) => this.shortcut(event);
    document.addEventListener('keydown', this.listener);
  }

  disconnectedCallback() {
    document.removeEventListener('keydown', this.listener);
  }

  // ---- Elements ----

  build() {
    const label = this.getAttribute('label') || 'Search', placeholder = this.getAttribute('placeholder') || 'What do you want to know?';
    Object.assign(this, { filters: { sections: [], tags: [] }, hits: [], active: -1, asking: null, timer: 0 });
    this.button = el('button', { type: 'button', className: 'open', 'aria-haspopup': 'dialog', 'aria-keyshortcuts': '/ Control+K Meta+K', onclick: () => this.open() },
      el('span', {}, label), el('kbd', { 'aria-hidden': 'true' }, '/'));
    this.button.onpointerenter = this.button.onfocus = () => this.load().catch(() => {});
    this.field = el('input', { type: 'search', role: 'combobox', 'aria-label': placeholder, placeholder, maxLength: 2000, autocomplete: 'off', spellcheck: false,
      enterKeyHint: 'search', 'aria-autocomplete': 'list', 'aria-controls': 'hits', 'aria-expanded': 'false', 'aria-describedby': 'keys' });
    this.field.oninput = () => this.typed();
    this.field.onkeydown = (event) => this.press(event);
    const close = el('button', { type: 'button', className: 'close', onclick: () => this.dialog.close() }, 'Close');
    this.choices = el('details', { className: 'filters', ontoggle: () => this.listFilters() }, el('summary', {}, 'Filters'), el('div', { className: 'choices' }));
    this.status = el('p', { className: 'status', role: 'status' });
    this.list = el('div', { id: 'hits', role: 'listbox', 'aria-label': 'Hits', hidden: true });
    this.list.onclick = (event) => this.clicked(event);
    this.answer = el('article', { className: 'answer', hidden: true });
    this.keys = el('p', { id: 'keys', className: 'keys' }, el('kbd', {}, '↑'), el('kbd', {}, '↓'), ' move ', el('kbd', {}, 'Enter'), ' open ', el('kbd', {}, 'Esc'), ' close');
    this.dialog = el('dialog', { 'aria-label': label }, el('div', { className: 'bar' }, this.field, close), this.choices, this.status, this.list, this.answer, this.keys);
    // Keys in the dialog are not shortcuts of the page. In a page, the target of such an event is not the field.
    for (const kind of ['keydown', 'keypress', 'keyup']) this.dialog.addEventListener(kind, (event) => event.stopPropagation());
    this.dialog.oncancel = (event) => this.cancel(event);
    this.dialog.onclick = (event) => { if (event.target === this.dialog) this.dialog.close(); };
    const style = el('link', { rel: 'stylesheet', href: new URL('./dialog.css', import.meta.url).href });
    this.attachShadow({ mode: 'open' }).append(style, this.button, this.dialog);
  }

  /** Where hits come from. The scripts that search are loaded when the dialog is opened for the first time. */
  source() {
    this.loading ??= import('./sources.js').then(({ sourceOf }) => sourceOf(this.getAttribute('server'), this.directory));
    this.loading.catch(() => { this.loading = null; });
    return this.loading;
  }

  /** Loads what every phrase needs. */
  async load() {
    const source = await this.source();
    await source.open(() => this.searchAgain());
    return source;
  }

  /** Searches again for the same phrase, unless the person uses the hits. */
  searchAgain() {
    if (this.dialog.open && this.field.value.trim() && this.active < 0 && this.answer.hidden) this.search(true);
  }

  // ---- Opening and closing ----

  shortcut(event) {
    if (event.isComposing || this.dialog.open) return;
    const target = event.composedPath()[0], isTyping = target instanceof Element && target.closest('input, textarea, select, [contenteditable]:not([contenteditable="false"])');
    const isSlash = event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isSlash && !(event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey)) return;
    event.preventDefault();
    this.open();
  }

  /** Opens the dialog. */
  open() {
    if (this.dialog.open) return;
    this.dialog.showModal();
    this.field.focus();
    this.field.select();
    this.load().catch((error) => this.fail(error));
  }

  /** Escape closes an answer first, and then the dialog. */
  cancel(event) {
    if (this.answer.hidden) return;
    event.preventDefault();
    this.back();
  }

  // ---- Searching ----

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(true), this.hasAttribute('server') ? WAIT : 0);
  }

  /** Searches for the phrase in the field. Only the hits of the last phrase are shown. */
  async search(typing) {
    this.asking?.abort();
    const mine = this.asking = new AbortController(), phrase = this.field.value;
    this.back(false);
    if (!phrase.trim()) return this.show({ hits: [], total: 0 }, '');
    try {
      const source = await this.load();
      const found = await source.find(phrase, { filters: this.filters, typing, signal: mine.signal });
      if (mine === this.asking) this.show(found, phrase);
    } catch (error) {
      if (mine === this.asking && error.name !== 'AbortError') this.fail(error);
    }
    return undefined;
  }

  show({ hits, total }, phrase) {
    Object.assign(this, { hits, active: -1 });
    this.list.replaceChildren(...hits.map((hit, nth) => optionOf(hit, nth, this.directory)));
    this.list.hidden = !hits.length;
    this.list.scrollTop = 0;
    this.field.setAttribute('aria-expanded', String(hits.length > 0));
    this.field.removeAttribute('aria-activedescendant');
    const isFiltered = this.filters.sections.length || this.filters.tags.length;
    this.say(!phrase ? '' : !hits.length ? `Nothing found${isFiltered ? ' with these filters' : ''}.` : hits.length < total ? `The best ${hits.length} of ${total} hits` : `${total} ${total === 1 ? 'hit' : 'hits'}`);
  }

  say(text, tone = '') {
    this.status.className = `status ${tone}`;
    this.status.textContent = text;
  }

  fail(error) {
    this.show({ hits: [], total: 0 }, '');
    this.say(`The search is not available: ${error.message}.`, 'problem');
  }

  // ---- Hits ----

  press(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.move(step);
    else if (event.key === 'Enter') this.choose(event.ctrlKey || event.metaKey);
    // A browser would clear the field first.
    else if (event.key === 'Escape') this.dialog.close();
    else return;
    event.preventDefault();
  }

  /** Moves to the next or previous hit; before the first one is the field, which is after the last one too. */
  move(step) {
    const count = this.hits.length + 1, options = [...this.list.children];
    if (!options.length) return;
    options[this.active]?.setAttribute('aria-selected', 'false');
    this.active = ((this.active + 1 + step + count) % count) - 1;
    const option = options[this.active];
    if (!option) {
      this.field.removeAttribute('aria-activedescendant');
      return;
    }
    option.setAttribute('aria-selected', 'true');
    option.scrollIntoView({ block: 'nearest' });
    this.field.setAttribute('aria-activedescendant', option.id);
  }

  /** Enter: opens the hit that was moved to, or else the best one, after a search for what was typed. */
  async choose(inNewTab) {
    clearTimeout(this.timer);
    if (this.active < 0) await this.search(false);
    const nth = Math.max(0, this.active), hit = this.hits[nth];
    if (!hit) return;
    const address = addressOf(hit.link, this.directory);
    if (!address) this.openAnswer(nth);
    else if (inNewTab) window.open(address, '_blank', 'noopener');
    else {
      this.dialog.close();
      location.assign(address);
    }
  }

  clicked(event) {
    const option = event.target.closest('.hit');
    if (!option) return;
    if (option.href) {
      // A link in the same page does not load another page.
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) this.dialog.close();
      return;
    }
    this.openAnswer([...this.list.children].indexOf(option));
  }

  /** Shows the answer of a hit without an address. */
  async openAnswer(nth) {
    const hit = this.hits[nth];
    try {
      const [source, { markdown, title }] = await Promise.all([this.source(), import('./markdown.js')]);
      const answer = await source.answer(hit), heading = el('h2', { tabIndex: -1, dir: 'auto' }, ...title(hit.title));
      const back = el('button', { type: 'button', onclick: () => this.back() }, 'Back to the hits');
      this.answer.replaceChildren(back, heading, el('div', { className: 'prose', dir: 'auto' }, markdown(answer ?? '')));
      this.answer.hidden = false;
      this.list.hidden = this.keys.hidden = true;
      heading.focus();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Returns from an answer to the hits. */
  back(focus = true) {
    if (this.answer.hidden) return;
    this.answer.hidden = true;
    this.answer.replaceChildren();
    this.list.hidden = !this.hits.length;
    this.keys.hidden = false;
    if (focus) this.field.focus();
  }

  // ---- Filters ----

  /** Lists the sections and tags when the filters are opened for the first time. */
  async listFilters() {
    const box = this.choices.querySelector('.choices');
    if (!this.choices.open || box.childElementCount) return;
    try {
      const facets = await (await this.load()).facets();
      if (box.childElementCount) return;
      const lists = [['sections', 'Section', 'any section'], ['tags', 'Tag', 'any tag']].filter(([name]) => facets[name].length);
      box.append(...lists.map(([name, label, any]) => el('label', {}, label, this.chooser(name, any, facets[name]))));
      if (!lists.length) box.append('The questions have no sections and no tags.');
    } catch (error) {
      this.fail(error);
    }
  }

  chooser(name, any, values) {
    const sorted = [...values].sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
    const select = el('select', {}, el('option', { value: '' }, any), ...sorted.map(([value, count]) => el('option', { value }, `${value} (${count})`)));
    select.onchange = () => {
      this.filters[name] = select.value ? [select.value] : [];
      this.search(false);
    };
    return select;
  }
}
