local al = require "agentlua"
local support = require "support"

describe("surroundings", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function run(lines) return w:run_lines(lines) end

  it("secrets are in no log and no task, whatever says them, also in pieces", function()
    w.env.MY_TOKEN = 'tok-"4711"-secret'
    w:config [[secrets = { "MY_TOKEN", "NOT_SET" }, attempts = 1,
      verify = { { name = "leak", argv = { "sh", "-c", "echo verify $MY_TOKEN; exit 1" } } }]]
    local id = w:add "a thing"
    run [[
      echo x >file.txt
      echo "stdout $MY_TOKEN"; echo "stderr $MY_TOKEN" >&2
      printf '%s' "pieces tok-"; sleep 0.1; printf '"4711"-'; sleep 0.1; echo secret
      printf '{"type":"result","text":"done with tok-\\"4711\\"-secret"}\n'
    ]]
    assert.equal("failed", w:task(id).status)
    local found = w:command { "grep", "-rlE", '4711', w.root .. "/.agentlua", w.top .. "/state" }
    assert.equal("", found.stdout)
    local attempt = w:events("attempt_started")[1]
    local log = al.fs.read(attempt.log)
    assert.equal('stdout [MY_TOKEN]\npieces [MY_TOKEN]\n{"type":"result","text":"done with [MY_TOKEN]"}\n', log)
    assert.equal("stderr [MY_TOKEN]\n", al.fs.read((attempt.log:gsub("stream.jsonl$", "stderr"))))
    assert.matches("verify %[MY_TOKEN%]", w:task(id).reason)
  end)

  it("env = {only=} hands on nothing else; drop and set change the rest", function()
    w.env.KEEP, w.env.GO, w.env.OTHER = "1", "2", "3"
    w:config 'env = { only = { "PATH", "HOME", "KEEP", "GO" }, drop = { "GO" }, set = { NEW = "4" } }'
    w:add "a thing"
    assert.equal(0, run("env | sed 's/=.*//' | sort >names.txt").code)
    local names = w:read "names.txt"
    assert.matches("\nKEEP\n", names)
    assert.matches("\nNEW\n", names)
    assert.is_nil(names:find "\nGO\n")
    assert.is_nil(names:find "OTHER")
    assert.is_nil(names:find "XDG_STATE_HOME")
  end)

  it("a sandbox that is configured but cannot be had is refused before anything starts", function()
    w:config 'sandbox = "bwrap"'
    local id = w:add "a thing"
    w:write("../bin/bwrap", "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n", 493)
    local result = w:run_lines("exit 0", { env = { PATH = w.top .. "/bin:" .. os.getenv "PATH" } })
    assert.equal(2, result.code)
    assert.matches('sandbox = "bwrap" does not work here: bwrap: No permissions', result.stderr, 1, true)
    assert.equal("todo", w:task(id).status)
    assert.same({}, w:events "attempt_started")
    w:config 'sandbox = "bwarp"'
    assert.equal(2, run("exit 0").code)
  end)

  local reason = support.no_sandbox()
  if reason then return pending("the sandbox: " .. reason) end

  it("in the sandbox an agent works and commits, and writes nowhere else", function()
    w:config [[sandbox = "bwrap", verify = {
      { argv = { "sh", "-c", "test -f work.txt && ! echo x >$HOME/planted" } } }]]
    local id = w:add "a thing"
    local result = w:run "escapes"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    local may = {}
    for name, answer in w:read("result.txt"):gmatch "(%S+) (%a+)\n" do
      if answer == "yes" then may[#may + 1] = name end
    end
    assert.same({ "worktree", "tmp", "git-add", "commit", "again", "dev-null", "command" }, may)
    assert.is_false(w:exists(w.top .. "/home/planted"))
    assert.is_false(w:exists "/var/tmp/agentlua-planted")
  end)

  it("git of an agent's tidies nothing up: killed over that it would leave a lock for ever", function()
    w:git("config", "gc.auto", "1")
    w:add "a thing"
    assert.equal(0, w:run_lines [[GIT_TRACE="$MARK" git commit -q --allow-empty -m x; echo x >new.txt]].code)
    local trace = al.fs.read(w.env.MARK)
    assert.matches("git commit", trace)
    assert.falsy(trace:find "maintenance" or trace:find "gc %-%-auto")
  end)

  it("in the sandbox an agent asks by the command for it, and nothing of it is left", function()
    w:config 'sandbox = "bwrap"'
    local id = w:add "a thing"
    assert.equal(0, w:run("asks").code)
    assert.equal("needs-input", w:task(id).status)
    local child = w:add "another"
    local runner = w:start("run", "execute.lua", "--agent", w:agent "slow", "--task", child)
    support.eventually(function() return w:exists(w.env.MARK) or #w:events "attempt_started" > 1 end)
    al.sleep(0.3)
    w:kill(runner)
  end)
end)
