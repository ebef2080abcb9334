local json = require("agentlua").json

describe("json", function()
  it("null is a value of its own, in and out", function()
    local value = assert(json.parse '{"a":null,"b":[null,1]}')
    assert.equal(json.null, value.a)
    assert.equal(json.null, value.b[1])
    assert.is_nil(value.c)
    assert.equal(json.null, (json.parse "null"))
    assert.equal('{"a":null}', json.dump { a = json.null })
    assert.equal("null", json.dump(nil))
  end)

  it("an empty list stays a list, an empty object an object", function()
    for _, text in ipairs { "[]", "{}", '{"a":[]}', '{"b":{}}', "[[],{}]", "[[[]]]" } do
      assert.equal(text, json.dump(json.parse(text)))
    end
    assert.equal("{}", json.dump {})
    assert.equal("[]", json.dump(json.array()))
    assert.equal("[1]", json.dump { 1 })
  end)

  it("array marks the table that it is given", function()
    local list = { 1, 2 }
    assert.equal(list, json.array(list))
    table.remove(list)
    table.remove(list)
    assert.equal("[]", json.dump(list))
  end)

  it("integers and floats stay what they are", function()
    local text = "[1,1.0,-0.5,9007199254740993,1e+100]"
    local value = assert(json.parse(text))
    assert.same({ "integer", "float" }, { math.type(value[1]), math.type(value[2]) })
    assert.equal(9007199254740993, value[4])
    assert.equal(text, json.dump(value))
  end)

  it("text is kept byte by byte; what is not UTF-8 is replaced when it is written", function()
    local text = 'a"\\/\n\t\0é€😀'
    assert.equal(text, json.parse(json.dump(text)))
    assert.equal('"\u{fffd}"', json.dump "\xff")
    assert.equal("\u{1f600}", json.parse '"\\ud83d\\ude00"')
  end)

  it("indents when asked", function()
    assert.equal('{\n  "a": [\n    1\n  ]\n}', json.dump({ a = { 1 } }, 2))
  end)

  it("what is no JSON is nil, a message that names it, and EJSON", function()
    for _, text in ipairs {
      "", "  ", "{", "{'a':1}", "[1,]", "nul", "1 2", '"\1"', ("["):rep(100),
    } do
      local value, message, code = json.parse(text, "tasks.json")
      assert.is_nil(value)
      assert.equal("EJSON", code)
      assert.matches("^tasks.json: ", message)
    end
    assert.matches("line 2, column 5", (select(2, json.parse '{"a":1,\n"b" 2}')))
  end)

  it("what JSON cannot hold raises", function()
    local circle = {}
    circle.itself = circle
    for _, value in ipairs {
      print, io.stdout, { 1, x = 2 }, { [1.5] = 1 }, { [true] = 1 }, circle,
    } do
      assert.is_false(pcall(json.dump, value))
    end
    assert.error_matches(function() json.dump { f = print } end, "a function cannot be JSON")
    assert.is_false(pcall(json.parse, {}))
    assert.is_false(pcall(json.array, "x"))
  end)
end)
