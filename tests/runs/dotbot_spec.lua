local al = require "agentlua"
local support = require "support"

-- dotbot's directory of tasks, tracked by git as dotbot does or not.
for _, tracked in ipairs { true, false } do
  describe("dotbot's task directory, " .. (tracked and "tracked by git" or "not tracked"), function()
    local w
    local dir = ".bot/workspace/tasks"

    before_each(function()
      w = support.new()
      w.users_act = true -- its files are moved in the main checkout
      if not tracked then w:write(".gitignore", "*.env\n.bot/workspace/tasks/\n") end
      w:write("app.txt", "one\n")
      w:write(".bot/README.md", "dotbot\n")
    end)
    after_each(function() w:close() end)

    local function task_file(id, name, more)
      w:write(("%s/todo/%s-%s.json"):format(dir, name:lower():gsub(" ", "-"), id:sub(1, 8)), ([[{
    "name": "%s",
    "id": "%s",
    "priority": 5, "effort": "S", "status": "todo",
    "sequence": 9007199254740993, "notes": {},
    "started_at": null, "execution_sessions": []%s
}
]]):format(name, id, more or ""))
    end
    local function commit()
      w:git("add", "-A")
      w:git("commit", "-qm", "tasks")
    end
    local function run(script, lines, ...)
      return w:al("run", script, "--tasks", dir, "--agent", w:shell_agent(lines), ...)
    end
    local function find(id)
      for _, status in ipairs(al.store.statuses) do
        for _, file in ipairs(al.fs.list(w.root .. "/" .. dir .. "/" .. status) or {}) do
          if file:find(id:sub(1, 8), 1, true) then
            local text = w:read(dir .. "/" .. status .. "/" .. file)
            return al.json.parse(text), status, text
          end
        end
      end
    end
    local a = "5f0c7a9e-3b1d-4c52-9a77-1e64d20b8c11"

    it("is worked through; what dotbot keeps of a task is there, and no task file lands", function()
      task_file(a, "Add a thing")
      task_file("6a0c7a9e-3b1d-4c52-9a77-1e64d20b8c11", "Other")
      commit()
      assert.equal(0, run("analyse.lua", "echo read it", "--task", a).code)
      local task, status = find(a)
      assert.same({ "analysed", "analysed" }, { status, task.status })
      assert.equal(1, #task.analysis_sessions)
      assert.truthy(task.analysis_started_at and task.analysis_sessions[1].ended_at and task.analysed_by)
      -- The agent changes task files in its worktree, commits some of it, and makes new ones.
      local result = run("execute.lua", ([[
        echo two >>app.txt
        mkdir -p %s/todo %s/done
        echo broken >%s/todo/other-6a0c7a9e.json
        echo new >%s/done/new.json
        git add -Af; git commit -qm all
        echo more >%s/todo/more.json
        rm -f %s/todo/add-a-thing-5f0c7a9e.json]]):gsub("%%s", dir), "--task", a)
      assert.equal(0, result.code, result.stdout .. result.stderr)
      local text
      task, status, text = find(a)
      assert.equal("done", status)
      assert.same({ "app.txt" }, { table.unpack(task.files_modified) })
      assert.same({ 0, 0 }, { #task.files_created, #task.files_deleted })
      assert.equal("feat: Add a thing [task:5f0c7a9e]", task.commit_subject)
      assert.equal(w:git("rev-parse", "HEAD"), task.commit_sha)
      assert.truthy(text:find('"sequence": 9007199254740993', 1, true))
      assert.same({ 1, true }, { #task.execution_sessions, type(task.execution_sessions[1].ended_at) == "string" })
      assert.equal(task.execution_sessions[1].started_at, task.started_at)
      assert.equal("app.txt", w:git("show", "--format=", "--name-only", "HEAD"))
      assert.equal("Other", find("6a0c7a9e").name) -- as it was
      assert.equal(1, w:worktrees())
    end)

    it("has a failed task in skipped, with its history, and the run says that it has failed", function()
      w:config "attempts = 2"
      task_file(a, "Add a thing", [[,
    "skip_history": [{"skipped_at": "2026-01-01T00:00:00Z", "reason": "max-retries"}] ]])
      commit()
      local result = run("execute.lua", "exit 7")
      assert.equal(1, result.code, result.stdout .. result.stderr)
      local task, status = find(a)
      assert.same({ "skipped", "skipped" }, { status, task.status })
      assert.same({ 2, "max-retries" }, { #task.skip_history, task.skip_history[2].reason })
      assert.matches("ended with 'crash'", task.skip_history[2].detail)
      assert.matches("ended with 'crash'", task.reason)
      assert.equal(1, w:events("run_ended")[1].counts.failed)
      assert.equal(2, #task.execution_sessions)
    end)

    it("gives one a further chance with `revive`, but not what a person has skipped", function()
      w:config "attempts = 1, revive = 1"
      task_file(a, "Add a thing")
      commit()
      assert.equal(1, run("execute.lua", "exit 7").code)
      assert.equal(0, run("execute.lua", "echo x >x.txt").code)
      assert.equal("done", select(2, find(a)))
      local b = w:al("task", "add", "by hand", "--tasks", dir).stdout:match "%S+"
      assert.equal(0, w:al("task", "skip", b, "--tasks", dir).code)
      assert.equal(0, run("execute.lua", "echo x >y.txt").code)
      assert.equal("skipped", select(2, find(b)))
    end)

    it("has work that waits for a review in needs-input; merged by hand it is done", function()
      task_file(a, "Add a thing")
      commit()
      local result = run("execute.lua", "echo x >x.txt", "--land", "branch")
      assert.equal(0, result.code, result.stdout .. result.stderr)
      local task, status = find(a)
      assert.equal("needs-input", status)
      assert.equal("review", task.pending_question.id)
      assert.matches("branch task/5f0c7a9e%-add%-a%-thing", task.pending_question.context)
      assert.equal(0, w:al("task", "answer", a, "A", "--tasks", dir).code) -- it goes on waiting
      assert.equal("review", find(a).pending_question.id)
      w:git("merge", "-q", task.worktree.branch)
      assert.equal(0, run("execute.lua", "exit 1").code)
      task, status = find(a)
      assert.same({ "done", al.json.null }, { status, task.pending_question })
    end)
  end)
end
