-- Gemini CLI (gemini 0.61).

local core = require "agentlua.core"
local decode = require "agentlua.decode"
local errors = require "agentlua.errors"
local process = require "agentlua.process"
local record = require "agentlua.record"

local on = {}

-- What the model says comes in pieces; an event is all of it until something else comes.
local function flush(emit, memory)
  local pieces = memory.pieces
  memory.pieces = nil
  if not pieces then return end
  memory.answer = table.concat(pieces)
  emit { type = "text", text = memory.answer }
end

-- A session is kept from the first answer on: before, there is nothing to resume.
function on.init(entry, _, memory)
  memory.session = { type = "session", id = record.text(entry, "session_id"), model = record.text(entry, "model") }
end

local function speaks(emit, memory)
  if memory.session then emit(memory.session) end
  memory.session = nil
  decode.speaks(memory, emit)
end

function on.message(entry, emit, memory)
  if record.text(entry, "role") ~= "assistant" then return end
  speaks(emit, memory)
  if not record.flag(entry, "delta") then flush(emit, memory) end
  local pieces = memory.pieces or { bytes = 0 }
  memory.pieces = pieces
  local text = record.text(entry, "content") or ""
  pieces[#pieces + 1], pieces.bytes = text, pieces.bytes + #text + 8
  if pieces.bytes > 1 << 20 then flush(emit, memory) end
end

function on.tool_use(entry, emit, memory)
  flush(emit, memory)
  speaks(emit, memory)
  emit {
    type = "tool_call", name = record.text(entry, "tool_name"), id = record.text(entry, "tool_id"),
    text = decode.brief(record.object(entry, "parameters")),
  }
end

function on.tool_result(entry, emit, memory)
  flush(emit, memory)
  memory.speaking = nil
  emit {
    type = "tool_result", id = record.text(entry, "tool_id"), ok = record.text(entry, "status") == "success",
    text = record.text(entry, "output") or record.text(entry, "error", "message") or "",
  }
end

-- The text of an error holds, or is, the JSON of the API.
local function failure(text)
  local answer = text:match "^%[API Error: (%b{})"
  local told = answer and core.json.parse(answer)
  local status = record.number(told, "error", "code")
  if text:find("API_KEY_INVALID", 1, true) then status = 401 end -- it comes as 400
  return decode.failure("gemini", { text = text, status = status })
end

function on.result(entry, emit, memory)
  flush(emit, memory)
  local stats = record.object(entry, "stats")
  emit {
    type = "usage", scope = "attempt", tokens_in = record.number(stats, "input_tokens"),
    tokens_out = record.number(stats, "output_tokens"), tokens_cached = record.number(stats, "cached"),
  }
  if record.text(entry, "status") == "success" then
    return emit { type = "result", ok = true, text = memory.answer }
  end
  local text = record.text(entry, "error", "message") or ""
  local ending = record.text(entry, "error", "type") == "FatalTurnLimitedError" and "max_turns" or nil
  if not ending then emit(failure(text)) end
  emit { type = "result", ok = false, text = text, ending = ending }
end

-- The user's settings with what this run wants on top. A settings file named by GEMINI_CLI_SYSTEM_SETTINGS_PATH
-- would do, but is read only when root owns it and every directory above; so the run has a home of its
-- own, where everything but the settings is the user's: logins, sessions, extensions.
local function prepare(values, file)
  local user = (os.getenv "GEMINI_CLI_HOME" or os.getenv "HOME" or "") .. "/.gemini"
  local text = core.fs.read(user .. "/settings.json")
  local theirs = core.json.parse(text or "{}")
  if type(theirs) ~= "table" then
    errors.usage("ECONFIG", ("agent 'gemini': '%s/settings.json' is not plain JSON; take out its comments")
      :format(user))
  end
  local has_auth = record.text(theirs, "security", "auth", "selectedType")
  local settings = record.overlay(theirs, {
    general = { maxAttempts = 1, enableAutoUpdate = false }, -- waiting is ours
    model = values.max_turns and { maxSessionTurns = values.max_turns },
    mcpServers = values.servers,
    security = values.endpoint and not has_auth and { auth = { selectedType = "gemini-api-key" } } or nil,
  })
  local path = file("gemini-home/.gemini/settings.json", core.json.dump(settings, 2))
  values.home = path:match "^(.*)/%.gemini/"
  values.state = { values.home }
  local own = { ["settings.json"] = true }
  if values.system then
    own["GEMINI.md"] = true
    file("gemini-home/.gemini/GEMINI.md", (core.fs.read(user .. "/GEMINI.md") or "") .. "\n" .. values.system)
  end
  errors.check(core.fs.mkdir(user .. "/tmp")) -- of sessions, which outlive this home
  local link = { "ln", "-sfn", "-t", values.home .. "/.gemini", "--" }
  local least = #link
  for _, name in ipairs(core.fs.list(user) or {}) do
    if not own[name] and not name:find "%.tmp$" then link[#link + 1] = user .. "/" .. name end
  end
  if #link > least then errors.check(process.run(link)) end
end

return {
  argv = {
    "gemini", "-o", "stream-json", "--skip-trust", "{permission}", { "-m", "{model}" },
    { "--allowed-tools", "{tools}" }, { "--resume", "{session}" },
  },
  model = "gemini-2.5-pro", -- without one it asks a small model which to take
  models = { pro = "gemini-2.5-pro", flash = "gemini-2.5-flash" },
  permissions = {
    full = { "--approval-mode", "yolo" }, edit = { "--approval-mode", "auto_edit" },
    read = { "--approval-mode", "plan" },
  },
  permission = "full",
  prepare = prepare,
  env = {
    GEMINI_CLI_HOME = "{home}", GEMINI_CLI_NO_RELAUNCH = "true", -- else a signal does not reach it
    GOOGLE_GEMINI_BASE_URL = "{endpoint}",
  },
  api_keys = {
    "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_APPLICATION_CREDENTIALS",
  },
  version = { "--version" },
  state = { "~/.gemini" },
  login_help = "start `gemini` once and choose a login, or set GEMINI_API_KEY",
  decode = decode.by_type(on),
  ends_with_result = true,
  counts_turns = true,
  -- An HTTP status comes as the code that is left of it by 256.
  exits = {
    [41] = "auth", [53] = "max_turns", [429 % 256] = "limit", [401 % 256] = "auth", [403 % 256] = "auth",
    [500 % 256] = "api_error",
  },
  stderr = { { "Error resuming session", "crash", code = "no_session" } },
  -- List prices of January 2026, for prompts of up to 200,000 tokens.
  prices = {
    ["gemini-2.5-pro"] = { input = 1.25, output = 10, cached = 0.125 },
    ["gemini-2.5-flash"] = { input = 0.3, output = 2.5, cached = 0.03 },
    ["gemini-2.5-flash-lite"] = { input = 0.1, output = 0.4, cached = 0.01 },
    ["gemini-3-pro-preview"] = { input = 2, output = 12, cached = 0.2 },
    ["gemini-3-flash-preview"] = { input = 0.5, output = 3, cached = 0.05 },
  },
}
