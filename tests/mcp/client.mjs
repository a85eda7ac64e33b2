// Tests `rqsearch mcp` with the official JavaScript client: client.mjs SDK PROGRAM DIR.
// The client checks every structured reply against the output schema of its tool.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const [sdk, program, dir] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${sdk}/node_modules/@modelcontextprotocol/sdk/dist/esm/${path}`));
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");

const client = new Client({ name: "test", version: "1" });
const transport = new StdioClientTransport({ command: program, args: ["mcp"], cwd: dir });
await client.connect(transport);
assert.equal(client.getServerVersion().name, "rqsearch");
assert.match(client.getInstructions(), /5 questions/);

const { tools } = await client.listTools();
assert.equal(tools.length, 4);

const found = await client.callTool({ name: "search_questions", arguments: { q: "when to cut back roses" } });
const best = found.structuredContent.hits[0];
assert.equal(best.title, "When should I prune roses?");
const whole = await client.callTool({ name: "get_question", arguments: { id: best.id } });
assert.match(whole.structuredContent.answer, /forsythia/);
const asked = await client.callTool({ name: "find_duplicates", arguments: { q: best.title } });
assert.equal(asked.structuredContent.duplicate, true);
const groups = await client.callTool({ name: "list_duplicates" });
assert.deepEqual(groups.structuredContent.groups, []);
const refused = await client.callTool({ name: "get_question", arguments: {} });
assert.equal(refused.isError, true);

const { resources } = await client.listResources();
const read = await client.readResource({ uri: resources[0].uri });
assert.match(read.contents[0].text, /^# /);
await assert.rejects(client.readResource({ uri: "question://ffffffffffff" }), { code: -32002 });

await client.ping();
await client.close();
console.log("ok");
