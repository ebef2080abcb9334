local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local jsonrpc = require "agentlua.mcp.jsonrpc"
local support = require "support"

describe("jsonrpc", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- What is answered to chunks of a stream; `request` as in jsonrpc.new().
  local function talk(chunks, request, batches)
    local out, at, told = {}, 0, {}
    support.run(function()
      local peer
      peer = jsonrpc.new {
        read = function()
          at = at + 1
          return chunks[at]
        end,
        write = function(text) out[#out + 1] = text end,
        request = request or function(method, params) return { method = method, params = params } end,
        notification = function(method, params)
          told[#told + 1] = method
          if method == "cancel" then peer:cancel(params.id) end
          if method == "raise" then error "oh" end
        end,
        batches = function() return batches ~= false end,
      }
      peer:run()
    end)
    local answers = {}
    for i, text in ipairs(out) do
      assert.equal("\n", text:sub(-1))
      answers[i] = assert(core.json.parse(text))
    end
    return answers, told
  end
  local function line(message) return core.json.dump(message) .. "\n" end
  local function ask(id, method, params) return line { jsonrpc = "2.0", id = id, method = method, params = params } end

  it("a request has one answer, with its id as it was; a notification has none", function()
    local answers, told = talk { ask(1, "a", { x = 1 }), ask("b", "a"), line { jsonrpc = "2.0", method = "hello" } }
    assert.same({ 1, "b" }, { answers[1].id, answers[2].id })
    assert.same({ method = "a", params = { x = 1 } }, answers[1].result)
    assert.equal(2, #answers)
    assert.same({ "hello" }, told)
  end)

  it("lines come in any pieces, the last one without an end", function()
    local text = ask(1, "a") .. "\r\n \n" .. ask(2, "b"):gsub("\n", "")
    for size = 1, 7 do
      local chunks = {}
      for from = 1, #text, size do chunks[#chunks + 1] = text:sub(from, from + size - 1) end
      assert.equal(2, #talk(chunks))
    end
  end)

  it("what is no JSON, or no message, is told so", function()
    for text, code in pairs {
      ["{"] = -32700, ["\255"] = -32700, [("["):rep(1000)] = -32700, ["1"] = -32600, ["null"] = -32600,
      ['"x"'] = -32600, ["{}"] = -32600, ['{"jsonrpc":"1.0","id":1,"method":"a"}'] = -32600,
      ['{"jsonrpc":"2.0","id":null,"method":"a"}'] = -32600, ['{"jsonrpc":"2.0","id":{},"method":"a"}'] = -32600,
      ['{"jsonrpc":"2.0","id":1,"method":5}'] = -32600, ['{"jsonrpc":"2.0","id":1,"method":"a","params":5}'] = -32600,
      ["[]"] = -32600,
    } do
      local answers = talk { text .. "\n", ask(9, "after") }
      assert.equal(code, answers[1].error.code, text)
      assert.equal(9, answers[2].id, text)
    end
    assert.equal(1, #talk { '{"jsonrpc":"2.0","id":1,"result":{}}\n', ask(2, "a") }) -- an answer to nothing
  end)

  it("a line that is too long is passed over, without being kept", function()
    local chunks = {}
    for i = 1, 9 * 16 do chunks[i] = ("x"):rep(65536) end
    chunks[#chunks + 1] = "\n" .. ask(1, "a")
    local answers = talk(chunks)
    assert.matches("at most 8 MiB", answers[1].error.message)
    assert.equal(1, answers[2].id)
  end)

  it("failures of a method, expected or not, are answers", function()
    local answers, told = talk({ ask(1, "no"), ask(2, "raise"), ask(3, "deep"),
      line { jsonrpc = "2.0", method = "raise" }, ask(4, "x") }, function(method)
        if method == "no" then return nil, "not here", -32601 end
        if method == "raise" then error "oh" end
        return method == "deep" and { print } or {}
      end)
    assert.same({ -32601, "not here" }, { answers[1].error.code, answers[1].error.message })
    assert.same({ -32603, -32603 }, { answers[2].error.code, answers[3].error.code })
    assert.same({}, answers[4].result)
    assert.same({ "raise" }, told)
  end)

  it("requests run beside each other; one that is cancelled has no answer, and its id is free", function()
    local closed = false
    local answers = talk({
      ask(1, "slow"), ask(1, "twice"), ask(2, "quick"),
      line { jsonrpc = "2.0", method = "cancel", params = { id = 1 } },
      line { jsonrpc = "2.0", method = "cancel", params = { id = 77 } }, ask(1, "quick"),
    }, function(method)
      if method == "quick" then return {} end
      local guard <close> = setmetatable({}, { __close = function() closed = true end })
      fiber.sleep(100)
    end)
    assert.is_true(closed)
    assert.same({ 1, 2, 1 }, { answers[1].id, answers[2].id, answers[3].id })
    assert.matches("in use", answers[1].error.message)
    assert.equal(3, #answers)
  end)

  it("a list of messages has a list of answers, where the protocol has such", function()
    local list = core.json.array {
      { jsonrpc = "2.0", id = 1, method = "a" }, { jsonrpc = "2.0", method = "hello" }, { x = 1 },
      { jsonrpc = "2.0", id = 2, method = "b" },
    }
    local answers, told = talk { line(list) }
    assert.equal(1, #answers)
    assert.equal(3, #answers[1])
    assert.same({ "hello" }, told)
    answers = talk({ line(list) }, nil, false)
    assert.equal(-32600, answers[1].error.code)
    assert.equal(0, #talk { line(core.json.array { { jsonrpc = "2.0", method = "hello" } }) })
  end)

  it("the end waits for what is being answered", function()
    local answers = talk({ ask(1, "slow") }, function()
      fiber.sleep(0.05)
      return {}
    end)
    assert.equal(1, answers[1].id)
  end)
end)
