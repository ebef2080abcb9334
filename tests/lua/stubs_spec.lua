local al = require "agentlua"
local config = require "agentlua.config"
local core = require "agentlua.core"
local fields = require "agentlua.fields"
local hooks = require "agentlua.hooks"
local runs = require "agentlua.run"
local stubs = require "agentlua.stubs"
local support = require "support"
local trust = require "agentlua.trust"

describe("stubs", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function sorted(names)
    local list = {}
    for name in pairs(names) do list[#list + 1] = name end
    table.sort(list)
    return list
  end

  -- Names of the functions of a table; those that begin with _ are nobody's business.
  local function functions_of(object)
    local names = {}
    for name, value in pairs(object) do
      if type(value) == "function" and not name:find "^_" then names[name] = true end
    end
    return names
  end

  local function functions_in_stubs(class)
    local names = {}
    for _, name in ipairs(stubs.names(class)) do
      local field = stubs.field(class, name)
      if field.is_function and stubs.load().classes[class].fields[name] then names[name] = true end
    end
    return names
  end

  local function same_functions(class, object)
    assert.same(sorted(functions_of(object)), sorted(functions_in_stubs(class)), class)
  end

  it("have every function of the modules, and no other", function()
    for _, module in ipairs {
      "config", "errors", "events", "fiber", "fs", "git", "json", "limit", "loop", "place", "process", "project",
      "prompt", "resource", "store", "text", "trust", "view", "options",
    } do
      same_functions("agentlua." .. module, al[module])
    end
    same_functions("agentlua.decode", require "agentlua.decode")
    same_functions("agentlua.record", require "agentlua.record")
    same_functions("agentlua.mcp", require "agentlua.mcp")
  end)

  it("have every name of al, and no other", function()
    for _, name in ipairs(stubs.names "agentlua") do assert.not_nil(al[name], name) end
    for name in pairs(al) do assert.truthy(stubs.field("agentlua", name), name) end
    local text = assert(core.fs.read "lua/agentlua/init.lua")
    for name in text:match "ipairs {(.-)}":gmatch '"(%w+)"' do -- its parts
      assert.truthy(stubs.field("agentlua", name), name)
    end
  end)

  it("have every method of the objects, and no other", function()
    local path, env = support.repository(), os.getenv
    os.getenv = function(name) -- luacheck: ignore
      return name == "XDG_STATE_HOME" and support.dir .. "/state" or env(name)
    end
    assert(core.fs.mkdir(path .. "/.agentlua"))
    trust.add(path .. "/.agentlua")
    local store <close> = assert(al.store.open(path .. "/.agentlua/tasks", { create = true }))
    local p = al.project.open { dir = path, options = {} }
    local run = runs.start(p)
    local child <close> = assert(al.process.spawn { "true" })
    local objects = {
      Project = p, Run = run, Store = store, Repo = p:repo(), Child = child, EventLog = p.events,
      Bell = al.fiber.bell(), Bucket = al.limit.bucket { name = "x", per_minute = 1 }, Group = al.group(),
    }
    for class, object in pairs(objects) do same_functions("agentlua." .. class, getmetatable(object).__index) end
    child:wait()
    run:finish("drained", 0)
    p.store:close()
    os.getenv = env -- luacheck: ignore
  end)

  -- Compares the keys of config.lua with a class, and those of its tables with theirs.
  local function same_keys(keys, class)
    assert.same(sorted(keys), sorted(stubs.load().classes[class].fields), class)
    for key, spec in pairs(keys) do
      local inner = stubs.field(class, key).type
      if spec[3] then same_keys(spec[3], (inner.of and inner.of[1] or inner).name) end -- or false
    end
  end

  it("have the keys of config.lua", function() same_keys(config.keys, "agentlua.Config") end)
  it("have the hooks", function()
    assert.same(sorted(hooks.names), sorted(stubs.load().classes["agentlua.Hooks"].fields))
  end)
  it("have the fields of tasks that have a meaning", function()
    for name in pairs(fields.known) do assert.truthy(stubs.field("agentlua.Task", name), name) end
    local types = {}
    for i, one in ipairs(stubs.field("agentlua.Task", "type").type.of) do types[i] = one.value end
    assert.same(fields.types, types)
  end)

  it("have the events that backends may emit", function()
    local types = {}
    for _, one in ipairs(stubs.field("agentlua.Event", "type").type.of) do types[one.value] = true end
    assert.same(sorted(require "agentlua.agent".event_types), sorted(types))
  end)

  it("have the keys of checks and of rates in config.lua", function()
    for class, settings in pairs {
      ["agentlua.Check"] = function(key) return { verify = { { [key] = print } } } end,
      ["agentlua.When"] = function(key) return { verify = { { when = { [key] = print } } } } end,
      ["agentlua.RateSettings"] = function(key) return { rate = { claude = { [key] = print } } } end,
      ["agentlua.Amounts"] = function(key) return { budget = { day = { [key] = print } } } end,
    } do
      for key in pairs(stubs.load().classes[class].fields) do
        local ok, problem = al.errors.try(config.check, settings(key), "x")
        assert.is_false(ok)
        assert.is_nil(problem.message:find("unknown key", 1, true), key)
      end
    end
  end)

  it("have the options that processes take", function()
    for name, field in pairs(stubs.load().classes["agentlua.ProcessOptions"].fields) do
      local ok, message = pcall(core.process.spawn, { "true", [name] = print })
      assert.is_false(ok, name)
      assert.is_nil(tostring(message):find("unknown option", 1, true), name)
      assert.truthy(field.text, name)
    end
    local header = assert(core.fs.read "include/agentlua/bind/process_options.hpp")
    for name in header:match "field fields%[%] = {(.-)\n};":gmatch '{"([%w_]+)"' do
      assert.truthy(stubs.field("agentlua.ProcessOptions", name), name)
    end
  end)

  it("have the fields that backends of ours use, and README.md has all of them", function()
    local readme = assert(core.fs.read "lua/agentlua/agents/README.md")
    for _, name in ipairs { "claude", "codex", "gemini", "qwen", "opencode", "glm", "demo" } do
      for field in pairs(require("agentlua.agents." .. name)) do
        assert.truthy(stubs.field("agentlua.Backend", field), field)
      end
    end
    for name in pairs(stubs.load().classes["agentlua.Backend"].fields) do
      assert.truthy(readme:find("[`%s{]" .. name .. "[`%s(]"), name)
    end
  end)

  it("refer to classes that there are", function()
    local function look(type, where)
      if type.kind == "class" then
        local loaded = stubs.load()
        assert.truthy(loaded.classes[type.name] or loaded.aliases[type.name] or type.name == "T",
          where .. ": " .. type.name)
      end
      for _, part in ipairs { "of", "key", "value" } do
        local inner = type[part]
        if inner and inner.kind then look(inner, where) end
      end
      for _, one in ipairs(type.kind == "union" and type.of or type.returns or {}) do look(one, where) end
      for _, param in ipairs(type.params or {}) do look(param.type, where) end
    end
    for _, class in ipairs(stubs.load().list) do
      for _, field in ipairs(class.order) do look(field.type, class.name .. "." .. field.name) end
    end
  end)

  it("are Lua that LuaLS reads, one topic a file", function()
    for _, topic in ipairs(stubs.topics) do
      local text = stubs.text(topic)
      local chunk = assert(load(text, "=" .. topic))
      assert.equal(text:match "^%-%-%-@meta ([%w.]+)\n" ~= nil, chunk() ~= nil, topic) -- a module returns its table
      assert.matches("^%-%-%-@meta", text)
    end
    for _, file in ipairs(core.fs.list "lua/agentlua/_meta") do
      local found = false
      for _, topic in ipairs(stubs.topics) do found = found or topic .. ".lua" == file end
      assert.is_true(found, file)
    end
  end)

  it("make the reference: a page for each topic, with every function", function()
    local result = support.command {
      "lua5.4", support.source .. "/scripts/dev/reference.lua", support.dir .. "/reference",
      env = {
        LUA_PATH = support.source .. "/lua/?.lua;" .. support.source .. "/lua/?/init.lua;;",
        LUA_CPATH = support.build .. "/lib/lua/5.4/?.so;;",
      },
    }
    assert.same({ 0, "" }, { result.code, result.stderr })
    for _, topic in ipairs(stubs.topics) do
      local page = assert(core.fs.read(("%s/reference/%s.md"):format(support.dir, topic)))
      for _, class in ipairs(stubs.load().list) do
        if class.topic == topic then assert.truthy(page:find("\n## " .. class.name .. "\n", 1, true), class.name) end
      end
    end
    local page = core.fs.read(support.dir .. "/reference/process.md")
    assert.truthy(page:find("### al.process.run(options)", 1, true))
    assert.truthy(page:find("### child:lines([which])", 1, true))
  end)
end)
