// The facets of the search page: checkboxes with the values of the questions that match, and their counts.

import { el } from './dom.js';

const NAMES = ['section', 'level', 'tag', 'language', 'year'];
const MOST = 8; // values of each facet

/** The parameters that request facets. */
export const facetParams = `facets=${NAMES.join()}&facet_values=${MOST}`;

const languages = new Intl.DisplayNames('en', { type: 'language' });

/** A value for people. */
function shown(name, value) {
  if (name !== 'language') return value;
  try {
    return languages.of(value);
  } catch {
    return value;
  }
}

const fold = (value) => value.toLowerCase();

/**
 * A group of checkboxes for each facet of a reply. `wanted` has the values of the filters by name; a click calls
 * `choose` or `drop` with a name and a value. A facet is left out if all matching questions have its only value.
 */
export function facetsOf({ matching, counts }, wanted, choose, drop) {
  return counts.map(({ name, values, more }) => {
    const chosen = wanted[name].filter((value) => !values.some((one) => fold(one.value) === fold(value)));
    const all = [...chosen.map((value) => ({ value, count: null })), ...values];
    const isUseful = wanted[name].length || more || values.length > 1 || values.some(({ count }) => count < matching);
    if (!all.length || !isUseful) return null;
    const box = ({ value, count }) => {
      const own = wanted[name].find((one) => fold(one) === fold(value));
      const input = el('input', { type: 'checkbox', checked: own !== undefined, name, value });
      input.onchange = () => (input.checked ? choose(name, value) : drop(name, own));
      return el('label', { className: 'check' }, input, el('bdi', {}, shown(name, value)), ' ',
        count === null ? null : el('span', { className: 'count' }, count.toLocaleString('en')));
    };
    return el('fieldset', {}, el('legend', {}, name), ...all.map(box),
      more ? el('span', { className: 'soft' }, `and ${more.toLocaleString('en')} more`) : null);
  }).filter(Boolean);
}
