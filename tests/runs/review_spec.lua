-- Branches in review: what the status command of config.lua says of them, and what becomes of their tasks.

local al = require "agentlua"
local support = require "support"

describe("the status command", function()
  local w
  before_each(function()
    w = support.new()
    -- It says what the file `said` has, and keeps what it was told.
    w:write("../bin/state", ([[#!/bin/sh
      cd '%s'; cat >told.json
      printf '%%s\n' "$PWD" "$OLDPWD" "$AGENTLUA_BRANCH" "$AGENTLUA_BASE" "$AGENTLUA_TASK_ID" "[$GIT_DIR]" >told
      . ./said
    ]]):format(w.top), 493)
    w:config(('land = "branch", pr = { status = { "%s/bin/state" } }'):format(w.top))
    w:git("commit", "-qam", "config")
  end)
  after_each(function() w:close() end)

  local function says(text) w:write("../said", text) end
  local function run(body)
    local result = w:run_lines(body)
    assert.equal(0, result.code, result.stdout .. result.stderr)
    return result
  end
  local function in_review()
    local id = w:add "a thing"
    says "echo open"
    run "echo x >>src/f3.txt; git commit -qam work; echo cache >c.env\n"
    local task = w:task(id)
    assert.equal("needs-review", task.status)
    return task
  end

  it("is told of the task, and what it says without a meaning changes nothing", function()
    local before = in_review()
    for _, text in ipairs { "echo open", "true", "echo not merged", "echo; echo mergedly" } do
      says(text)
      w.env.GIT_DIR = "/nowhere"
      assert.equal(0, w:al("clean", { env = { GIT_DIR = "/nowhere" } }).code)
      w.env.GIT_DIR = nil
      assert.same(before, w:task(before.id))
    end
    local told_by_env = { w.top, w.root, before.worktree.branch, "main", before.id, "[]", "" }
    assert.equal(table.concat(told_by_env, "\n"), w:read "../told")
    local told = al.json.parse(w:read "../told.json")
    assert.equal(before.id, told.id)
    assert.equal("a thing", told.name)
    assert.same({}, w:events "review_failed")
  end)

  it("that says merged ends the task; a branch that the base here does not have stays", function()
    local before = in_review()
    says "echo Merged by somebody"
    local result = run "true\n"
    assert.truthy(result.stderr:find("git pull", 1, true), result.stderr)
    local task = w:task(before.id)
    assert.same({ "done", "review" }, { task.status, task.completed_by })
    assert.equal(1, w:worktrees())
    assert.equal("work", w:git("log", "-1", "--format=%s", before.worktree.branch))
    assert.equal("review", w:events("landed")[1].by)
    assert.equal(0, w:al("restore", task.id8).code)
    assert.equal("cache\n", al.fs.read(before.worktree.path .. "/c.env"))
  end)

  it("that says closed hands the task back, with the choice of what to do", function()
    local before = in_review()
    says "echo closed; echo 'not what\nwe want'"
    assert.equal(0, w:al("clean", "--dry-run").code)
    assert.equal("needs-review", w:task(before.id).status)
    run "true\n"
    local task = w:task(before.id)
    assert.equal("needs-input", task.status)
    assert.truthy(task.reason:find("not what\nwe want", 1, true), task.reason)
    assert.equal(before.worktree.path, task.worktree.path)
    says "echo open"
    assert.equal(0, w:al("task", "answer", task.id8, "B").code)
    run "echo again >>src/f3.txt\n"
    assert.equal("needs-review", w:task(before.id).status)
  end)

  it("that fails, or is not there, is an event and leaves the task as it is", function()
    local before = in_review()
    for i, text in ipairs { "echo merged; echo no network >&2; exit 3", "rm bin/state; kill $$" } do
      says(text)
      assert.truthy(run("true\n").stderr:find("status command", 1, true))
      assert.equal("needs-review", w:task(before.id).status)
      assert.equal(i, #w:events "review_failed")
    end
    assert.truthy(w:events("review_failed")[1].reason:find("3) no network", 1, true))
    run "true\n"
    assert.equal(3, #w:events "review_failed")
  end)

  it("is not asked when the base has the work", function()
    local before = in_review()
    w:git("commit", "-q", "--allow-empty", "-m", "meanwhile")
    w:git("merge", "-q", "--no-edit", before.worktree.branch)
    says "exit 1"
    assert.equal(0, w:al("clean").code)
    local task = w:task(before.id)
    assert.same({ "done", "person" }, { task.status, task.completed_by })
    assert.equal("", w:git("branch", "--list", "task/*"))
  end)
end)
