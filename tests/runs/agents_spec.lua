-- Whole runs with programs that print what the real ones of that name do.

local al = require "agentlua"
local support = require "support"

describe("an agent of a vendor", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- Puts a program on PATH that answers --version and prints a stream of the fixtures, then ends with a code.
  local function install(name, stream, code, more)
    w:write("../bin/" .. name, ([[#!/bin/sh
case $1 in --version) echo "%s 1.2.3"; exit;; esac
echo "$*" >>'%s/calls'
cat >>'%s/prompt'
%s
cat '%s/tests/fixtures/streams/%s/%s.jsonl'
exit %d
]]):format(name, w.top, w.top, more or "", support.source, name, stream, code), 493)
    w.env.PATH = w.top .. "/bin:" .. os.getenv "PATH"
    w.env.OPENAI_API_KEY = "key"
  end
  local function run(name, ...) return w:al("run", "execute.lua", "--agent", name, "--model", "gpt-5", ...) end

  it("does its work, and what it was and cost is kept", function()
    install("codex", "good", 0, "echo x >new.txt; pwd >>src/f3.txt; printenv PWD >>src/f3.txt")
    local id = w:add "a thing"
    local result = run "codex"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local entry = w:task(id).attempts[1]
    assert.same({ "codex", "1.2.3", "done", "th-1", "gpt-5", 4, 100, 9, 40, "estimated" }, {
      entry.agent, entry.version, entry.ending, entry.session, entry.model, entry.turns, entry.tokens["in"],
      entry.tokens.out, entry.tokens.cached, entry.cost_kind,
    })
    assert.equal("1.2.3", w:events "attempt_started" [1].version)
    assert.equal("estimated", w:events "attempt_ended" [1].cost_kind)
    assert.matches("a thing", w:read "../prompt")
    assert.matches("exec %-%-json .*%-m gpt%-5", w:read "../calls")
    local seen = {}
    for line in w:read "src/f3.txt":gmatch "[^\n]+" do seen[#seen + 1] = line end
    assert.equal(seen[#seen - 1], seen[#seen])
    assert.matches("repo.worktrees/", seen[#seen], 1, true)
  end)

  it("whose program is broken is found out before a task is taken", function()
    install("codex", "good", 0)
    w:write("../bin/codex", "#!/bin/sh\necho 'native binary not installed' >&2; exit 1\n", 493)
    local id = w:add "a thing"
    local result = run "codex"
    assert.equal(2, result.code)
    assert.matches("'codex --version' fails: native binary not installed", result.stderr, 1, true)
    assert.equal("todo", w:task(id).status)
  end)

  it("that is not logged in is not started", function()
    install("codex", "good", 0)
    w.env.OPENAI_API_KEY, w.env.CODEX_API_KEY = false, false
    w:write("../bin/codex", w:read("../bin/codex"):gsub("exit;; esac", "exit;; login) exit 1;; esac"), 493)
    local id = w:add "a thing"
    local result = run "codex"
    local task = w:task(id)
    assert.same({ "todo", "auth", 0 }, { task.status, task.attempts[1].ending, result.code })
    assert.matches("codex/default: not logged in; agentlua login codex", result.stdout .. result.stderr, 1, true)
    assert.is_false(w:exists "../calls")
  end)

  it("is ended when it would wait for a limit by itself", function()
    w:config 'attempts = 1, max_failures = 1, timeouts = { wall = 120 }, stop_grace = 1'
    install("codex", "retry-login", 0, "")
    w:write("../bin/codex", w:read("../bin/codex"):gsub("exit 0\n", "sleep 120\n"), 493)
    local id, began = w:add "a thing", al.clock()
    run "codex"
    assert.equal("auth", w:task(id).attempts[1].ending)
    assert.is_true(al.clock() - began < 60)
  end)

  it("is named by doctor when its program is here", function()
    install("codex", "good", 0)
    w.env.PATH = w.top .. "/bin:/usr/bin:/bin"
    local result = w:al "doctor"
    assert.matches("ok   codex          1.2.3\n", result.stdout, 1, true)
    assert.is_nil(result.stdout:find "\n%S+ +claude ")
  end)
end)
