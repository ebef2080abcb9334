-- What must be true when all tasks of a loop_world are done, however often its runs were cut short.

local core = require "agentlua.core"

local M = {}

--- The lines of a text that are not empty.
function M.lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

-- The commits on the base since the world was made, oldest first: commit -> its place, tag -> all its places.
local function history(w)
  local places, tags = { [w.start_commit] = 0 }, {}
  for i, line in ipairs(M.lines(w:git("log", "--reverse", "--format=%H %s", w.start_commit .. ".." .. w.branch))) do
    places[line:match "^%x+"] = i
    local tag = line:match "%[task:(%x+)%]$" or "no task"
    tags[tag] = tags[tag] or {}
    table.insert(tags[tag], i)
  end
  return places, tags
end

local idle = { done = true, stopped = true, limit = true, budget = true }

local function check_attempts(task, say)
  for _, one in ipairs(task.attempts or {}) do
    if one.spent or one.ending and not idle[one.ending] then
      say("attempt %d of %s: %s, counts as failed: %s: %s", one.n, task.id, one.ending, one.spent, one.feedback)
    end
  end
end

local function check_tasks(w, tasks, say)
  local places, tags = history(w)
  for _, task in ipairs(tasks) do
    if task.status ~= "done" then say("%s is %s: %s", task.id, task.status, task.reason) end
    check_attempts(task, say)
    local at = tags[task.id8] or {}
    if #at ~= 1 then say("%s has %d commits on the base", task.id, #at) end
    if places[task.commit_sha] ~= at[1] then say("%s remembers another commit", task.id) end
    task.place, tags[task.id8] = at[1] or math.huge, nil
    task.base_place = type(task.worktree) == "table" and places[task.worktree.base_commit] or -1
  end
  for tag in pairs(tags) do say("a commit of %s", tag) end
  if w:git("rev-list", "--merges", w.branch) ~= "" then say "the history is not linear" end
end

-- A task starts from a base that has the work of those that it depends on.
local function check_order(w, tasks, say)
  local by_id = {}
  for _, task in ipairs(tasks) do by_id[task.id] = task end
  for _, one in ipairs(w.tasks) do
    for _, id in ipairs(one.dependencies) do
      if by_id[id].place > by_id[one.id].base_place then say("%s starts without the work of %s", one.id, id) end
    end
  end
end

-- The tests of the final tree: every task has done all its steps, and is once in each of its files.
local function check_tree(w, say)
  local wanted = {}
  for _, task in ipairs(w.tasks) do
    if w:read("work/" .. task.id) ~= "step 1\nstep 2\nstep 3\nstep 4\n" then
      say("work/%s: %s", task.id, w:read("work/" .. task.id))
    end
    for _, file in ipairs(task.files) do
      wanted[file] = wanted[file] or {}
      table.insert(wanted[file], task.id)
    end
  end
  for file, ids in pairs(wanted) do
    local found = M.lines(w:read(file) or "")
    table.sort(found)
    local there = table.concat(found, " ")
    if there ~= table.concat(ids, " ") then say("%s has %s", file, there) end
  end
end

-- What the agents have noted: nobody else had what is a task's alone; and what was done once is there for ever.
local function check_notes(w, say)
  local steps = {}
  for _, line in ipairs(M.lines(core.fs.read(w.env.MARK) or "")) do
    local what, id, attempt, detail = line:match "^(%S+) (%S+) (%S+) (.*)$"
    if what == "overlap" then say("attempt %s of %s is not alone with %s", attempt, id, detail) end
    if what == "step" then steps[id] = tonumber(detail) end
    if what == "begin" and tonumber(detail) < (steps[id] or 0) then
      say("attempt %s of %s begins with %s steps, but %d were done", attempt, id, detail, steps[id])
    end
  end
end

local function check_events(w, say)
  local counts, attempts = {}, {}
  for _, line in ipairs(M.lines(w:read ".agentlua/events.jsonl")) do
    local event = core.json.parse(line)
    if type(event) ~= "table" then
      say("an event that is none: %s", line)
    elseif event.type == "landed" or event.type == "task_moved" and event.to == "done" then
      local key = event.type .. " " .. event.task
      counts[key] = (counts[key] or 0) + 1
    elseif event.type == "cleanup_refused" or event.type == "land_refused" then
      say("%s: %s: %s", event.type, event.task, event.reason)
    elseif event.type == "attempt_started" then
      local key = event.task .. " " .. event.attempt
      if attempts[key] then say("attempt %s is started twice", key) end
      attempts[key] = true
    elseif event.type == "attempt_ended" and not attempts[event.task .. " " .. event.attempt] then
      say("attempt %s %d ends without a start", event.task, event.attempt)
    end
  end
  for _, task in ipairs(w.tasks) do
    if counts["landed " .. task.id] ~= 1 then
      say("%d events say that %s has landed", counts["landed " .. task.id] or 0, task.id)
    end
    if (counts["task_moved " .. task.id] or 0) > 1 then say("%s is done twice", task.id) end
  end
end

-- Objects that a git was killed over (tmp_obj_*) are its own to remove, by git gc.
local litter = [[cd "$1"; find . -name '*.lock' ! -name agentlua.lock ! -name run.lock ! -path '*/agentlua/git/*' \
  -type f ! -path '*/.agentlua/tasks/*' ! -path './state/*' -o -name '.tmp.*' -o -name 'agentlua-save-*']]

local function check_leaks(w, say)
  if #w:processes() > 0 then say("%d processes", #w:processes()) end
  if w:worktrees() ~= 1 then say("%d worktrees", w:worktrees()) end
  if w:exists(w.root .. ".worktrees") then say "the directory of the worktrees" end
  for _, name in ipairs(core.fs.list(w.root .. "/.git/worktrees") or {}) do say("git has not forgotten %s", name) end
  local refs = w:git("for-each-ref", "--format=%(refname)", "refs/heads/task", "refs/agentlua/pending",
    "refs/agentlua/rescue")
  if refs ~= "" then say("refs are left: %s", refs) end
  local files = w:command({ "sh", "-c", litter, "sh", w.top }).stdout
  if files ~= "" then say("files are left: %s", files) end
  if w:user_work() ~= w.before or w:untouchable() ~= w.before_all then say "the user's work is not as before" end
  local fsck = w:al("fsck", "--json")
  if fsck.code ~= 0 or #core.json.parse(fsck.stdout).findings > 0 then say("fsck: %s", fsck.stdout .. fsck.stderr) end
  local clean = w:al("clean", "--dry-run", "--json")
  if clean.code ~= 0 or clean.stdout:find '"kind"' then say("clean: %s", clean.stdout .. clean.stderr) end
  for _, id in ipairs(core.fs.list(w.root .. "/.agentlua/runs")) do
    local record = core.json.parse(w:read(".agentlua/runs/" .. id .. "/run.json") or "")
    if record and not record.ended_at then say("run %s has no end", id) end
  end
end

--- Tells `say` all that is wrong with a world whose tasks are done.
function M.all(w, say)
  local tasks = core.json.parse(w:al("task", "list", "--json").stdout)
  check_tasks(w, tasks, say)
  check_order(w, tasks, say)
  check_tree(w, say)
  check_notes(w, say)
  check_events(w, say)
  check_leaks(w, say)
end

return M
