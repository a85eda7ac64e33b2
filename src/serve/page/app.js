// The search page. Input updates the address bar, then sends one request at a time, then shows its hits.

import { $, count, el } from './dom.js';
import { facetParams, facetsOf } from './facets.js';
import { explanationOf, hitOf, listedOf, summaryOf, thumbsOf, wholeOf } from './results.js';

const WAIT = 90; // milliseconds between the last keystroke and the request
const PAUSE = 1500; // milliseconds without a keystroke after which the next one adds an entry to the history
const STEP = 10, MOST = 100; // hits

/** The filters that have a control of their own in the form. */
const CONTROLS = ['section', 'level', 'tag', 'source'];
const LISTS = [...CONTROLS, 'language'];
/** All filters. `year` has at most one value: it is `since` and `until` in the address bar and in requests. */
const FILTERS = [...LISTS, 'year'];

/** The current search. The address bar has the same parameters. */
let wanted = read();
/** The controller of the request that is running, or null. */
let asking = null, timer = 0, typedAt = 0;
/** The reply on the page, the parameters of its request, and the explained reply once it is requested. */
let shown = { reply: null, key: '', explained: null };

/** Whether the server accepts feedback, and what was judged on this page, by phrase and id. */
let hasFeedback = false;
const judgements = new Map();

/** Whether the server has a query log, the search that was recorded last, and the timer of the next. */
let hasQueryLog = false, recorded = '', settling = 0;

// ---- The address bar ----

function read() {
  const params = new URLSearchParams(location.search);
  const limit = Number(params.get('limit')), since = params.get('since');
  return {
    q: params.get('q') || '',
    ...Object.fromEntries(LISTS.map((name) => [name, params.getAll(name)])),
    year: /^\d{4}$/.test(since) && since === params.get('until') ? [since] : [],
    mode: ['keyword', 'semantic'].includes(params.get('mode')) ? params.get('mode') : '',
    all: params.get('all') === 'true',
    limit: Number.isInteger(limit) && limit > 0 ? Math.min(limit, MOST) : STEP,
    open: params.get('open') || '',
  };
}

/** The parameters of a search, without those that have their default value. */
function paramsOf({ q, mode, all, limit, ...rest }) {
  const params = new URLSearchParams({ q });
  for (const name of LISTS) for (const value of rest[name]) params.append(name, value);
  for (const name of ['since', 'until']) if (rest.year.length) params.set(name, rest.year[0]);
  if (mode) params.set('mode', mode);
  if (all) params.set('all', 'true');
  if (limit !== STEP) params.set('limit', limit);
  return params;
}

function write(push) {
  const params = paramsOf(wanted);
  if (wanted.open) params.set('open', wanted.open);
  if (!wanted.q) params.delete('q');
  const address = params.size ? `?${params}` : location.pathname;
  if (address === (location.search || location.pathname)) return;
  history[push ? 'pushState' : 'replaceState'](null, '', address);
}

const isFiltered = () => FILTERS.some((name) => wanted[name].length);

// ---- Requests ----

class Refused extends Error {
  constructor(status, detail, wait) { super(detail); Object.assign(this, { status, wait }); }
}

async function ask(path, options) {
  const response = await fetch(path, { headers: { accept: 'application/json' }, ...options });
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({ detail: response.statusText }));
  throw new Refused(response.status, problem.detail, Number(response.headers.get('retry-after')) || 1);
}

/** Sends the current search. Aborts the previous request; its reply is never shown. */
async function search() {
  clearTimeout(timer);
  asking?.abort();
  if (!wanted.q.trim()) return clear();
  const mine = asking = new AbortController(), params = paramsOf(wanted), key = params.toString();
  $('results').ariaBusy = 'true';
  try {
    for (let tries = 0; ; tries += 1) {
      try {
        const facets = $('filters').open ? `&${facetParams}` : '';
        const reply = await ask(`/search?${params}${facets}`, { signal: mine.signal, headers: { accept: 'application/json', 'rqsearch-typing': '1' } });
        if (mine === asking) show(reply, key);
        return;
      } catch (error) {
        if (error.status !== 503 || tries === 3) throw error;
        say('The server is busy. Trying again …');
        await new Promise((resume) => { setTimeout(resume, error.wait * 1000); });
        if (mine !== asking) return;
      }
    }
  } catch (error) {
    if (mine === asking && error.name !== 'AbortError') fail(error);
  } finally {
    if (mine === asking) { asking = null; $('results').ariaBusy = 'false'; }
  }
}

