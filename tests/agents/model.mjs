// A model for real agent CLIs: answers what a script says, in the words of four vendors.
//
//   node model.mjs SCRIPT.json LOG.jsonl        prints http://127.0.0.1:PORT; Node.js 20 or later, no packages
//
// SCRIPT.json is a list of steps. Each request that offers tools takes the next one; the last one is repeated.
// Requests without tools (titles, summaries) take none and are answered "ok".
//
//   { "write": "name.txt", "content": "..." }   a call of the agent's own tool for writing files
//   { "shell": "command" }                      a call of its shell tool
//   { "tool": "name", "args": {} }              a call of a tool of the MCP server agentlua
//   { "say": "..." }                            text, which ends the agent's turn
//   { "error": "limit" }                        the vendor's error: limit (over in a second), auth, server, quota
//   { "hang": true }                            the beginning of an answer, and then nothing
//
// LOG.jsonl gets a line for each request: {path, answer, remembers}. `answer` is the kind of the step, "side", or
// "unknown"; "outside" is a call to another host, for an agent whose HTTPS_PROXY is this server: it is refused.
// `remembers`: the conversation has the content of the first step in it.

import fs from "node:fs";
import http from "node:http";

const [script, log] = process.argv.slice(2);
const steps = JSON.parse(fs.readFileSync(script, "utf8"));
let turn = 0;
let ids = 0;
const id = (prefix) => `${prefix}_${process.pid}_${++ids}`;

// ---- tools ---------------------------------------------------------------------------------------------------

// The agents' own names for writing a file and running a command, and the arguments that they take.
const TOOLS = {
  write: {
    Write: (s) => ({ file_path: s.path, content: s.content }), // claude
    write_file: (s) => ({ file_path: s.path, content: s.content }), // gemini, qwen
    write: (s) => ({ filePath: s.path, content: s.content }), // opencode
    exec_command: (s) => ({ cmd: `printf '%s' '${s.content}' > '${s.path}'` }), // codex has none
  },
  shell: {
    Bash: (s) => ({ command: s.shell, description: "a command" }), // claude
    exec_command: (s) => ({ cmd: s.shell }), // codex
    run_shell_command: (s) => ({ command: s.shell, description: "a command", is_background: false }), // gemini, qwen
    bash: (s) => ({ command: s.shell, description: "a command" }), // opencode
  },
};

