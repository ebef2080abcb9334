-- Codex (codex 0.169): `codex exec --json`.

local core = require "agentlua.core"
local decode = require "agentlua.decode"
local record = require "agentlua.record"

-- Codex tells of failed requests in words; a status, where it has one, is among them.
local function failure(text, retrying)
  local status = text:match "unexpected status (%d%d%d)" or text:match "last status: (%d%d%d)"
    or text:find("experiencing high demand", 1, true) and 503 -- what it makes of any 5xx
  return decode.failure("codex", { text = text, status = math.tointeger(tonumber(status)), retrying = retrying })
end

-- Items that are tools: how they are called, and what they are asked to do.
local tools = {
  command_execution = function(item) return "shell", record.text(item, "command") end,
  file_change = function(item)
    local paths = {}
    for _, change in record.each(item, "changes") do paths[#paths + 1] = record.text(change, "path") end
    return "apply_patch", table.concat(paths, " ")
  end,
  mcp_tool_call = function(item)
    return ("%s.%s"):format(record.text(item, "server") or "?", record.text(item, "tool") or "?"),
      decode.brief(record.object(item, "arguments"))
  end,
  web_search = function(item) return "web_search", record.text(item, "query") end,
}

local function result_of(item)
  local ok = record.text(item, "status") ~= "failed"
  local code = record.number(item, "exit_code")
  return {
    type = "tool_result", id = record.text(item, "id"), ok = ok and (code or 0) == 0,
    text = record.text(item, "aggregated_output") or record.text(item, "error", "message")
      or decode.content(record.object(item, "result", "content")),
  }
end

local on = {}

on["thread.started"] = function(entry, emit) emit { type = "session", id = record.text(entry, "thread_id") } end

on["item.started"] = function(entry, emit, memory)
  local item = record.object(entry, "item")
  local tool = tools[record.text(item, "type")]
  if not tool then return end
  decode.speaks(memory, emit)
  local name, text = tool(item)
  emit { type = "tool_call", name = name, id = record.text(item, "id"), text = decode.brief { command = text } }
end

on["item.completed"] = function(entry, emit, memory)
  local item = record.object(entry, "item")
  local kind, text = record.text(item, "type"), record.text(item, "text")
  if kind == "agent_message" then
    decode.speaks(memory, emit)
    memory.answer = text
    emit { type = "text", text = text }
  elseif kind == "reasoning" then
    decode.speaks(memory, emit)
    emit { type = "thinking", text = text }
  elseif tools[kind] then
    memory.speaking = nil
    emit(result_of(item))
  end -- an item of the type `error` is a warning
end

on["turn.completed"] = function(entry, emit, memory)
  local usage = record.object(entry, "usage")
  emit { -- of the whole session
    type = "usage", scope = "session", tokens_in = record.number(usage, "input_tokens"),
    tokens_out = record.number(usage, "output_tokens"), tokens_cached = record.number(usage, "cached_input_tokens"),
  }
  emit { type = "result", ok = true, text = memory.answer }
end

function on.error(entry, emit, memory)
  local text = record.text(entry, "message") or ""
  local reason = text:match "^Reconnecting%.%.%. %d+/%d+ %((.*)%)$"
  memory.failed = text
  emit(failure(reason or text, reason ~= nil or nil))
end

on["turn.failed"] = function(entry, emit, memory)
  local text = record.text(entry, "error", "message") or ""
  if text ~= memory.failed then emit(failure(text)) end
  emit { type = "result", ok = false, text = text }
end

-- Values of -c are TOML, whose strings may be written like those of JSON.
local function prepare(values)
  local settings = { "-c", "check_for_update_on_startup=false" }
  local function set(key, text) table.move({ "-c", key .. "=" .. text }, 1, 2, #settings + 1, settings) end
  local function quoted(value)
    if type(value) ~= "table" then return core.json.dump(value) end
    local parts = {}
    for name, one in pairs(value) do
      parts[#parts + 1] = (#value == 0 and core.json.dump(name) .. "=" or "") .. quoted(one)
    end
    if #value == 0 then table.sort(parts) end
    return (#value > 0 and "[%s]" or "{%s}"):format(table.concat(parts, ","))
  end
  if values.system then set("developer_instructions", quoted(values.system)) end
  for name, server in pairs(values.servers or {}) do
    set("mcp_servers." .. name, quoted { -- a quoted name would keep its quotes
      command = server.command, args = server.args and #server.args > 0 and server.args or nil, env = server.env,
    })
  end
  if values.endpoint then
    -- Azure: https://NAME.openai.azure.com?api-version=2025-04-01-preview
    local base, query = values.endpoint:match "^([^?]*)%??(.*)$"
    if base:find("azure.com", 1, true) and not base:find "/openai" then base = base:gsub("/$", "") .. "/openai" end
    local params = {}
    for key, value in query:gmatch "([^&=]+)=([^&]*)" do params[key] = value end
    set("model_provider", quoted "agentlua")
    set("model_providers.agentlua", quoted {
      name = "agentlua", base_url = base, env_key = "OPENAI_API_KEY", wire_api = "responses",
      query_params = next(params) and params or nil, request_max_retries = 0, stream_max_retries = 0,
    })
  end
  values.settings = settings
end

return {
  argv = {
    "codex", "exec", "--json", "--skip-git-repo-check", "{permission}", { "-m", "{model}" }, "{settings}", "{args}",
    { "resume", "{session}" }, "-",
  },
  permissions = {
    full = { "--dangerously-bypass-approvals-and-sandbox" }, edit = { "-s", "workspace-write" },
    read = { "-s", "read-only" },
  },
  permission = "full",
  prepare = prepare,
  env = {},
  api_keys = { "OPENAI_API_KEY", "CODEX_API_KEY" },
  version = { "--version" },
  check = { "login", "status" },
  state = { "~/.codex" },
  login = { argv = { "codex", "login", "--device-auth" }, check = { "codex", "login", "status" } },
  login_help = "set CODEX_API_KEY",
  decode = decode.by_type(on),
  ends_with_result = true,
  stderr = {
    { "no rollout found", "crash", code = "no_session" },
    { "[Nn]ot logged in", "auth" },
  },
  -- List prices of January 2026. It names no model by itself: say one to have the cost estimated.
  prices = {
    ["gpt-5"] = { input = 1.25, output = 10, cached = 0.125 },
    ["gpt-5-codex"] = { input = 1.25, output = 10, cached = 0.125 },
    ["gpt-5-mini"] = { input = 0.25, output = 2, cached = 0.025 },
    ["gpt-5.1"] = { input = 1.25, output = 10, cached = 0.125 },
    ["gpt-5.1-codex"] = { input = 1.25, output = 10, cached = 0.125 },
    ["gpt-5.1-codex-max"] = { input = 1.25, output = 10, cached = 0.125 },
    ["gpt-5.2"] = { input = 1.75, output = 14, cached = 0.175 },
    ["gpt-5.2-codex"] = { input = 1.75, output = 14, cached = 0.175 },
  },
}