function fail(error) {
  if (error.status === 401) return askForToken();
  $('results').replaceChildren();
  $('more').hidden = true;
  shown = { reply: null, key: '', explained: null };
  say(error.status ? `${error.message[0].toUpperCase()}${error.message.slice(1)}.` : 'The server cannot be reached.', 'problem');
}

function say(text, tone = '') {
  $('status').className = tone;
  $('status').textContent = text;
}

// ---- Results ----

function clear() {
  asking = null;
  shown = { reply: null, key: '', explained: null };
  document.title = 'rqsearch';
  $('facets').replaceChildren();
  $('results').replaceChildren();
  $('more').hidden = true;
  say('');
}

function show(reply, key) {
  shown = { reply, key, explained: null };
  document.title = `${reply.query} – rqsearch`;
  const focused = document.activeElement?.closest('.hit') ? document.activeElement.closest('.hit').dataset.id : null;
  // "More hits" and a link to a hit show the weak ones as well.
  const whole = wanted.all || wanted.limit > STEP || reply.hits.slice(listedOf(reply)).some((hit) => hit.id === wanted.open);
  const listed = whole ? reply.hits.length : listedOf(reply);
  $('results').replaceChildren(...reply.hits.slice(0, listed).map((hit) => {
    const item = hitOf(hit, choose);
    item.dataset.id = hit.id;
    if (hit.index !== undefined) item.dataset.index = hit.index;
    item.querySelector('.title').onclick = () => toggle(item);
    return item;
  }));
  showFacets();
  showThumbs();
  settle();
  $('results').classList.toggle('unanswered', !reply.answered);
  $('more').hidden = listed === reply.hits.length && (listed < wanted.limit || wanted.limit >= MOST);
  say(summaryOf(reply, listed, isFiltered()), reply.answered ? '' : 'unanswered');
  // For example, the model was not available. Further lines are hints for the command line.
  if (reply.notice) $('status').append(` (${reply.notice.split('\n')[0]})`);
  if (!reply.hits.length && isFiltered()) $('status').append(' ', el('button', { type: 'button', onclick: dropAll }, 'Search without filters'));
  // A hit that had the focus keeps it when more hits are loaded or a filter is removed.
  const again = focused && [...$('results').children].find((item) => item.dataset.id === focused);
  if (focused) (again?.querySelector('.title') ?? $('q')).focus();
  const open = wanted.open && [...$('results').children].find((item) => item.dataset.id === wanted.open);
  if (open) expand(open);
  else if (wanted.open) { wanted.open = ''; write(false); }
}

const isOpen = (item) => item.classList.contains('open');

function toggle(item) {
  if (isOpen(item)) close(item);
  else openByUser(item);
}

/** Opens a hit, and reports it to the query log. */
function openByUser(item) {
  click(item.dataset.id);
  return expand(item);
}

function close(item) {
  item.classList.remove('open');
  item.querySelector('.title').setAttribute('aria-expanded', 'false');
  item.querySelector('.whole').hidden = true;
  if (wanted.open === item.dataset.id) { wanted.open = ''; write(false); }
}

async function expand(item) {
  for (const other of $('results').querySelectorAll('.open')) if (other !== item) close(other);
  const whole = item.querySelector('.whole'), { id } = item.dataset;
  item.classList.add('open');
  item.querySelector('.title').setAttribute('aria-expanded', 'true');
  whole.hidden = false;
  wanted.open = id;
  write(false);
  if (whole.childElementCount) return;
  try {
    const { index } = item.dataset;
    const question = await ask(`/questions/${encodeURIComponent(id)}${index === undefined ? '' : `?${new URLSearchParams({ index })}`}`);
    if (!whole.childElementCount) whole.append(...wholeOf(question, whyButton(item, whole)));
  } catch (error) {
    close(item);
    if (error.status === 401) askForToken();
    else say(`Could not load the answer: ${error.message}.`, 'problem');
  }
}

function whyButton(item, whole) {
  const button = el('button', { type: 'button', 'aria-expanded': 'false' }, 'Why this hit?');
  button.onclick = async () => {
    const why = whole.querySelector('.why');
    if (why) { why.remove(); button.setAttribute('aria-expanded', 'false'); return; }
    try {
      const reply = await explained();
      const hit = reply.hits.find((one) => one.id === item.dataset.id);
      if (!hit || whole.querySelector('.why')) return;
      whole.append(explanationOf(hit));
      button.setAttribute('aria-expanded', 'true');
    } catch (error) {
      say(`Could not load the explanation: ${error.message}.`, 'problem');
    }
  };
  return button;
}

