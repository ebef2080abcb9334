-- Claude Code (claude 2.1), recorded with 2.1.197 and 2.1.329.

local core = require "agentlua.core"
local decode = require "agentlua.decode"
local record = require "agentlua.record"

local on = {}

function on.system(entry, emit)
  local subtype = record.text(entry, "subtype")
  if subtype == "init" then
    emit { type = "session", id = record.text(entry, "session_id"), model = record.text(entry, "model") }
  elseif subtype == "api_retry" then
    emit(decode.failure("claude", {
      text = record.text(entry, "error"), status = record.number(entry, "error_status"), retrying = true,
    }))
  end
end

-- The state of the subscription's windows, with every answer; `allowed_warning` is no limit yet.
function on.rate_limit_event(entry, emit, memory)
  local info = record.object(entry, "rate_limit_info")
  memory.window = nil
  if record.text(info, "status") ~= "rejected" or record.flag(info, "isUsingOverage") then return end
  local name = record.text(info, "rateLimitType") or "usage" -- five_hour seven_day seven_day_opus ...
  memory.window = {
    kind = name:find "^seven_day" and "weekly" or "window", scope = name:find "^seven_day_" and "model" or "account",
    resets_at = record.number(info, "resetsAt"),
  }
  emit(record.overlay(memory.window, { type = "limit", text = name .. " limit" }))
end

function on.assistant(entry, emit, memory)
  if record.flag(entry, "is_api_error_message") or record.text(entry, "message", "model") == "<synthetic>" then
    return -- the result says it
  end
  -- One message comes in several records, each with the same usage.
  if decode.first(memory, record.text(entry, "message", "id")) then
    local usage = record.object(entry, "message", "usage")
    local cached = record.number(usage, "cache_read_input_tokens") or 0
    emit {
      type = "usage", tokens_cached = cached, tokens_out = record.number(usage, "output_tokens"),
      tokens_in = (record.number(usage, "input_tokens") or 0) + cached
        + (record.number(usage, "cache_creation_input_tokens") or 0),
    }
  end
  decode.message(entry, emit)
end

function on.user(entry, emit) decode.message(entry, emit) end

-- Tokens and dollars of all models. In newer versions (2.1.329, not yet 2.1.197) `total_cost_usd` and `modelUsage`
-- are those of the whole session, and what this run has used since its last result is told beside them.
local function usage_of(entry, memory)
  local sums = { 0, 0, 0, 0 }
  local since = record.object(entry, "model_usage_since_last_result")
  for _, model in pairs(since or record.object(entry, "modelUsage") or {}) do
    local cached = record.number(model, "cacheReadInputTokens") or 0
    sums[1] = sums[1] + cached + (record.number(model, "inputTokens") or 0)
      + (record.number(model, "cacheCreationInputTokens") or 0)
    sums[2] = sums[2] + (record.number(model, "outputTokens") or 0)
    sums[3] = sums[3] + cached
    sums[4] = sums[4] + (record.number(model, "costUSD") or 0)
  end
  if not since then sums[4] = record.number(entry, "total_cost_usd") or sums[4] end
  local before = since and memory.used or { 0, 0, 0, 0 }
  for i, sum in ipairs(sums) do sums[i] = sum + before[i] end
  memory.used = sums
  return {
    type = "usage", scope = "attempt", tokens_in = sums[1], tokens_out = sums[2], tokens_cached = sums[3],
    cost = sums[4],
  }
end

local endings = { error_max_turns = "max_turns", error_max_budget_usd = "budget" }

function on.result(entry, emit, memory)
  emit(usage_of(entry, memory))
  local text = record.text(entry, "result") or table.concat(record.strings(entry, "errors"), "\n")
  local session = record.text(entry, "session_id")
  if not record.flag(entry, "is_error") then
    local more = (record.number(entry, "queued_turn_count") or 0) > 0
    return emit { type = "result", ok = true, text = text, session = session, open = more or nil }
  end
  local ending = endings[record.text(entry, "subtype")]
    or (record.text(entry, "terminal_reason") or ""):find "^aborted" and "killed" or nil
  if text:find "^No conversation found" then
    emit { type = "error", text = text, code = "no_session" }
    ending, session = "crash", nil
  elseif not ending then
    emit(decode.failure("claude", record.overlay(memory.window or {}, {
      text = text, status = record.number(entry, "api_error_status"),
    })))
  end
  emit { type = "result", ok = false, text = text, session = session, ending = ending }
end

-- To root, `full` is refused unless the user says that this is a sandbox.
local function refuses(backend, mode)
  local status = core.fs.read "/proc/self/status" or ""
  local sandbox = backend.env.IS_SANDBOX or os.getenv "IS_SANDBOX"
  if mode ~= "full" or sandbox == "1" or not status:find "\nUid:%s+%d+%s+0%s" then return nil end
  return ("refuses the permission mode 'full' to root: run as another user, say --permission edit, or, in a "
    .. "container that may break, set backends = { %s = { env = { IS_SANDBOX = \"1\" } } }"):format(backend.name)
end

return {
  argv = {
    "claude", "-p", "--output-format", "stream-json", "--verbose", "{permission}", { "--model", "{model}" },
    { "--max-turns", "{max_turns}" }, { "--allowedTools", "{tools}" }, { "--append-system-prompt", "{system}" },
    { "--mcp-config", "{mcp}" }, { "--allowedTools", "{server_tools}" }, { "--resume", "{session}" },
  },
  permissions = {
    full = { "--permission-mode", "bypassPermissions" }, edit = { "--permission-mode", "acceptEdits" },
    read = { "--permission-mode", "plan" }, auto = { "--permission-mode", "auto" },
  },
  permission = "full",
  refuses = refuses,
  env = {
    ANTHROPIC_BASE_URL = "{endpoint}",
    CLAUDE_CODE_MAX_RETRIES = "0", -- waiting is ours
    DISABLE_AUTOUPDATER = "1",
    CLAUDECODE = false, -- set where agentlua itself is run by claude; a claude in a claude does not start
  },
  api_keys = { "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN" },
  version = { "--version" },
  check = { "auth", "status" },
  state = { "~/.claude", "~/.claude.json" },
  login = {
    argv = { "claude", "auth", "login" }, ask_code = "[Pp]aste code[^\n]*$", check = { "claude", "auth", "status" },
  },
  login_help = "set ANTHROPIC_API_KEY",
  decode = decode.by_type(on),
  ends_with_result = true,
  counts_turns = true,
  exits = { [143] = "killed" },
  stderr = {
    { "No conversation found", "crash", code = "no_session" },
    { "Not logged in", "auth" }, { "Invalid API key", "auth" }, { "Please run /login", "auth" },
    { "cannot be used with root", "refused" },
  },
  -- For what an attempt has cost so far, until the result says it; list prices of January 2026.
  prices = {
    ["claude-opus-4-5"] = { input = 5, output = 25, cached = 0.5 },
    ["claude-opus-4-1"] = { input = 15, output = 75, cached = 1.5 },
    ["claude-sonnet-4-5"] = { input = 3, output = 15, cached = 0.3 },
    ["claude-haiku-4-5"] = { input = 1, output = 5, cached = 0.1 },
  },
}
