// Serves the files of a directory, and pages that are given as text, as a site of static files.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

/**
 * Starts a server on a port of this machine; 0 is any. `pages` has the text and the headers of pages by their path,
 * `headers` those of all other files.
 */
export async function serveFiles(directory, { port = 0, pages = {}, headers = {} } = {}) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://site').pathname);
    try {
      const page = pages[path], body = page ? page.text : readFileSync(join(directory, path.endsWith('/') ? `${path}index.html` : path));
      response.writeHead(200, { 'content-type': page || path.endsWith('/') ? TYPES['.html'] : TYPES[extname(path)] ?? 'application/octet-stream', 'cache-control': 'no-store', ...(page?.headers ?? headers) });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => { server.listen(port, '127.0.0.1', ready); });
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
