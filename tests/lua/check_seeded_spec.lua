-- Two hundred misspellings of names that agentlua, Lua or the file itself have, in the scripts that are shipped, in
-- settings with all keys and in hooks. Always the same ones.

local check = require "agentlua.check"
local config = require "agentlua.config"
local core = require "agentlua.core"
local stubs = require "agentlua.stubs"
local tokens = require "agentlua.check.tokens"

local wanted <const> = 200
local letters <const> = "abcdefghijklmnopqrstuvwxyz"

local state = 1
local function random(n) -- a number from 1 to n; a linear congruential generator
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % n + 1
end

local function files()
  local list = { "tests/fixtures/check/config.lua", "tests/fixtures/check/hooks.lua" }
  for _, dir in ipairs { "scripts", "examples", "examples/agents" } do
    for _, name in ipairs(core.fs.list(dir)) do
      if name:match "%.lua$" then list[#list + 1] = dir .. "/" .. name end
    end
  end
  return list
end

-- The names that agentlua and Lua have, and the texts that its options allow.
local function vocabulary()
  local names, texts = {}, {}
  local function allow(type)
    if type.kind == "literal" then texts[type.value] = true end
    for _, one in ipairs(type.kind == "union" and type.of or {}) do allow(one) end
  end
  for _, class in ipairs(stubs.load().list) do
    for _, field in ipairs(class.order) do
      names[field.name] = true
      allow(field.type)
    end
  end
  for _, alias in pairs(stubs.load().aliases) do allow(alias) end
  for name, value in pairs(_G) do
    names[name] = true
    for field in pairs(type(value) == "table" and value ~= _G and type(name) == "string" and value or {}) do
      names[field] = true
    end
  end
  return names, texts
end

-- The words of a file that can be misspelt: {word, name}.
local function targets(text, names, texts)
  local words, count, found = tokens.read(text), {}, {}
  for _, word in ipairs(words) do
    if word.kind == "name" then count[word.value] = (count[word.value] or 0) + 1 end
  end
  for i, word in ipairs(words) do
    local before = words[i - 1] and words[i - 1].kind
    local of_file = word.kind == "name" and count[word.value] > 1 and before ~= "." and before ~= ":"
    local known = word.kind == "name" and (names[word.value] or of_file)
      or word.kind == "string" and texts[word.value] and text:sub(word.at, word.at) == '"'
    if known and #word.value > 2 then found[#found + 1] = word end
  end
  return found, count
end

local ways = {
  function(name, at) return name:sub(1, at - 1) .. name:sub(at + 1) end, -- a letter is missing
  function(name, at) return name:sub(1, at) .. name:sub(at, at) .. name:sub(at + 1) end, -- is there twice
  function(name, at) -- two have changed places
    at = math.min(at, #name - 1)
    return name:sub(1, at - 1) .. name:sub(at + 1, at + 1) .. name:sub(at, at) .. name:sub(at + 2)
  end,
  function(name, at) -- another one
    local other = random(#letters)
    return name:sub(1, at - 1) .. letters:sub(other, other) .. name:sub(at + 1)
  end,
}

describe("agentlua check", function()
  it("reports nothing in the files that are shipped", function()
    for _, path in ipairs(files()) do assert.same({}, check.source(core.fs.read(path), path), path) end
  end)

  it("the settings of this test have all keys", function()
    local settings = config.load "tests/fixtures/check/config.lua"
    local text = core.fs.read "tests/fixtures/check/config.lua"
    for key in pairs(config.keys) do
      assert.not_nil(settings[key], key)
      assert.truthy(text:find("\n  " .. key .. " = ", 1, true), key)
    end
  end)

  it("finds at least 190 of 200 misspellings, at their place, and says what was meant", function()
    local names, texts = vocabulary()
    local sources, all = {}, {}
    for _, path in ipairs(files()) do
      sources[path] = core.fs.read(path)
      local found, count = targets(sources[path], names, texts)
      for _, word in ipairs(found) do all[#all + 1] = { path = path, word = word, count = count } end
    end
    local made, missed, named = 0, {}, 0
    while made < wanted do
      local one = all[random(#all)]
      local word, text = one.word, sources[one.path]
      local wrong = ways[random(#ways)](word.value, random(#word.value))
      local quote = word.kind == "string" and '"' or ""
      local mutant = text:sub(1, word.at - 1) .. quote .. wrong .. quote .. text:sub(word.stop)
      if wrong ~= word.value and not names[wrong] and not texts[wrong] and not one.count[wrong] and load(mutant) then
        made = made + 1
        local findings = check.source(mutant, one.path)
        local _, line = text:sub(1, word.at):gsub("\n", "")
        if #findings == 0 then
          missed[#missed + 1] = ("%s:%d: %s for %s"):format(one.path, line + 1, wrong, word.value)
        end
        for _, finding in ipairs(findings) do
          if finding.nearest == word.value or finding.nearest == wrong then
            named = named + 1
            break
          end
        end
      end
    end
    assert.is_true(#missed <= 10, #missed .. " are not found:\n" .. table.concat(missed, "\n"))
    assert.is_true(named >= 180, named .. " are named")
  end)
end)