/** The current reply with an explanation of each hit. It is requested once. */
function explained() {
  const { key } = shown;
  shown.explained ||= ask(`/search?${key}&explain=true`);
  shown.explained.catch(() => { shown.explained = null; });
  return shown.explained;
}

// ---- Feedback ----

async function listenForFeedback() {
  // Without feedback and a query log, the page works as before.
  const health = await ask('/health').catch(() => ({}));
  hasFeedback = Boolean(health.feedback);
  hasQueryLog = Boolean(health.query_log);
  $('gaps').hidden = !hasQueryLog;
  showThumbs();
  settle();
}

/** Adds the thumbs to the hits that do not have them. */
function showThumbs() {
  if (!hasFeedback || !shown.reply) return;
  for (const item of $('results').querySelectorAll('.hit:not(:has(.feedback))')) {
    const { query: q } = shown.reply, { id } = item.dataset, key = JSON.stringify([q, id]);
    item.append(thumbsOf(judgements.get(key), async (useful) => {
      try {
        await ask('/feedback', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ q, id, useful }) });
      } catch (error) {
        if (error.status === 401) askForToken();
        throw error;
      }
      judgements.set(key, useful);
    }));
  }
}

// ---- The query log ----

// The page searches while a person types, and says so with a header: those phrases are not recorded. A search whose hits
// were read is sent again without the header. If that fails, the page works as before.

/** Records the search on the page when its hits were on the page for a while. */
function settle() {
  clearTimeout(settling);
  if (hasQueryLog && shown.reply) settling = setTimeout(record, PAUSE);
}

async function record() {
  clearTimeout(settling);
  const { key } = shown, params = new URLSearchParams(key);
  params.set('limit', 1);
  if (!hasQueryLog || !shown.reply || params.toString() === recorded) return;
  recorded = params.toString();
  await ask(`/search?${params}`).catch(() => null);
}

/** Records that the person opened a hit of the search on the page. */
async function click(id) {
  if (!hasQueryLog || !shown.reply) return;
  const { query: q } = shown.reply;
  await record();
  await ask('/clicks', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ q, id }) }).catch(() => null);
}

// ---- Filters ----

function choose(name, value) {
  if (!value || wanted[name].includes(value)) return;
  wanted[name] = name === 'year' ? [value] : [...wanted[name], value];
  Object.assign(wanted, { limit: STEP, open: '' });
  refilter();
}

function drop(name, value) {
  uncheck(name, value);
  ($('chosen').querySelector('button') ?? $('q')).focus();
}

/** Drops a filter whose control keeps the focus. */
function uncheck(name, value) {
  wanted[name] = wanted[name].filter((one) => one !== value);
  refilter();
}

function dropAll() {
  for (const name of FILTERS) wanted[name] = [];
  refilter();
  $('q').focus();
}

function refilter() {
  write(true);
  showFilters();
  search();
}

function showFilters() {
  const chip = (name, value) => el('li', {}, el('button', { type: 'button', className: 'chip', title: 'Remove this filter',
    onclick: () => drop(name, value) }, `${name} `, el('bdi', {}, value), el('span', { 'aria-hidden': 'true' }, ' ×'), el('span', { className: 'sr' }, ', remove')));
  $('chosen').replaceChildren(...FILTERS.flatMap((name) => wanted[name].map((value) => chip(name, value))));
  $('mode').value = wanted.mode;
  $('all').checked = wanted.all;
  if (wanted.mode || wanted.all) $('filters').open = true;
}

/** Shows the facets of the reply as checkboxes. One that has the focus keeps it. */
function showFacets() {
  const { facets } = shown.reply, { name, value } = document.activeElement?.closest('#facets') ? document.activeElement : {};
  $('facets').replaceChildren(...(facets ? facetsOf(facets, wanted, choose, uncheck) : []));
  if (name) ([...$('facets').querySelectorAll('input')].find((box) => box.name === name && box.value === value) ?? $('q')).focus();
}

