// DOM helpers. Text from an index is untrusted. It reaches the page only as text nodes (el, append), never as markup.

export const $ = (id) => document.getElementById(id);

/** An element with children. A name in `props` is an attribute if it is `role` or has a dash, otherwise a property. */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name.includes('-') || name === 'role') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const count = (n, noun) => `${n.toLocaleString('en')} ${n === 1 ? noun : `${noun}s`}`;

/** A fraction as a percentage. Only 1 is shown as 100 %, and only 0 as 0 %. */
export const percent = (fraction) => {
  const rounded = Math.round(fraction * 100);
  return `${fraction >= 1 ? 100 : fraction <= 0 ? 0 : Math.min(99, Math.max(1, rounded))} %`;
};

/** A normalized `http` or `https` address; `null` for any other text, such as a `javascript:` address. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

/** A link if the address is an `http` or `https` address, otherwise a `span` with the same children. */
export function link(address, ...children) {
  const href = webAddress(address);
  return href ? el('a', { href, rel: 'noreferrer noopener' }, ...children) : el('span', {}, ...children);
}

/** Ranges of the UTF-8 bytes of a text as ranges of its UTF-16 code units. */
export function unitsOf(text, ranges) {
  let unit = 0, byte = 0;
  const advance = (to) => {
    while (byte < to && unit < text.length) {
      const code = text.codePointAt(unit);
      unit += code > 0xFFFF ? 2 : 1;
      byte += code > 0xFFFF ? 4 : code > 0x7FF ? 3 : code > 0x7F ? 2 : 1;
    }
    return unit;
  };
  return ranges.map(([start, end]) => [advance(start), advance(end)]);
}
