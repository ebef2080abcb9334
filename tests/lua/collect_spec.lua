local agent = require "agentlua.agent"
local collect = require "agentlua.collect"

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
    assert.same({ tokens_in = 150, tokens_out = 20, cost = 3 }, state.totals)
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
end)
