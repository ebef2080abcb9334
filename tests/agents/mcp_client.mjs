// Every tool of agentlua mcp by the official client: node mcp_client.mjs NODE_MODULES AGENTLUA PROJECT
// Prints {tools, called, failed: {name: text}}. Progress and a cancellation are tried on the way.

import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, agentlua, project] = process.argv.slice(2);
const require = createRequire(pathToFileURL(path.join(modules, "x.js")));
const { Client } = await import(pathToFileURL(require.resolve("@modelcontextprotocol/sdk/client/index.js")));
const { StdioClientTransport } = await import(pathToFileURL(require.resolve("@modelcontextprotocol/sdk/client/stdio.js")));

const client = new Client({ name: "spec", version: "1" });
const env = Object.fromEntries(Object.entries(process.env));
await client.connect(new StdioClientTransport({ command: agentlua, args: ["mcp"], cwd: project, env }));

const failed = {};
const called = new Set();
async function call(name, args = {}, options) {
  called.add(name);
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  if (result.isError) failed[name] = result.content[0].text;
  return result.structuredContent ?? {};
}

const tools = (await client.listTools()).tools;
const { task_id } = await call("task_create", { name: "One", description: "d" });
const task = { task_id };
const bulk = await call("task_create_bulk", { tasks: [{ name: "Two", description: "d" }, { name: "Three", description: "d" }] });
for (const name of ["task_get_next", "task_list", "task_get_stats"]) await call(name);
await call("task_get_context", task);
await call("plan_create", { ...task, content: "# Plan" });
await call("plan_update", { ...task, content: "# Other plan" });
await call("plan_get", task);
await call("task_mark_needs_input", { ...task, question: { question: "Which?", options: ["this", "that"] } });
await call("task_answer_question", { ...task, answer: "A" });
await call("task_mark_analysing", task);
await call("task_mark_analysed", { ...task, analysis: { summary: "easy" } });
await call("task_mark_in_progress", task);
await call("task_mark_done", task);
await call("task_mark_todo", task);
await call("task_mark_skipped", { ...task, skip_reason: "max-retries" });
const second = { task_id: bulk.created_tasks[0].task_id };
await call("task_mark_needs_input", { ...second, split_proposal: { sub_tasks: [{ name: "a" }, { name: "b" }] } });
await call("task_approve_split", { ...second, approved: true });

const about = { title: "T", context: "c", decision: "d" };
const first = (await call("decision_create", about)).id;
const other = (await call("decision_create", { ...about, status: "accepted", alternatives_considered: [{ option: "x" }] })).id;
await call("decision_get", { decision_id: first });
await call("decision_list");
await call("decision_update", { decision_id: first, tags: ["x"] });
await call("decision_mark_accepted", { decision_id: first });
await call("decision_mark_superseded", { decision_id: first, superseded_by: other });
await call("decision_mark_deprecated", { decision_id: other, reason: "old" });

await call("session_initialize", { session_type: "manual" });
await call("session_update", { tasks_failed: 1 });
await call("session_increment_completed");
await call("session_get_state");
await call("session_get_stats");
await call("steering_heartbeat", { status: "testing", session_id: "s", process_id: "p" });

const abort = new AbortController(); // dev_start takes some seconds
setTimeout(() => abort.abort(), 300);
const cut = await client.callTool({ name: "dev_start" }, undefined, { signal: abort.signal }).catch((problem) => problem);
if (!(cut instanceof Error)) failed.cancellation = "was not cancelled";
await call("dev_stop");
let steps = 0;
await call("dev_start", {}, { onprogress: () => steps++ });
if (steps < 3) failed.progress = `${steps} steps`;
await call("dev_stop");

await client.close();
console.log(JSON.stringify({ tools: tools.length, called: called.size, failed }));
