-- Every recording of a real CLI decodes to the right events and ending. The recordings are not part of the
-- project: AGENTLUA_CAPTURES, or ../shared/agents/captures beside the checkout.

local agent = require "agentlua.agent"
local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local streams = require "streams"

local captures = os.getenv "AGENTLUA_CAPTURES" or "../shared/agents/captures"

-- Endings of the scenarios; what is not named ends in "done".
local endings = {
  claude = {
    ["auth-error"] = "auth", ["max-turns"] = "max_turns", overloaded = "api_error", quota = "limit",
    ["rate-limit"] = "limit", ["rate-limit-noretry"] = "limit", ["rate-limit-recovers"] = "limit",
    ["resume-unknown"] = "crash", ["server-error"] = "api_error", ["server-error-noretry"] = "api_error",
    sigint = "killed", sigterm = "killed", ["sigterm-group"] = "killed", ["subscription-limit"] = "limit",
    hang = "killed",
  },
  codex = {
    ["auth-error"] = "auth", quota = "limit", ["rate-limit"] = "limit", ["rate-limit-noretry"] = "limit",
    ["rate-limit-recovers"] = "limit", ["resume-unknown"] = "crash", ["server-error"] = "api_error",
    ["server-error-noretry"] = "api_error", ["usage-limit"] = "limit", sigint = "crash", sigterm = "killed",
    hang = "killed", ["stdin-open"] = "killed",
  },
  gemini = {
    ["auth-error"] = "auth", ["max-turns"] = "max_turns", quota = "limit", ["rate-limit"] = "killed",
    ["rate-limit-noretry"] = "limit", ["resume-unknown"] = "crash", ["server-error"] = "api_error",
    ["sigint-group"] = "crash", sigint = "killed", sigterm = "killed", ["sigterm-group"] = "crash",
    ["sigterm-no-relaunch"] = "crash", hang = "killed",
  },
  qwen = {
    ["auth-error"] = "auth", ["max-turns"] = "max_turns", quota = "limit", ["rate-limit"] = "limit",
    ["rate-limit-noretry"] = "limit", ["resume-unknown"] = "crash", ["server-error"] = "api_error",
    sigint = "killed", ["sigint-group"] = "killed", sigterm = "killed", ["sigterm-group"] = "killed",
    ["sigterm-no-relaunch"] = "killed", hang = "killed",
  },
  opencode = {
    ["auth-error"] = "auth", quota = "limit", ["rate-limit"] = "limit", ["resume-unknown"] = "crash",
    ["server-error"] = "api_error", sigint = "killed", sigterm = "killed", ["sigterm-group"] = "killed",
    hang = "killed", ["stdin-open"] = "killed",
  },
}

-- What a recording comes to, the way attempt.lua reads it.
local function replay(vendor, path)
  local c = streams.collector(vendor)
  streams.feed(c, core.fs.read(path .. ".jsonl"))
  local exit = core.json.parse(core.fs.read(path .. ".exit"))
  local function number(value, otherwise) return type(value) == "number" and value or otherwise end
  local result = {
    code = number(exit.exit, -1), signal = number(exit.signal, 0),
    stderr = (core.fs.read(path .. ".stderr") or ""):sub(-8192),
  }
  assert.is_nil(c.broken)
  return c, agent.classify(c.backend, c.state, result)
end

describe("recordings", function()
  if not core.fs.stat(captures) then
    pending("of real CLIs are not at " .. captures .. " (AGENTLUA_CAPTURES)")
    return
  end
  local recorded = {} -- list of {vendor, path}
  for _, dir in ipairs(core.fs.list(captures)) do
    local vendor = dir:match "^%a+"
    for _, file in ipairs(core.fs.list(captures .. "/" .. dir)) do
      local scenario = file:match "^(.*)%.jsonl$"
      if scenario then
        recorded[#recorded + 1] = { vendor, ("%s/%s/%s.jsonl"):format(captures, dir, scenario) }
        it(dir .. " " .. scenario, function()
          local c, ending = replay(vendor, ("%s/%s/%s"):format(captures, dir, scenario))
          assert.equal(endings[vendor][scenario] or "done", ending)
          if ending == "limit" then assert.is_table(c.state.limit) end
          if scenario == "resume-unknown" then assert.equal("no_session", c.state.error.code) end
          if scenario == "success" then
            assert.equal("Done: hello.txt is written and checked.", c:text())
            assert.same({ 3, vendor == "claude" and 3600 or 3000, 150, 600 },
              { c.state.turns, c.state.tokens_in, c.state.tokens_out, c.state.tokens_cached })
            assert.is_string(c.state.session)
          end
        end)
      end
    end
  end

  it("come to the same where they are split", function()
    local ends = core.time.clock() + (tonumber(os.getenv "AGENTLUA_SECONDS") or 1)
    fiber.run(function()
      local pipe <close> = streams.pipe()
      repeat
        local vendor, path = table.unpack(recorded[math.random(#recorded)])
        local stream = core.fs.read(path)
        if stream:find "\n$" then
          local whole, expected = streams.collector(vendor)
          streams.feed(whole, stream)
          local c, events = streams.collector(vendor)
          local at = math.random(#stream - 1)
          pipe.feed(c, stream, at)
          assert.same(expected, events, ("%s, split at %d"):format(path, at))
        end
      until core.time.clock() > ends
    end)
  end)
end)
