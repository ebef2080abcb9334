local agent = require "agentlua.agent"
local collect = require "agentlua.attempt.collect"

describe("collect", function()
  local function feed(lines, decode, before)
    local seen = {}
    local c = collect.new({ name = "x", decode = decode or agent.decode }, before, function(e) seen[#seen + 1] = e end)
    for _, line in ipairs(lines) do c:line(line) end
    return c.state, seen, c
  end

  it("takes a line of JSON with a known type as an event, everything else as text", function()
    for kind in pairs(agent.event_types) do
      local _, seen = feed { ('{"type":"%s","text":"x","n":1}'):format(kind) }
      assert.same({ { type = kind, text = "x", n = 1 } }, seen)
    end
    for _, line in ipairs {
      "", "plain", "{", "{}", '{"type":"unknown"}', '{"type":5}', '{"type":null}', '["limit"]',
      "null", "5", '{"type":"limit"', ' {"type":"limit"}', 'so {"type":"limit"}', "a\0b\xff",
      "You have hit your limit",
    } do
      local _, seen = feed { line }
      assert.same({ { type = "text", text = line } }, seen)
    end
  end)

  it("adds up turns, tokens and cost; totals replace them", function()
    local state = feed {
      '{"type":"usage","tokens_in":10,"tokens_out":2,"tokens_cached":4,"cost":0.5}',
      '{"type":"usage","tokens_in":20,"tokens_out":3}',
    }
    assert.same({ 2, 30, 5, 4, 0.5 }, {
      state.turns, state.tokens_in, state.tokens_out, state.tokens_cached, state.cost,
    })
    state = feed {
      '{"type":"usage","tokens_in":10,"tokens_out":2}',
      '{"type":"usage","scope":"attempt","tokens_in":100,"tokens_out":20,"cost":1.5,"turns":7}',
    }
    assert.same({ 7, 100, 20, 1.5 }, { state.turns, state.tokens_in, state.tokens_out, state.cost })
  end)

  it("takes what earlier attempts of the session had from its totals", function()
    local state = feed({ '{"type":"usage","scope":"session","tokens_in":150,"tokens_out":20,"cost":3}' }, nil,
      { tokens_in = 100, tokens_out = 15, cost = 2.5 })
    assert.same({ 50, 5, 0.5 }, { state.tokens_in, state.tokens_out, state.cost })
    assert.same({ tokens_in = 150, tokens_out = 20, tokens_cached = 0, turns = 0, cost = 3 }, state.totals)
  end)

  it("is over with a result, and when the program would wait by itself", function()
    local _, _, c = feed {}
    assert.is_false(c:line "so")
    assert.is_true(c:line '{"type":"result","text":"Done."}')
    assert.equal("Done.", c:text())
    _, _, c = feed {}
    assert.is_false(c:line '{"type":"limit","text":"slow down"}')
    assert.is_true(c:line '{"type":"limit","retrying":true}')
    assert.equal("limit", c.state.cut)
  end)

  it("fields of a wrong kind are not taken", function()
    local state, _, c = feed {
      '{"type":"text","text":5}', '{"type":"session","id":{}}', '{"type":"result","text":[],"session":1}',
      '{"type":"usage","tokens_in":"x","tokens_out":{},"cost":null}',
    }
    assert.is_nil(state.session)
    assert.equal("", c:text())
    assert.same({ 0, 0 }, { state.tokens_in, state.tokens_out })
  end)

  it("a decoder that raises costs its line, not the run", function()
    local state = feed({ "bad", "good" }, function(_, emit, _, line)
      if line == "bad" then error "broken" end
      emit { type = "text", text = line }
    end)
    assert.same({ "good" }, state.text)
  end)

  local function costs(model, ...)
    local c = collect.new({
      decode = agent.decode, prices = { ["big-1"] = { input = 10, output = 100, cached = 1 } },
    }, nil, nil, { model = model })
    for _, line in ipairs { ... } do c:line(line) end
    return { c.state.cost_kind, c.state.cost }
  end

  it("the cost is what the program says, else estimated by the model, else unknown", function()
    local used = '{"type":"usage","tokens_in":100000,"tokens_cached":50000,"tokens_out":1000}'
    assert.same({ "estimated", 0.65 }, costs("big-1", used))
    assert.same({ "estimated", 0.65 }, costs("maker/big-1-20260101", used))
    assert.same({ "estimated", 0.65 }, costs("big", '{"type":"session","id":"x","model":"big-1"}', used))
    assert.same({ "unknown" }, costs("big-1-mini", used))
    assert.same({ "unknown" }, costs(nil, used))
    assert.same({ "unknown" }, costs("big-1", '{"type":"usage"}'))
    assert.same({ "known", 0.5 }, costs("big-1", used, '{"type":"usage","scope":"attempt","cost":0.5}'))
  end)

  it("an attempt without a report adds what was counted to the totals of its session", function()
    local state = feed({ '{"type":"usage","tokens_in":7,"tokens_out":1}' }, nil, { tokens_in = 100, tokens_out = 15 })
    assert.same({ 107, 16 }, { state.totals.tokens_in, state.totals.tokens_out })
  end)

  it("ends a program that cannot count, when it begins one turn too many", function()
    local function cut(counts_turns)
      local c = collect.new({ decode = agent.decode, counts_turns = counts_turns }, nil, nil, { max_turns = 2 })
      local over
      for _ = 1, 3 do over = c:line '{"type":"usage"}' end
      return { over, c.state.cut }
    end
    assert.same({ true, "max_turns" }, cut(nil))
    assert.same({ false }, cut(true))
  end)

  it("keeps the end of much text", function()
    local _, _, c = feed {}
    for i = 1, 40 do c:line(("%d "):format(i) .. ("x"):rep(100000)) end
    assert.is_true(#c:text() <= 2 << 20)
    assert.matches("40 x+$", c:text())
  end)

  it("a result after which more may follow is not the end", function()
    local _, _, c = feed {}
    assert.is_false(c:line '{"type":"result","ok":true,"text":"so far","open":true}')
    assert.is_true(c:line '{"type":"result","ok":true,"text":"all"}')
    assert.equal("all", c:text())
  end)
end)
