// Chooses the excerpt of an answer that shows best why it was found: the same as src/search/snippet does in Rust. The index
// has the answer cut into sentences and lines of code.

const PROSE_COLUMNS = 280, CODE_COLUMNS = 400, CODE_LINES = 5, LEAD_IN = 40;
const IN_CODE = 0.8, CUT_START = 0.9;
const [SPACE, NOTHING, CUT_SPACE, CUT, LINE, PARAGRAPH, CODE] = [0, 1, 2, 3, 4, 5, 6];

const isCut = (unit) => unit.joint === CUT_SPACE || unit.joint === CUT;

/** The width of a text in columns. */
function columns(text) {
  let width = 1;
  for (const c of text) width += /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u.test(c) ? 2 : 1;
  return width;
}

function runsOf(document, weightsOf) {
  return document.runs.map(([code, units]) => ({
    code,
    units: units.map((text) => {
      const mark = text.charCodeAt(0) - 48, unit = { text: text.slice(1), joint: mark >> 2, leadIn: (mark & 1) === 1 };
      unit.found = weightsOf(unit.text);
      unit.starts = (mark & 2) === 2 || (unit.leadIn && unit.found.size > 0);
      unit.columns = columns(unit.text);
      return unit;
    }),
  }));
}

/** The units of an excerpt that starts at `start`: as many as fit, but not a heading at the end. */
function windowOf({ code, units }, start) {
  const [most, mostLines] = code === 0 ? [PROSE_COLUMNS, Infinity] : [CODE_COLUMNS, CODE_LINES];
  let width = 0, lines = 0, end = start;
  for (const unit of units.slice(start)) {
    width += unit.columns;
    if (unit.text) lines += 1;
    if (end > start && (width > most || lines > mostLines)) break;
    end += 1;
  }
  while (end > start + 1 && (!units[end - 1].text || (units[end - 1].leadIn && code === 0))) end -= 1;
  return { start, end };
}

function best(runs) {
  let found = null;
  for (const run of runs) {
    run.units.forEach((unit, start) => {
      if (!unit.starts) return;
      const { end } = windowOf(run, start), seen = new Map();
      for (const one of run.units.slice(start, end)) for (const [term, weight] of one.found) seen.set(term, weight);
      let score = [...seen.values()].reduce((sum, weight) => sum + weight, 0);
      if (run.code !== 0) score *= IN_CODE;
      if (isCut(unit)) score *= CUT_START;
      if (score > (found?.score ?? 0)) found = { score, run, start, end };
    });
  }
  return found;
}

/** The first excerpt with more than a lead-in, or else the first. */
function beginning(runs) {
  let first = null;
  for (const run of runs) {
    for (let start = 0; start < run.units.length; start += 1) {
      if (!run.units[start].starts) continue;
      const { end } = windowOf(run, start), found = { run, start, end };
      if (run.code !== 0 || run.units.slice(start, end).reduce((sum, unit) => sum + unit.columns, 0) >= LEAD_IN) return found;
      first ??= found;
    }
  }
  return first;
}

function written({ run, start, end }) {
  const units = run.units.slice(start, end), indent = (unit) => unit.text.length - unit.text.replace(/^[ \t]+/, '').length;
  const margins = run.code === 0 ? [0] : units.filter((unit) => unit.text && !isCut(unit)).map(indent);
  const margin = margins.length ? Math.min(...margins) : 0;
  let text = '';
  units.forEach((unit, nth) => {
    if (nth === 0) text += { [CUT_SPACE]: '… ', [CUT]: '…' }[unit.joint] ?? '';
    else text += { [SPACE]: ' ', [NOTHING]: '', [CUT_SPACE]: ' ', [CUT]: '', [LINE]: '\n', [PARAGRAPH]: '\n\n', [CODE]: ' …\n\n' }[unit.joint];
    text += unit.text.slice(isCut(unit) ? 0 : Math.min(margin, indent(unit)));
  });
  const next = run.units[end];
  return next && isCut(next) ? text + (next.joint === CUT_SPACE ? ' …' : '…') : text;
}

/**
 * The excerpt of a document. `find` returns the matches of a text: their ranges, and the terms with their weights.
 */
export function excerpt(document, find) {
  const runs = runsOf(document, (text) => find(text).terms), window = best(runs) ?? beginning(runs);
  if (!window) return { text: '', ranges: [], code: false };
  const text = written(window);
  return { text, ranges: find(text).ranges, code: window.run.code !== 0 };
}
