// Small helpers. Text from an index is untrusted: it reaches the page as text nodes only (el, append), never as markup.

export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (names with a dash, or `role`), and children. */
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

/** 100 % is kept for what is certain, 0 % for what is impossible. */
export const percent = (share) => {
  const rounded = Math.round(share * 100);
  return `${share >= 1 ? 100 : share <= 0 ? 0 : Math.min(99, Math.max(1, rounded))} %`;
};

/** The address, where it is one of the web; `null` for everything else, such as scripts. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

/** A link where the address is one of the web, otherwise only its text. */
export function link(address, ...children) {
  const href = webAddress(address);
  return href ? el('a', { href, rel: 'noreferrer noopener' }, ...children) : el('span', {}, ...children);
}
