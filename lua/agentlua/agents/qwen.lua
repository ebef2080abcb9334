-- Qwen Code, recorded with qwen 0.15.10 and 0.24.4.

local core = require "agentlua.core"
local decode = require "agentlua.decode"
local record = require "agentlua.record"

local function failure(text)
  local status = math.tointeger(tonumber(text:match "^%[API Error: (%d%d%d)%f[^%d]" or nil))
  if text:find("No auth type is selected", 1, true) then status = 401 end
  return decode.failure("qwen", { text = text, status = status })
end

local on = {}

function on.system(entry, emit)
  local subtype = record.text(entry, "subtype")
  if subtype == "init" then
    emit { type = "session", id = record.text(entry, "session_id"), model = record.text(entry, "model") }
  elseif subtype == "retry" then
    -- With a delay it waits for a limit to end; without one it asks again for other reasons.
    local delay = record.number(entry, "data", "delayMs")
    if not delay then return end
    emit { type = "limit", kind = "rate", retrying = true, retry_after = delay / 1000, text = "rate limit" }
  end
end

function on.assistant(entry, emit, memory)
  local usage = record.object(entry, "message", "usage")
  local tokens = record.number(usage, "input_tokens") or 0
  memory.no_answer = tokens == 0 and (record.number(usage, "output_tokens") or 0) == 0
  if tokens > 0 then -- the last of the records of one answer has its usage
    emit {
      type = "usage", tokens_in = tokens, tokens_out = record.number(usage, "output_tokens"),
      tokens_cached = record.number(usage, "cache_read_input_tokens"),
    }
  end
  decode.message(entry, emit)
end

function on.user(entry, emit) decode.message(entry, emit) end

function on.result(entry, emit, memory)
  local usage = record.object(entry, "usage")
  emit { -- of the whole session
    type = "usage", scope = "session", tokens_in = record.number(usage, "input_tokens"),
    tokens_out = record.number(usage, "output_tokens"), tokens_cached = record.number(usage, "cache_read_input_tokens"),
  }
  local text, session = record.text(entry, "result") or "", record.text(entry, "session_id")
  -- 0.15 takes a failed request for the model's answer, which then has cost nothing.
  local failed = text:find("[API Error: ", 1, true) == 1 and memory.no_answer
  if not failed and not record.flag(entry, "is_error") then
    return emit { type = "result", ok = true, text = text, session = session }
  end
  text = record.text(entry, "error", "message") or text
  emit(failure(text))
  emit { type = "result", ok = false, text = text, session = session }
end

-- The machine's settings with ours on top: they win over those of the user and of the worktree.
local function prepare(values, file)
  local text = core.fs.read(os.getenv "QWEN_CODE_SYSTEM_SETTINGS_PATH" or "/etc/qwen-code/settings.json")
  values.settings = file("qwen-settings.json", core.json.dump(record.overlay(text and core.json.parse(text) or {}, {
    model = { generationConfig = { maxRetries = 0 } }, -- waiting is ours
    general = { enableAutoUpdate = false, disableAutoUpdate = true },
  }), 2))
end

return {
  argv = {
    "qwen", "-o", "stream-json", "{permission}", { "-m", "{model}" },
    { "--auth-type", "openai", "--openai-base-url", "{endpoint}" }, { "--max-session-turns", "{max_turns}" },
    { "--allowed-tools", "{tools}" }, { "--append-system-prompt", "{system}" }, { "--mcp-config", "{mcp}" },
    { "--resume", "{session}" },
  },
  permissions = {
    full = { "--approval-mode", "yolo" }, edit = { "--approval-mode", "auto-edit" },
    read = { "--approval-mode", "plan" },
  },
  permission = "full",
  prepare = prepare,
  env = {
    QWEN_CODE_SYSTEM_SETTINGS_PATH = "{settings}", QWEN_CODE_NO_RELAUNCH = "true",
    QWEN_CODE_SUPPRESS_YOLO_WARNING = "1",
  },
  api_keys = { "OPENAI_API_KEY", "DASHSCOPE_API_KEY" },
  version = { "--version" },
  state = { "~/.qwen" },
  login_help = "start `qwen` once and choose a login, or set OPENAI_API_KEY and args = { \"--auth-type\", \"openai\" }",
  decode = decode.by_type(on),
  ends_with_result = true,
  counts_turns = true,
  exits = { [53] = "max_turns" },
  stderr = { { "No saved session found", "crash", code = "no_session" } },
  -- List prices of January 2026, for prompts of up to 32,000 tokens.
  prices = {
    ["qwen3-coder-plus"] = { input = 1, output = 5, cached = 0.1 },
    ["qwen3-coder-flash"] = { input = 0.3, output = 1.5, cached = 0.03 },
  },
}
