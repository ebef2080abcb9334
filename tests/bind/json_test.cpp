#include "support.hpp"

using boundary::one_state;

TEST_CASE_FIXTURE(one_state, "nested values come back from JSON as they went in") {
  run(R"lua(
    local value = {
      text = "a\n\"\\\0é", yes = true, no = false, whole = 7, fraction = 2.5, none = core.json.null,
      list = { 1, "two", { three = 3 }, {} }, nested = { a = { b = { c = "d" } } },
    }
    same(core.json.parse(core.json.dump(value)), value)
    for _, scalar in ipairs { 0, -1, 1.5, "x", "", true, false, core.json.null } do
      same(core.json.parse(core.json.dump(scalar)), scalar)
    end
    assert(core.json.dump(nil) == "null")
  )lua");
}

TEST_CASE_FIXTURE(one_state,
                  "an empty table is an object, a marked one an array, also after parse and dump") {
  run(R"lua(
    local json = core.json
    assert(json.dump {} == "{}" and json.dump { x = {} } == '{"x":{}}')
    assert(json.dump(json.array()) == "[]" and json.dump(json.array {}) == "[]")
    assert(json.dump(json.array { 1, 2 }) == "[1,2]" and json.dump { 1, 2 } == "[1,2]")
    for _, text in ipairs { "[]", "{}", "[[]]", "[{},[]]", '{"a":[]}', '{"a":{}}' } do
      assert(json.dump(json.parse(text)) == text, text)
    end
    local emptied = json.parse "[1,2]"
    emptied[1], emptied[2] = nil, nil
    assert(json.dump(emptied) == "[]", "the mark stays when the elements go")
    local list = {}
    assert(json.array(list) == list)
  )lua");
}

TEST_CASE_FIXTURE(one_state,
                  "the array mark is one per state, whatever metatable a table has otherwise") {
  run(R"lua(
    assert(getmetatable(core.json.parse "[]") == getmetatable(core.json.array()))
    assert(core.json.dump(setmetatable({}, {})) == "{}")
    assert(core.json.dump(setmetatable({ x = 1 }, { __index = { y = 2 } })) == '{"x":1}')
  )lua");
}

TEST_CASE_FIXTURE(one_state, "integers and floats stay apart, and big ones do not wrap") {
  run(R"lua(
    local json = core.json
    for text, value in pairs {
      ["9223372036854775807"] = math.maxinteger, ["-9223372036854775808"] = math.mininteger,
      ["9007199254740993"] = 9007199254740993, ["1.0"] = 1.0, ["-0.5"] = -0.5,
    } do
      same(json.parse(text), value, text)
      assert(json.dump(value) == text, text)
    end
    same(json.parse "9223372036854775808", 2.0 ^ 63)
    same(json.parse "18446744073709551615", 18446744073709551615.0)
    same(json.parse "1e300", 1e300)
    assert(math.type(json.parse "1") == "integer" and math.type(json.parse "1.0") == "float")
  )lua");
}

TEST_CASE_FIXTURE(one_state, "what JSON cannot hold raises") {
  run(R"lua(
    local json = core.json
    raises("function cannot be JSON", json.dump, print)
    raises("userdata cannot be JSON", json.dump, io.stdout)
    raises("thread cannot be JSON", json.dump, { coroutine.create(print) })
    raises("mixes", json.dump, { 1, 2, x = 3 })
    raises("mixes", json.dump, { [1.5] = 1 })
    raises("mixes", json.dump, { [true] = 1 })
    raises("mixes", json.dump, json.array { x = 1 })
    for _, number in ipairs { 0 / 0, 1 / 0, -1 / 0 } do raises("number", json.dump, { number }) end
  )lua");
}

TEST_CASE_FIXTURE(one_state, "a gap in a list is null, one at its end is not seen") {
  run(R"lua(assert(core.json.dump(table.pack(1, nil, 3).n and { 1, nil, 3 }) == "[1,null,3]"))lua");
}

TEST_CASE_FIXTURE(one_state,
                  "nesting is bounded both ways, and a table that holds itself is an error") {
  run(R"lua(
    local json = core.json
    local function text(depth) return ("["):rep(depth) .. "1" .. ("]"):rep(depth) end
    assert(json.dump(json.parse(text(64))) == text(64))
    local value, message, code = json.parse(text(65))
    assert(value == nil and code == "EJSON" and message:find "nested deeper", message)
    local objects = ('{"a":'):rep(64) .. "1" .. ("}"):rep(64)
    assert(json.dump(json.parse(objects)) == objects)

    local deep = {}
    for _ = 2, 64 do deep = { deep } end
    assert(json.parse(json.dump(deep)))
    raises("nested deeper", json.dump, { deep })
    local itself = {}
    itself.itself = itself
    raises("contains itself", json.dump, itself)
    local a, b = {}, {}
    a[1], b[1] = b, a
    raises("contains itself", json.dump, a)
    local shared = { 1 }
    assert(json.dump { shared, shared } == "[[1],[1]]", "twice the same is no cycle")
  )lua");
}

TEST_CASE_FIXTURE(one_state, "text that is not JSON is an expected failure that names its source") {
  run(R"lua(
    for _, text in ipairs { "", " ", "{", "[1,]", "nul", '"\\u12"', "1 2", "\xff" } do
      local value, message, code = core.json.parse(text, "tasks/x.json")
      assert(value == nil and code == "EJSON", text)
      assert(message:find("tasks/x.json", 1, true) == 1, message)
    end
    local _, message = core.json.parse "{"
    assert(message:find("JSON", 1, true) == 1, message)
  )lua");
}

TEST_CASE_FIXTURE(one_state, "dump indents up to 16 columns and replaces what is not UTF-8") {
  run(R"lua(
    local json = core.json
    assert(json.dump({ a = { 1 } }, 2) == '{\n  "a": [\n    1\n  ]\n}')
    assert(json.dump({ 1 }, 0) == "[\n1\n]" and json.dump({ 1 }, -1) == "[1]")
    assert(#json.dump({ { {} } }, 16) > 32)
    for _, indent in ipairs { 17, 5000, math.maxinteger, math.mininteger } do
      raises("bad argument #2", json.dump, { { { 1 } } }, indent)
    end
    assert(json.dump "\xff" == '"\u{fffd}"')
  )lua");
}
