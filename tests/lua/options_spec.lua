local errors = require "agentlua.errors"
local options = require "agentlua.options"

describe("options", function()
  local arg_before
  before_each(function() arg_before = rawget(_G, "arg") end)
  after_each(function()
    rawset(_G, "arg", arg_before)
    options.from_script = false
  end)

  -- Parses words as `agentlua run loop.lua` would.
  local function parse(words, extend)
    words[0] = "/x/loop.lua"
    rawset(_G, "arg", words)
    options.from_script = true
    return options.parse(extend)
  end
  local function fails(words, ...)
    local ok, problem = pcall(parse, words)
    assert.is_false(ok)
    assert.is_true(errors.is(problem))
    assert.same({ "EUSAGE", 2 }, { problem.code, problem.exit })
    for _, text in ipairs { "Usage: agentlua run loop.lua", ... } do
      assert.truthy(problem.message:find(text, 1, true), problem.message)
    end
    assert.is_nil(problem.message:find("\n\n", 1, true))
  end

  it("all that every loop understands", function()
    local all = parse {
      "--agent", "./agent.sh", "--jobs", "4", "--max-tasks", "2", "--task", "abc", "--watch",
      "--dry-run", "--tasks", "dir", "--base", "main", "--land", "merge", "--verbose",
    }
    assert.same({
      script = "/x/loop.lua", agent = "./agent.sh", jobs = 4, max_tasks = 2, task = "abc",
      watch = true, dry_run = true, tasks = "dir", base = "main", land = "merge", verbose = true,
    }, all)
    assert.equal("integer", math.type(all.jobs))
    assert.same({ script = "/x/loop.lua" }, parse {})
  end)

  it("a script adds its own", function()
    local all = parse({ "--depth", "3", "src" }, function(parser)
      parser:option("--depth"):convert(tonumber)
      parser:argument "where"
    end)
    assert.same({ 3, "src" }, { all.depth, all.where })
  end)

  it("the arguments are left as they are", function()
    local words = { "--jobs", "4" }
    parse(words)
    assert.same({ "--jobs", "4", [0] = "/x/loop.lua" }, words)
  end)

  it("a mistake is an error of the user's with the usage, in one paragraph", function()
    fails({ "--job-count", "4" }, "unknown option '--job-count'")
    fails({ "--jobs" }, "--jobs")
    fails({ "--jobs", "0" }, "'0' is not a number above 0")
    fails({ "--jobs", "many" }, "'many' is not a number above 0")
    fails({ "--max-tasks", "1.5" }, "'1.5' is not a number above 0")
    fails({ "--land", "teleport" }, "'--land' must be one of 'squash'")
    fails({ "surplus" }, "too many arguments")
  end)

  it("in a program of somebody's own, its arguments are not ours", function()
    rawset(_G, "arg", { [0] = "program.lua", "--their-option", "x" })
    assert.same({ script = "program.lua" }, options.parse())
    rawset(_G, "arg", nil)
    assert.same({ script = "agentlua" }, options.parse())
  end)
end)
