local agent = require "agentlua.agent"
local collect = require "agentlua.attempt.collect"
local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local streams = require "streams"
local support = require "support"

describe("streams of agents", function()
  before_each(support.setup)
  after_each(support.teardown)

  streams.each(function(vendor, case, stream, expected)
    it(vendor .. " " .. case, function()
      local c, events = streams.collector(vendor)
      streams.feed(c, stream)
      local code = math.tointeger(expected:match "exit (%-?%d+)")
      local ending = agent.classify(c.backend, c.state, { code = code, signal = 0, stderr = "" })
      events[#events + 1] = ("exit %s: %s"):format(code, ending)
      assert.equal(expected, table.concat(events, "\n") .. "\n")
    end)
  end)

  it("come to the same where they are split", function()
    fiber.run(function()
      local pipe <close> = streams.pipe()
      streams.each(function(vendor, case, stream)
        local whole, expected = streams.collector(vendor)
        streams.feed(whole, stream)
        for at = 1, #stream - 1, case == "good" and 2 or 13 do
          local c, events = streams.collector(vendor)
          pipe.feed(c, stream, at)
          assert.same(expected, events, ("%s %s, split at %d"):format(vendor, case, at))
        end
      end)
    end)
  end)

  -- What a line of JSON may become: bytes and values that are other than they should be.
  local function mutated(stream)
    local kind, at = math.random(6), math.random(#stream)
    if kind == 1 then return stream:sub(1, at - 1) .. string.char(math.random(0, 255)) .. stream:sub(at + 1) end
    if kind == 2 then return stream:sub(1, at - 1) .. stream:sub(at + math.random(40)) end
    if kind == 3 then return stream:sub(1, at) .. stream:sub(math.random(#stream)) end
    local values = {
      "null", "{}", "[]", "-1e999", "true", '"\\u0000"', "[[[]]]", '{"type":{}}', '"' .. ("x"):rep(99) .. '"',
    }
    local value = values[math.random(#values)]
    local wanted = math.random(12)
    local what = kind == 4 and ':("[^"]*")' or kind == 5 and ":(%-?%d+)" or ":(%b{})"
    return (stream:gsub(what, function() wanted = wanted - 1 return wanted == 0 and ":" .. value or nil end))
  end

  local function size_of(value, seen)
    if type(value) == "string" then return #value end
    if type(value) ~= "table" or seen[value] then return 8 end
    seen[value] = true
    local sum = 0
    for key, one in pairs(value) do sum = sum + size_of(key, seen) + size_of(one, seen) end
    return sum
  end

  local seconds = tonumber(os.getenv "AGENTLUA_SECONDS") or 0.5
  for _, vendor in ipairs(streams.vendors) do
    it(("%s takes anything, and keeps little of it (%g s)"):format(vendor, seconds), function()
      local seed, fed = math.tointeger(tonumber(os.getenv "AGENTLUA_SEED")) or os.time(), {}
      math.randomseed(seed)
      streams.each(function(of, _, stream) if of == vendor then fed[#fed + 1] = stream end end)
      local ends = core.time.clock() + seconds
      local c
      repeat
        c = c and math.random(200) > 1 and c or streams.collector(vendor)
        local stream = fed[math.random(#fed)]
        for _ = 1, math.random(4) do stream = mutated(stream) end
        streams.feed(c, stream)
        assert(not c.broken, "a decoder raised; AGENTLUA_SEED=" .. seed)
        local ending = agent.classify(c.backend, c.state, { code = math.random(-1, 255), signal = 0, stderr = stream })
        assert.is_string(ending)
        assert(size_of(c.memory, {}) < 2 << 20, "a decoder keeps too much; AGENTLUA_SEED=" .. seed)
      until core.time.clock() > ends
    end)
  end

  it("a backend of one's own, the example", function()
    local osprey = setmetatable(dofile "examples/agents/osprey.lua", { __index = agent })
    osprey.name = "osprey"
    local events = {}
    local c = collect.new(osprey, nil, function(e) events[#events + 1] = streams.line(e) end)
    streams.feed(c, core.fs.read "examples/agents/osprey.jsonl")
    assert.same({
      'session id="c-17" model="osprey-1"', 'text text="I look at the tests first."',
      'tool_call name="run" text="make test"', "usage tokens_in=1200 tokens_out=80",
      'limit kind="window" retry_after=600 scope="account" status=429 text="Your plan is used up, back at 18:00"',
      'result ok=false text="Not done."',
    }, events)
    assert.equal("limit", osprey:classify(c.state, { code = 1, signal = 0, stderr = "" }))
    assert.same({ 0.00152, "estimated" }, { c.state.cost, c.state.cost_kind })
  end)
end)
