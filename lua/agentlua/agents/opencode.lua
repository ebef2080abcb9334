-- opencode (1.18): models are named provider/model.

local core = require "agentlua.core"
local decode = require "agentlua.decode"
local record = require "agentlua.record"

local on = {}

local function session_of(entry, emit, memory)
  local id = record.text(entry, "sessionID")
  if not id or id == memory.session then return end
  memory.session = id
  emit { type = "session", id = id }
end

function on.step_start(entry, emit, memory)
  session_of(entry, emit, memory)
  emit { type = "usage" }
end

function on.text(entry, emit, memory)
  memory.answer = record.text(entry, "part", "text")
  emit { type = "text", text = memory.answer }
end

function on.reasoning(entry, emit) emit { type = "thinking", text = record.text(entry, "part", "text") } end

-- A tool is told of when it is through.
function on.tool_use(entry, emit)
  local part = record.object(entry, "part")
  local id, state = record.text(part, "callID"), record.object(part, "state")
  emit {
    type = "tool_call", name = record.text(part, "tool"), id = id, text = decode.brief(record.object(state, "input")),
  }
  emit {
    type = "tool_result", id = id, ok = record.text(state, "status") == "completed",
    text = record.text(state, "output") or record.text(state, "error") or "",
  }
end

function on.step_finish(entry, emit, memory)
  local part = record.object(entry, "part")
  local tokens = record.object(part, "tokens")
  local cached = record.number(tokens, "cache", "read") or 0
  local cost = record.number(part, "cost") or 0
  emit {
    type = "usage", turns = 0, tokens_cached = cached, cost = cost > 0 and cost or nil, -- 0: it knows no price
    tokens_in = (record.number(tokens, "input") or 0) + cached + (record.number(tokens, "cache", "write") or 0),
    tokens_out = (record.number(tokens, "output") or 0) + (record.number(tokens, "reasoning") or 0),
  }
  local reason = record.text(part, "reason")
  if reason == "stop" or reason == "length" then
    emit { type = "result", ok = true, text = memory.answer, open = true } -- it may go on after a summary
  end
end

function on.error(entry, emit, memory)
  session_of(entry, emit, memory)
  local name, data = record.text(entry, "error", "name"), record.object(entry, "error", "data")
  local status = record.number(data, "statusCode")
  if name == "ProviderAuthError" then status = 401 end
  emit(decode.failure("opencode", {
    text = record.text(data, "message") or name, status = status,
    retry_after = tonumber(record.text(data, "responseHeaders", "retry-after")),
  }))
  emit { type = "result", ok = false, text = record.text(data, "message") }
end

-- What each mode allows beside reading; {"*" = "deny", name = "allow"} where tools are named.
local modes = { edit = { edit = "allow", bash = "deny" }, read = { edit = "deny", bash = "deny" } }

local function prepare(values, file)
  local permission = modes[values.mode]
  if values.tools then
    permission = { ["*"] = "deny" }
    for name in values.tools:gmatch "[^,%s]+" do permission[name] = "allow" end
  end
  local provider = values.model and values.model:match "^([^/]+)/"
  local servers = {}
  for name, server in pairs(values.servers or {}) do
    servers[name] = {
      type = "local", enabled = true, environment = server.env,
      command = table.move(server.args or {}, 1, #(server.args or {}), 2, { server.command }),
    }
  end
  local theirs = os.getenv "OPENCODE_CONFIG_CONTENT"
  values.config = core.json.dump(record.overlay(theirs and core.json.parse(theirs) or {}, {
    autoupdate = false, share = "disabled", permission = permission, mcp = next(servers) and servers or nil,
    instructions = values.system and { file("opencode-system.md", values.system) } or nil,
    agent = values.max_turns and { build = { steps = values.max_turns } } or nil,
    provider = provider and values.endpoint and { [provider] = { options = { baseURL = values.endpoint } } } or nil,
  }))
end

return {
  argv = {
    "opencode", "run", "--format", "json", "{permission}", { "-m", "{model}" }, { "--session", "{session}" },
  },
  permissions = { full = { "--auto" }, edit = {}, read = {} },
  permission = "full",
  prepare = prepare,
  env = { OPENCODE_CONFIG_CONTENT = "{config}", OPENCODE_DISABLE_AUTOUPDATE = "1" },
  api_keys = { "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY" },
  version = { "--version" },
  state = { "~/.local/share/opencode", "~/.local/state/opencode", "~/.cache/opencode", "~/.config/opencode" },
  login = { argv = { "opencode", "auth", "login" } },
  decode = decode.by_type(on),
  ends_with_result = true,
  stderr = { { "Session not found", "crash", code = "no_session" } },
}
