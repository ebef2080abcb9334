local limits = require "limits"
local support = require "support"

describe("agentlua say", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- Works, and waits in its attempts 1 to `waits` until $MARK.go is there; says `ending` in the end.
  local function agent(waits, options, ending)
    limits.agent(w, "one", ([[
      work
      say '{"type":"session","id":"s-one"}'
      touch "$MARK.at.$AGENTLUA_ATTEMPT"
      while [ "$AGENTLUA_ATTEMPT" -le %d ] && ! [ -e "$MARK.go" ]; do sleep 0.05; done
      %s
    ]]):format(waits, ending or [[say '{"type":"result","ok":true}']]), options)
  end
  local function start() return w:start("run", "execute.lua", "--agent", "one") end
  local function until_at(attempt)
    support.eventually(function() return w:exists(w.env.MARK .. ".at." .. attempt) end, "attempt " .. attempt)
  end
  local function say(...)
    local result = w:al("say", ...)
    assert.equal(0, result.code, result.stderr)
    return result.stdout
  end
  local function go() w:write("../mark.go", "") end

  -- The attempts whose prompts have a text.
  local function heard(text)
    local list, n = {}, 1
    while limits.prompt(w, n) do
      local prompt = limits.prompt(w, n)
      if prompt:find("\n# From the operator\n\n", 1, true) and prompt:find(text, 1, true) then list[#list + 1] = n end
      n = n + 1
    end
    return list
  end

  it("is told in the next prompt, once; the task is not done before", function()
    agent(1)
    local id = w:add "a thing"
    local child = start()
    until_at(1)
    assert.matches("with its next prompt", say(id, "mind the $(gap)\nand {{NAME}}"))
    go()
    local result = child:wait()
    assert.equal(0, result.code, result.stdout)
    local task = w:task(id)
    assert.same({ "done", "done done" }, { task.status, limits.endings(task) })
    assert.same({ 2 }, heard "mind the $(gap)\nand {{NAME}}")
    assert.equal("s-one", limits.starts(w)[2].session)
    assert.equal(2, task.whispers[1].delivered)
    local said = w:events "said"
    assert.same({ 1, id, false }, { #said, said[1].task, said[1].urgent })
    assert.matches("told in attempt 2\n +mind the", w:al("task", "show", id).stdout)
  end)

  it("--urgent ends the attempt and goes on at once in its session; no attempt is spent", function()
    w:config "attempts = 1"
    agent(1)
    local id = w:add "a thing"
    local child = start()
    until_at(1)
    w.users_act = true -- the run lands as soon as it has gone on
    assert.matches("is told now", say(id, "--urgent", "use tabs"))
    local result = child:wait()
    assert.equal(0, result.code, result.stdout)
    local task = w:task(id)
    assert.same({ "done", "stopped done" }, { task.status, limits.endings(task) })
    assert.same({ 2 }, heard "use tabs")
    assert.equal("s-one", limits.starts(w)[2].session)
    assert.falsy(limits.prompt(w, 2):find("You work alone in a git worktree", 1, true))
  end)

  it("--urgent to an agent that has no sessions: the whole prompt, with what was said", function()
    agent(1, { no_sessions = true })
    local id = w:add "a thing"
    local child = start()
    until_at(1)
    w.users_act = true
    say(id, "--urgent", "use tabs")
    assert.equal(0, child:wait().code)
    assert.equal("stopped done", limits.endings(w:task(id)))
    assert.same({ 2 }, heard "use tabs")
    assert.truthy(limits.prompt(w, 2):find("You work alone in a git worktree", 1, true))
  end)

  it("to a task that does not run is kept, and told with its first attempt only", function()
    agent(0, { no_sessions = true }, [[if [ "$AGENTLUA_ATTEMPT" = 1 ]; then exit 7; fi]])
    local id = w:add "a thing"
    assert.matches("when an agent begins", say(id, "first word"))
    assert.matches("when an agent begins", say(id, "second word"))
    assert.matches("not told yet", w:al("task", "show", id).stdout)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.same({ "done", { 1 }, { 1 } }, { w:task(id).status, heard "first word", heard "second word" })
  end)

  it("outlives the runner, and is told once", function()
    agent(1)
    local id = w:add "a thing"
    local child = start()
    until_at(1)
    w:command { "kill", "-STOP", tostring(child:pid()) } -- it cannot read its orders
    say(id, "hold on")
    w:kill(child)
    go()
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.equal("done", w:task(id).status)
    assert.same({ 2 }, heard "hold on")
    assert.equal(0, w:al("task", "reopen", id).code)
    assert.equal(0, w:al("run", "execute.lua", "--agent", "one").code)
    assert.same({ 2 }, heard "hold on")
  end)

  it("in a crowd loses nothing", function()
    agent(1)
    local id = w:add "a thing"
    local child, speakers = start(), {}
    until_at(1)
    for i = 1, 6 do speakers[i] = w:start("say", id, "word " .. i .. ".") end
    for _, speaker in ipairs(speakers) do assert.equal(0, speaker:wait().code) end
    go()
    assert.equal(0, child:wait().code)
    for i = 1, 6 do assert.same({ 2 }, heard("word " .. i .. ".")) end
  end)

  it("refuses what nobody would hear: exit 2", function()
    local id = w:add "a thing"
    assert.equal(0, w:al("task", "cancel", id).code)
    for _, words in ipairs { { id, "text" }, { "nosuch", "text" }, { id, " " }, { id } } do
      local result = w:al("say", table.unpack(words))
      assert.equal(2, result.code)
      assert.matches("^agentlua: ", result.stderr)
    end
  end)
end)
