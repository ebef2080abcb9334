-- A backend of your own: `osprey` stands for any CLI that prints JSON lines. In .agentlua/agents/ this file
-- makes `--agent osprey` work; lua/agentlua/agents/README.md has all fields.

local decode = require "agentlua.decode"
local record = require "agentlua.record"

local limits = { { "plan is used up", kind = "window", scope = "account" } }
local on = {}

function on.hello(entry, emit) emit { type = "session", id = record.text(entry, "chat"), model = entry.model } end
function on.say(entry, emit) emit { type = "text", text = record.text(entry, "words") } end
function on.act(entry, emit)
  emit { type = "tool_call", name = record.text(entry, "tool"), text = decode.brief(record.object(entry, "with")) }
end
function on.cost(entry, emit)
  emit { type = "usage", tokens_in = record.number(entry, "read"), tokens_out = record.number(entry, "wrote") }
end
function on.refused(entry, emit)
  emit(decode.failure("osprey", {
    text = record.text(entry, "why"), status = record.number(entry, "http"), retry_after = record.number(entry, "wait"),
  }, limits))
end
function on.bye(entry, emit)
  emit { type = "result", ok = record.flag(entry, "good"), text = record.text(entry, "words") }
end

return {
  argv = { "osprey", "work", "--json", "{permission}", { "--model", "{model}" }, { "--chat", "{session}" } },
  permissions = { full = { "--anything" }, read = { "--look-only" } },
  permission = "full",
  env = { OSPREY_RETRIES = "0", OSPREY_URL = "{endpoint}" },
  api_keys = { "OSPREY_KEY" },
  version = { "--version" },
  decode = decode.by_type(on),
  ends_with_result = true,
  stderr = { { "no such chat", "crash", code = "no_session" }, { "log in first", "auth" } },
  limits = limits,
  prices = { ["osprey-1"] = { input = 1, output = 4 } },
}
