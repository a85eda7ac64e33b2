// Shows openapi.json as a page.

import { $, el } from './dom.js';

let schemas = {};

const nameOf = (schema) => schema.$ref?.split('/').at(-1);

/** A type in words, for example `list of string` or `number or null`. A named type is a link to its description. */
function kindOf(schema) {
  const name = nameOf(schema);
  if (name) return [el('a', { href: `#${name}` }, name)];
  if (schema.anyOf || schema.oneOf) return joined((schema.anyOf || schema.oneOf).map(kindOf), ' or ');
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(' or ')];
  const types = [schema.type ?? 'anything'].flat();
  return joined(types.map((type) => {
    if (type === 'array' && schema.items) return ['list of ', ...kindOf(schema.items)];
    if (type === 'array' && schema.prefixItems) return ['[', ...joined(schema.prefixItems.map(kindOf), ', '), ']'];
    if (type === 'object' && schema.additionalProperties?.type) return ['object of ', ...kindOf(schema.additionalProperties)];
    return [type];
  }), ' or ');
}

const joined = (lists, between) => lists.flatMap((list, nth) => (nth ? [between, ...list] : list));

function table(label, rows) {
  const line = ([name, kind, text]) => el('tr', {}, el('td', {}, el('code', {}, name)),
    el('td', {}, el('span', { className: 'kind' }, ...kind)), el('td', {}, el('p', {}, text || '')));
  const head = ['name', 'type', 'description'].map((name) => el('th', { scope: 'col' }, name));
  return el('div', { className: 'wide', tabIndex: 0, role: 'group', 'aria-label': label },
    el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows.map(line))));
}

const withDefault = ({ description, default: value }) =>
  `${description || ''}${value === undefined || value === null || value.length === 0 ? '' : ` Default: ${JSON.stringify(typeof value === 'number' ? Number(value.toPrecision(6)) : value)}.`}`;

function operation(path, method, { summary, description, parameters, requestBody, responses }) {
  const bodies = (content) => Object.entries(content).map(([type, { schema }]) => el('p', {}, el('code', {}, type), ' ', ...kindOf(schema)));
  const required = ({ name, required: must }) => (must ? `${name} *` : name);
  return [
    el('h2', {}, el('span', { className: 'method' }, method.toUpperCase()), ' ', el('code', {}, path)),
    el('p', {}, summary, '.'),
    description ? el('p', { className: 'soft' }, description) : '',
    ...(parameters ? [el('h3', {}, 'Parameters'), table(`Parameters of ${path}`, parameters.map((one) => [required(one), kindOf(one.schema), withDefault({ ...one.schema, description: one.description })]))] : []),
    ...(requestBody ? [el('h3', {}, 'Body'), ...bodies(requestBody.content)] : []),
    el('h3', {}, 'Reply'),
    ...(responses[200] ? bodies(responses[200].content) : [el('p', {}, 'Status 204, without a body.')]),
    el('p', { className: 'soft' }, 'Errors: ', Object.entries(responses).filter(([status]) => status >= 400)
      .map(([status, { description: text }]) => `${status} ${text}`).join(', ') || 'none specific to this route', '.'),
  ];
}

function type(name) {
  const schema = schemas[name], required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([key, value]) => [required.has(key) ? key : `${key}?`, kindOf(value), withDefault(value)]);
  const kinds = rows.length ? table(`Keys of ${name}`, rows) : el('p', {}, ...kindOf(schema));
  return [el('h3', { id: name }, name), el('p', { className: 'soft' }, schema.description || ''), kinds];
}

async function start() {
  try {
    const response = await fetch('/openapi.json');
    if (!response.ok) throw new Error(response.statusText);
    const api = await response.json();
    schemas = api.components.schemas;
    const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, one]) => operation(path, method, one)));
    $('routes').replaceChildren(el('p', {}, api.info.description), ...operations,
      el('h2', {}, 'Types'), ...Object.keys(schemas).sort().flatMap(type));
    if (location.hash) $(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    $('status').textContent = `Could not load /openapi.json: ${error.message}`;
  }
}

start();
