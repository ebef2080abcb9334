local support = require "support"

describe("hooks.lua", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function hooks(text) w:write(".agentlua/hooks.lua", text) end

  it("is called at each step, and may change the prompt", function()
    hooks([[
      local function note(...)
        local file = io.open("]] .. w.top .. [[/notes", "a")
        local words = table.pack(...)
        for i = 1, words.n do words[i] = tostring(words[i]) end
        file:write(table.concat(words, " "), "\n")
        file:close()
      end
      return {
        on_task_start = function(task, run) note("start", task.name, run.id ~= nil) end,
        on_prompt = function(prompt) return prompt .. "\nMORE WORDS\n" end,
        on_event = function(event) if event.type == "text" then note("event", event.text) end end,
        on_result = function(result) note("result", result.ending) end,
        before_land = function(task, tree) note("before", tree.branch ~= nil) end,
        after_land = function(task) note("after", task.status) end,
        on_stop = function(reason) note("stop", reason) end,
      }
    ]])
    w:add "a thing"
    w:write("../agent.sh", "#!/bin/sh\ngrep 'MORE WORDS'\necho x >file.txt\n", 493)
    local result = w:al("run", "execute.lua", "--agent", w.top .. "/agent.sh")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("start a thing true\nevent MORE WORDS\nresult done\nbefore true\nafter done\nstop drained\n",
      w:read "../notes")
  end)

  it("on_needs_input has the questions", function()
    hooks([[return { on_needs_input = function(task, questions)
      local file = io.open("]] .. w.top .. [[/notes", "a")
      file:write(questions[1].question)
      file:close()
    end }]])
    w:add "a thing"
    assert.equal(0, w:run("asks").code)
    assert.equal("Which file?", w:read "../notes")
  end)

  it("before_land can hold the work for a person", function()
    hooks [[return { before_land = function() return false, "not on a Friday" end }]]
    local id = w:add "a thing"
    assert.equal(0, w:run("edit").code)
    assert.equal("needs-review", w:task(id).status)
    assert.matches("not on a Friday", w:task(id).reason)
  end)

  it("an error in a hook is reported with a traceback, and the loop goes on", function()
    hooks [[return { on_task_start = function() local x; return x.y end, on_event = function() error {} end }]]
    local id = w:add "a thing"
    local result = w:run "edit"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.matches("hook on_task_start: .*hooks.lua:1: attempt to index a nil value.*traceback", result.stderr)
    assert.equal("on_task_start", w:events("hook_failed")[1].hook)
  end)

  it("a misspelt hook is refused before anything starts", function()
    for text, wanted in pairs {
      ["return { on_task_strat = print }"] = "there is no hook 'on_task_strat'; the nearest is 'on_task_start'",
      ["return { on_stop = 5 }"] = "'on_stop' must be a function",
      ["return 5"] = "must return a table",
      ["return {"] = "hooks.lua:1:",
    } do
      hooks(text)
      local id = w:add "a thing"
      local result = w:run "edit"
      assert.equal(2, result.code, text)
      assert.matches(wanted, result.stderr, 1, true)
      assert.equal("todo", w:task(id).status)
      assert.same({}, w:events "attempt_started")
    end
  end)
end)
