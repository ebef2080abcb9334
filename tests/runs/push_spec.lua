local al = require "agentlua"
local support = require "support"

describe("push", function()
  local w, remote
  before_each(function()
    w = support.new()
    w.users_act = true -- a push moves what is known of the remote
    remote = w.top .. "/remote.git"
    w:git("init", "-q", "--bare", "-b", "main", remote)
  end)
  after_each(function() w:close() end)

  local function theirs() return w:git("-C", remote, "rev-parse", "--verify", "-q", "main") end
  -- The user names a remote.
  local function set_remote(name, place)
    w:git("remote", "add", name, place)
    w:git("push", "-q", name, "main")
  end

  it("brings the base to the remote after each landing", function()
    set_remote("elsewhere", remote)
    w:config 'push = "elsewhere"'
    w:add "one"
    w:add "two"
    local result = w:run "edit"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal(w:git("rev-parse", "main"), theirs())
    assert.equal(0, #w:events "push_failed")
  end)

  it("with --push goes to origin; without it nothing is pushed", function()
    set_remote("origin", remote)
    w:add "one"
    assert.equal(0, w:run("edit").code)
    assert.are_not.equal(w:git("rev-parse", "main"), theirs())
    w:add "two"
    assert.equal(0, w:run("edit", "--push").code)
    assert.equal(w:git("rev-parse", "main"), theirs())
  end)

  it("that fails is exit 1 and an event; the task is done and landed, nothing is forced", function()
    set_remote("origin", remote)
    local other = w.top .. "/other"
    w:git("clone", "-q", remote, other)
    w:git("-C", other, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "ahead")
    w:git("-C", other, "push", "-q")
    local ahead = theirs()
    w:config 'push = "origin"'
    local id = w:add "one"
    local result = w:run "edit"
    assert.equal(1, result.code)
    assert.matches("'one' has landed, but 'main' could not be pushed to 'origin'", result.stderr, 1, true)
    assert.matches("git push origin main", result.stderr, 1, true)
    assert.equal("done", w:task(id).status)
    assert.equal(1, #w:events "push_failed")
    assert.equal(ahead, theirs())
  end)

  it("to a remote that an agent has turned goes nowhere", function()
    set_remote("origin", remote)
    local trap = w.top .. "/trap.git"
    w:git("init", "-q", "--bare", "-b", "main", trap)
    w:config 'push = "origin"'
    local id = w:add "one"
    local result = w:run_lines(([[
      echo x >file.txt
      git config remote.origin.url %s
      git config remote.origin.pushurl %s
    ]]):format(trap, trap))
    assert.equal(1, result.code)
    assert.equal("done", w:task(id).status)
    assert.equal("", w:git("-C", trap, "for-each-ref"))
    assert.is_string(al.fs.read(trap .. "/HEAD"))
  end)
end)
