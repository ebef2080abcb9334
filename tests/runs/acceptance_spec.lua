local al = require "agentlua"
local support = require "support"

-- What a pair of loops has to do, as whole runs. Where each point is tested:
--
--   1  a task goes through both loops, one commit, nothing left   main_job_spec, both_spec
--   2  order by priority and dependencies                         here; store_choose_test, store_dotbot_spec
--   3  an answered task comes first; prompts have the answers     here; questions_spec, prompts_spec
--   4  a question during execution                                here
--   5  several questions, answered in any order                   lua/questions_spec, prompts_spec
--   6  splits                                                     here; lua/questions_spec, prompts_spec
--   7  what dead runners leave; what living ones have             here; crash_spec, store_test
--   8  limits: forms, zones, clocks                               lua/limit_*_spec, limit_spec, limit_agents_spec
--   9  attempts, failures in a row, stop while waiting            main_job_spec, limit_attempts_spec, limit_spec
--  10  verification                                               verify_spec
--  11  landings that are refused move nothing                     landing_spec, modes_spec, git_land_*_test
--  12  a conflict is a question, and its answers do what they say here
--  13  kill -9 after every step                                   crash_spec, torture/*_crash_spec
--  14  several runners on one store                               here; torture/store_race_spec, store_test
--  15  orphans                                                    clean_spec
--  16  script, mcp, task_gen                                      types_spec
--  17  deadlocks are reported, waiting is not one                 here; store_choose_test
--  18  files keep what nobody here knows                          store_dotbot_spec, store_file_test, dotbot_spec
--  19  text of tasks stays text                                   types_spec, hostile_fields_spec, lua/prompt_spec
--  20  thousands of done tasks cost nothing                       bench/store_bench, store_file_test
describe("the loops", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  local function run(script, lines, ...) return w:al("run", script .. ".lua", "--agent", w:shell_agent(lines), ...) end
  local function ok(result)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    return result
  end
  local function status(id) return w:task(id).status end
  -- Names in the order in which they were started.
  local function started()
    local names = {}
    for i, event in ipairs(w:events "attempt_started") do names[i] = w:task(event.task).name end
    return names
  end
  local works = 'echo x >"$AGENTLUA_TASK_ID.txt"; echo said'

  it("2: go by priority, by dependencies of every spelling, and not past what was skipped", function()
    local base = w:add("Base Thing", "--priority", "90")
    w:add("last", "--priority", "99")
    local ids = {}
    for i, name in ipairs { base, "BASE THING", "base-thing", "the-slug" } do
      ids[i] = w:add("needs " .. i, "--priority", tostring(i))
      ok(w:al("task", "edit", ids[i], ('dependencies=["%s"]'):format(name)))
    end
    ok(w:al("task", "edit", base, "slug=the-slug"))
    local skipped = w:add("skipped", "--priority", "1")
    local never = w:add("never", "--priority", "1", "--depends", skipped)
    ok(w:al("task", "skip", skipped))
    assert.equal(3, run("execute", works).code)
    assert.same({ "Base Thing", "needs 1", "needs 2", "needs 3", "needs 4", "last" }, started())
    assert.equal("todo", status(never))
  end)

  it("3: take an answered task before one of priority 1, and tell the answer twice", function()
    local asked = w:add("asked", "--priority", "90")
    ok(run("analyse", 'agentlua task ask "$AGENTLUA_TASK_ID" "Which colour?"'))
    ok(w:al("task", "answer", asked, "Blue as $1 {{TASK_ID}}"))
    w:add("urgent", "--priority", "1")
    local keep = 'printf "%s" "$prompt" >"$MARK.$AGENTLUA_ATTEMPT.$AGENTLUA_TASK_ID"; ' .. works
    ok(run("analyse", keep, "--max-tasks", "1"))
    assert.same({ "analysed", "asked" }, { status(asked), started()[2] })
    ok(run("execute", keep, "--max-tasks", "1"))
    assert.same({ "done", "asked" }, { status(asked), started()[3] })
    for _, attempt in ipairs { 2, 3 } do
      local prompt = al.fs.read(("%s.%d.%s"):format(w.env.MARK, attempt, asked))
      assert.truthy(prompt:find("Which colour?", 1, true))
      assert.truthy(prompt:find("Blue as $1 {{TASK_ID}}", 1, true))
    end
  end)

  it("4: keep the worktree of a task that asks; nothing has failed, and it goes on there", function()
    local id = w:add "asks"
    local lines = [[echo x >>work.txt
      test "$(cat work.txt | wc -l)" = 2 || agentlua task ask "$AGENTLUA_TASK_ID" "Go on?"]]
    ok(run("execute", lines))
    local task = w:task(id)
    assert.equal("needs-input", task.status)
    local counts = w:events("run_ended")[1].counts
    assert.same({ 0, 1, 0 }, { counts.failed, counts.waiting, counts.failed_in_a_row })
    ok(w:al("task", "answer", id, "yes"))
    ok(run("execute", lines))
    assert.equal("x\nx", w:git("show", "HEAD:work.txt"))
    assert.equal(task.worktree.path, w:task(id).worktree.path)
  end)

  it("6: have who depends on a split task wait for all its parts", function()
    local whole = w:add("whole", "--priority", "1")
    w:add("after", "--priority", "1", "--depends", whole)
    ok(w:al("task", "split", whole, "one part", "other part"))
    ok(run("execute", works))
    assert.equal("split", status(whole))
    local names = started()
    assert.equal("after", names[3])
    assert.equal(3, #names)
  end)

  it("7: leave the task of a living runner alone, and take that of a dead one over", function()
    local id = w:add "a thing"
    local child = w:start("run", "execute.lua", "--agent", w:agent "slow")
    support.eventually(function() return w:exists(w.env.MARK) end, "the agent starts")
    ok(run("execute", works))
    assert.equal("in-progress", status(id))
    assert.equal(1, #w:events "attempt_started")
    w:kill(child)
    ok(run("execute", works))
    assert.equal("done", status(id))
    assert.equal(1, #w:events "task_recovered")
  end)

  it("7: set a stale copy of a done task aside, and say so", function()
    local id = w:add "a thing"
    ok(run("execute", works))
    local task = w:task(id)
    w:write(".agentlua/tasks/todo/" .. task.file, w:read(".agentlua/tasks/done/" .. task.file))
    local result = run("execute", works)
    assert.equal(4, result.code)
    assert.matches("has come further", result.stderr)
    assert.same({ 1, 0 }, { w:count "done", w:count "todo" })
    assert.equal(1, #w:events "attempt_started")
  end)

  describe("12: ask about a conflict;", function()
    local id, before, lines
    before_each(function()
      id = w:add "a thing"
      lines = [[echo "ours $AGENTLUA_ATTEMPT" >src/f1.txt
        git merge-base --is-ancestor main HEAD || { git add -A; git commit -qm w; git merge -q main
          echo both >src/f1.txt; git add -A; git commit -qm merged; }]]
      w.users_act = true
      local child = w:start("run", "execute.lua", "--agent", w:shell_agent [[touch "$MARK"; echo ours >src/f1.txt
        while [ ! -e "$MARK.go" ]; do sleep 0.02; done]])
      support.eventually(function() return w:exists(w.env.MARK) end, "the agent starts")
      w:write("src/f1.txt", "theirs\n")
      w:git("commit", "-qam", "theirs")
      w:write("../mark.go", "")
      assert.equal(0, child:wait().code)
      w.users_act = false
      before = w:task(id)
    end)
    local function answer(key) ok(w:al("task", "answer", id, key)) end

    it("the question names files and place, and the work is kept", function()
      assert.same({ "needs-input", "merge-conflict" }, { before.status, before.pending_question.id })
      assert.matches("src/f1.txt", before.pending_question.context)
      assert.truthy(before.pending_question.options[1].label:find(before.worktree.path, 1, true))
      assert.equal("ours\n", al.fs.read(before.worktree.path .. "/src/f1.txt"))
      assert.equal("theirs", w:git("show", "main:src/f1.txt"))
    end)

    it("an agent is told to resolve it, and it lands", function()
      answer "B"
      ok(run("execute", lines))
      assert.same({ "done", "both" }, { status(id), w:git("show", "main:src/f1.txt") })
    end)

    it("it starts over on the new base, and the branch is kept", function()
      answer "C"
      ok(run("execute", lines))
      assert.same({ "done", "ours 2" }, { status(id), w:git("show", "main:src/f1.txt") })
      assert.equal("ours", w:git("show", before.worktree.branch .. ":src/f1.txt"))
    end)

    it("it is discarded, and can be restored", function()
      answer "D"
      assert.equal("cancelled", status(id))
      assert.equal(1, w:worktrees())
      assert.equal("ours", w:git("show", ("refs/agentlua/saved/%s/1:src/f1.txt"):format(before.id8)))
    end)
  end)

  it("14: two of each on one store do every task once", function()
    w.users_act = true
    local ids = {}
    for i = 1, 8 do ids[i] = w:add("task " .. i) end
    local path, children = w:shell_agent(works), {}
    for i, script in ipairs { "analyse.lua", "analyse.lua", "both.lua", "both.lua" } do
      children[i] = w:start("run", script, "--agent", path)
    end
    for _, child in ipairs(children) do
      local result = child:wait()
      assert.equal(0, result.code, result.stdout)
    end
    ok(run("both", works)) -- what was in analysis when the others had nothing more to do
    local commits = {}
    for subject in w:git("log", "--format=%s"):gmatch "feat: (task %d)" do
      assert.is_nil(commits[subject], subject .. " has landed twice")
      commits[subject] = true
    end
    for i, id in ipairs(ids) do
      assert.equal("done", status(id))
      assert.is_true(commits["task " .. i])
      assert.equal(2, #w:task(id).attempts)
    end
    local refused = w:events "cleanup_refused"
    assert.equal(1, w:worktrees(), refused[1] and refused[1].reason)
  end)

  it("17: report what can never run and why, and end with 3; merely waiting is no deadlock", function()
    local function blocked(needs, command)
      local target = w:add("target " .. needs)
      ok(w:al("task", command, target))
      return w:add("needs " .. needs, "--depends", target)
    end
    blocked("skipped", "skip")
    w:add("transitive", "--depends", blocked("cancelled", "cancel"))
    local a, b = w:add "a", w:add "b"
    ok(w:al("task", "edit", a, ('dependencies=["%s"]'):format(b)))
    ok(w:al("task", "edit", b, ('dependencies=["%s"]'):format(a)))
    ok(w:al("task", "edit", w:add "dangling", 'dependencies=["nobody"]'))
    local result = run("execute", works)
    assert.equal(3, result.code)
    assert.equal("deadlock", w:events("run_ended")[1].reason)
    for _, text in ipairs {
      "'needs skipped' cannot run: depends on 'target skipped'", "which is skipped", "which is cancelled",
      "'transitive' cannot run", "cycle", "'dangling' cannot run: depends on 'nobody', which does not exist",
    } do assert.truthy(result.stderr:find(text, 1, true), text .. "\n" .. result.stderr) end
    ok(w:al("task", "edit", w:add "later", "not_before=2999-01-01T00:00:00Z"))
    ok(run("execute", works))
    assert.equal("drained", w:events("run_ended")[2].reason)
  end)
end)