async function listFilters() {
  try {
    const stats = await ask('/stats');
    $('about').textContent = count(stats.questions, 'question');
    for (const [name, list, counts] of [['section', 'section', stats.sections], ['level', 'level', stats.levels], ['tag', 'tags', stats.tags]]) {
      const values = Object.entries(counts).sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
      const options = values.map(([value, n]) => el('option', { value }, `${value} (${n.toLocaleString('en')})`));
      $(list).replaceChildren(...(list === 'tags' ? options : [el('option', { value: '' }, `any ${name}`), ...options]));
      $(name).closest('label').hidden = !values.length;
    }
  } catch (error) {
    if (error.status === 401) askForToken();
    else if (!wanted.q) say(error.status ? `${error.message}.` : 'The server cannot be reached.', 'problem');
  }
}

// ---- The token ----

function askForToken() {
  if (!$('token-dialog').open) $('token-dialog').showModal();
}

async function signIn(event) {
  event.preventDefault();
  try {
    const body = JSON.stringify({ token: $('token').value });
    await ask('/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    $('token').value = $('token-problem').textContent = '';
    $('token-dialog').close();
    listFilters();
    search();
  } catch (error) {
    $('token-problem').textContent = error.status ? `${error.message[0].toUpperCase()}${error.message.slice(1)}.` : 'The server cannot be reached.';
    $('token').select();
  }
}

// ---- Keyboard and mouse ----

function type() {
  const q = $('q').value;
  if (q === wanted.q) return;
  const now = performance.now(), push = now - typedAt > PAUSE;
  typedAt = now;
  clearTimeout(settling);
  Object.assign(wanted, { q, limit: STEP, open: '' });
  write(push);
  clearTimeout(timer);
  timer = setTimeout(search, q.trim() ? WAIT : 0);
}

const titles = () => [...$('results').querySelectorAll('.title')];

function move(step) {
  const all = titles(), at = all.indexOf(document.activeElement?.closest('.hit')?.querySelector('.title'));
  const next = at < 0 ? (step > 0 ? 0 : -1) : at + step;
  if (next < 0) $('q').focus();
  else if (next < all.length) { all[next].focus(); all[next].closest('.hit').scrollIntoView({ block: 'nearest' }); }
}

/** Enter in the search field: searches without delay, then opens the best hit. */
async function go(event) {
  event.preventDefault();
  if (shown.key !== paramsOf(wanted).toString() || asking) await search();
  const best = titles()[0];
  if (!best) return;
  best.focus();
  openByUser(best.closest('.hit'));
}

function back() {
  const open = $('results').querySelector('.open');
  if (open) { close(open); open.querySelector('.title').focus(); return; }
  if (document.activeElement === $('q')) { $('q').value = ''; type(); return; }
  $('q').focus();
  $('q').select();
}

function press(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || $('token-dialog').open) return;
  const { target, key } = event, field = target.closest('input, select, textarea, pre, .wide');
  if (key === '/' && !target.closest('input, select, textarea')) { $('q').focus(); $('q').select(); }
  else if (key === 'Escape') back();
  else if ((key === 'ArrowDown' || key === 'ArrowUp') && (!field || field === $('q'))) move(key === 'ArrowDown' ? 1 : -1);
  else return;
  event.preventDefault();
}

function restore() {
  wanted = read();
  $('q').value = wanted.q;
  showFilters();
  search();
}

function start() {
  $('form').onsubmit = go;
  $('sign-in').onsubmit = signIn;
  $('q').oninput = (event) => { if (!event.isComposing) type(); };
  $('q').addEventListener('compositionend', type);
  document.onkeydown = press;
  window.onpopstate = restore;
  for (const name of CONTROLS) $(name).onchange = () => { choose(name, $(name).value.trim()); $(name).value = ''; };
  for (const name of ['tag', 'source']) $(name).onkeydown = (event) => { if (event.key === 'Enter') { event.preventDefault(); $(name).onchange(); } };
  $('mode').onchange = () => { wanted.mode = $('mode').value; refilter(); };
  $('all').onchange = () => { wanted.all = $('all').checked; refilter(); };
  // Facets count all questions that match, so they are requested only where they are shown.
  $('filters').ontoggle = () => { if ($('filters').open && shown.reply && !shown.reply.facets) search(); };
  $('more').onclick = () => {
    wanted.limit = Math.min(MOST, wanted.limit + STEP);
    write(false);
    titles().at(-1)?.focus();
    search();
  };
  $('token-dialog').oncancel = (event) => event.preventDefault(); // the page is empty without a token
  listFilters();
  listenForFeedback();
  restore();
}

start();