// Agents want whole paths and tell the model where they work: in a worktree of agentlua.
const workplace = (text) => text.match(/\/[^\s"'`<>\\]*\.worktrees\/[^\s"'`<>\\/]+/)?.[0] ?? ".";

function call(step, offered, text) {
  // Such a tool has the server's name before its own. Some agents offer it only after a search, and take a call anyway.
  if (step.tool) {
    return { name: offered.find((n) => n?.endsWith(step.tool)) ?? `mcp__agentlua__${step.tool}`, args: step.args ?? {} };
  }
  const [name, args] = Object.entries(TOOLS[step.write ? "write" : "shell"]).find(([n]) => offered.includes(n)) ?? [];
  if (!name) throw new Error(`no tool for ${JSON.stringify(step)} among ${offered}`);
  return { name, args: args({ ...step, path: `${workplace(text)}/${step.write}` }) };
}

// ---- vendors -------------------------------------------------------------------------------------------------

// What a vendor has: `path` of its requests; `tools(body)` that one offers; `stream(answer, model)`: the events of an
// answer {text} or {call: {name, args}}; `whole`: the same in one piece, where that is asked for; `errors` by kind:
// [status, body].

const IN = 1000; // tokens of every request and answer
const OUT = 50;

const claude = (status, type, message) => [status, { type: "error", error: { type, message } }];
const anthropic = {
  path: /\/v1\/messages$/,
  tools: (body) => (body.tools ?? []).map((t) => t.name),
  stream({ text, call }, model) {
    const block = call
      ? { type: "tool_use", id: id("toolu"), name: call.name, input: {} }
      : { type: "text", text: "" };
    const delta = call
      ? { type: "input_json_delta", partial_json: JSON.stringify(call.args) }
      : { type: "text_delta", text };
    const message = {
      id: id("msg"), type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null,
      usage: { input_tokens: IN, output_tokens: 1 },
    };
    const stop = { stop_reason: call ? "tool_use" : "end_turn", stop_sequence: null };
    return [
      { type: "message_start", message },
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: stop, usage: { output_tokens: OUT } },
      { type: "message_stop" },
    ];
  },
  errors: {
    limit: claude(429, "rate_limit_error", "This request would exceed your rate limit."),
    auth: claude(401, "authentication_error", "invalid x-api-key"),
    server: claude(500, "api_error", "Internal server error"),
    quota: claude(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
  },
};

const openai = (status, type, code, message) => [status, { error: { message, type, param: null, code } }];
const openai_errors = {
  limit: openai(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again in 1s."),
  auth: openai(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-test."),
  server: openai(500, "server_error", null, "The server had an error while processing your request."),
  quota: openai(429, "insufficient_quota", "insufficient_quota",
    "You exceeded your current quota, please check your plan and billing details."),
};

const responses = {
  path: /\/v1\/responses$/,
  // Tools of a server have a name space, which goes into the call; "space/name" here.
  tools: (body) => (body.tools ?? []).flatMap((t) =>
    t.type === "namespace" ? t.tools.map((u) => `${t.name}/${u.name}`) : t.name),
  stream({ text, call }, model) {
    const [name, namespace] = (call?.name ?? "").split("/").reverse();
    const item = call
      ? { type: "function_call", id: id("fc"), call_id: id("call"), name, namespace,
        arguments: JSON.stringify(call.args) }
      : { type: "message", id: id("msg"), role: "assistant",
        content: [{ type: "output_text", text, annotations: [] }] };
    const response = { id: id("resp"), object: "response", model, status: "in_progress", output: [] };
    const usage = {
      input_tokens: IN, input_tokens_details: { cached_tokens: 0 },
      output_tokens: OUT, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: IN + OUT,
    };
    return [
      { type: "response.created", response },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: { ...response, status: "completed", output: [item], usage } },
    ];
  },
  errors: openai_errors,
};

const chat = {
  path: /\/v1\/chat\/completions$/,
  tools: (body) => (body.tools ?? []).map((t) => t.function.name),
  answered: ({ text, call }) => call
    ? { role: "assistant", content: null, tool_calls: [{ index: 0, id: id("call"), type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.args) } }] }
    : { role: "assistant", content: text },
  stream(answer, model) {
    const base = { id: id("chatcmpl"), object: "chat.completion.chunk", created: 0, model };
    const reason = answer.call ? "tool_calls" : "stop";
    const usage = { prompt_tokens: IN, completion_tokens: OUT, total_tokens: IN + OUT };
    return [
      { ...base, choices: [{ index: 0, delta: chat.answered(answer), finish_reason: null }] },
      { ...base, choices: [{ index: 0, delta: {}, finish_reason: reason }] },
      { ...base, choices: [], usage },
      "[DONE]",
    ];
  },
  whole: (answer, model) => ({
    id: id("chatcmpl"), object: "chat.completion", created: 0, model,
    choices: [{ index: 0, message: chat.answered(answer), finish_reason: answer.call ? "tool_calls" : "stop" }],
    usage: { prompt_tokens: IN, completion_tokens: OUT, total_tokens: IN + OUT },
  }),
  errors: openai_errors,
};

const google = (code, status, message, details = []) => [code, { error: { code, message, status, details } }];
const violation = (quotaId) => ({ "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId }] });
const gemini = {
  path: /\/v1beta\/models\/[^/]+:(streamGenerateContent|generateContent)$/,
  tools: (body) => (body.tools ?? []).flatMap((t) => t.functionDeclarations ?? []).map((f) => f.name),
  whole: ({ text, call }, model) => ({
    candidates: [{ index: 0, finishReason: "STOP",
      content: { role: "model", parts: [call ? { functionCall: call } : { text }] } }],
    usageMetadata: { promptTokenCount: IN, candidatesTokenCount: OUT, totalTokenCount: IN + OUT },
    modelVersion: model, responseId: id("resp"),
  }),
  stream: (answer, model) => [gemini.whole(answer, model)],
  errors: {
    limit: google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota. Please retry in 1s.", [
      violation("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1s" }]),
    auth: google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID", domain: "googleapis.com" }]),
    server: google(500, "INTERNAL", "An internal error has occurred."),
    quota: google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan.", [
      violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier")]),
  },
};

// ---- server --------------------------------------------------------------------------------------------------

function json(res, status, body, headers = {}) {
  res.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function event(res, data) {
  if (!res.headersSent) res.writeHead(200, { "content-type": "text/event-stream" });
  const name = data.type ? `event: ${data.type}\n` : "";
  res.write(`${name}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
}

// Answers a request by a step of the script.
function answer(res, vendor, step, request) {
  const { body, text, offered, streams } = request;
  const model = body.model ?? "gemini";
  if (step.error) {
    const [status, problem] = vendor.errors[step.error];
    return json(res, status, problem, step.error === "limit" ? { "retry-after": 1 } : {});
  }
  const reply = step.write || step.shell || step.tool ? { call: call(step, offered, text) } : { text: step.say ?? "I was about" };
  if (!streams) return json(res, 200, vendor.whole(reply, model));
  const events = vendor.stream(reply, model);
  if (step.hang) return event(res, events[0]);
  for (const one of events) event(res, one);
  res.end();
}

const note = (entry) => fs.appendFileSync(log, JSON.stringify(entry) + "\n");

async function handle(req, res) {
  let text = "";
  for await (const chunk of req) text += chunk;
  const path = new URL(req.url, "http://localhost").pathname;
  const vendor = [anthropic, responses, chat, gemini].find((v) => v.path.test(path));
  const body = vendor ? JSON.parse(text) : {};
  const offered = vendor ? vendor.tools(body) : [];
  const step = offered.length ? steps[Math.min(turn++, steps.length - 1)] : { say: "ok" };
  const word = step.error ?? ["write", "shell", "tool", "hang", "say"].find((name) => step[name]);
  const kind = !vendor ? "unknown" : offered.length ? word : "side";
  note({ path, answer: kind, remembers: text.includes(steps[0].content?.trim()) });
  if (!vendor) return json(res, 404, { error: { message: "not found" } });
  const streams = body.stream ?? path.includes("stream");
  answer(res, vendor, step, { body, text, offered, streams });
}

const server = http.createServer((req, res) => handle(req, res).catch((problem) => {
  console.error(problem);
  res.destroy();
}));
server.on("connect", (req, socket) => {
  note({ path: req.url, answer: "outside" });
  socket.on("error", () => {}).end("HTTP/1.1 403 Forbidden\r\n\r\n");
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
