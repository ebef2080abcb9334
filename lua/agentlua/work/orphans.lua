-- agentlua.work.orphans: finds what tasks that have ended, or do not exist any more, have left in git. Only
-- what is certainly ours counts. Changes nothing; janitor.lua puts away what is found.

local branches = require "agentlua.work.branch"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local fields = require "agentlua.fields"

local M = {}

local id8_pattern = ("%x"):rep(8)

local function table_or_nil(value) return type(value) == "table" and value or nil end

-- ---- what there is --------------------------------------------------------------------------------

-- Files that may be tasks and could not be read, set aside ones too.
local function unread_files(p)
  local found = {}
  local function add(dir, name)
    found[#found + 1] = { name = name, where = dir .. "/" .. name, text = core.fs.read(dir .. "/" .. name) or "" }
  end
  for _, problem in ipairs(errors.check(p.store:problems(true))) do
    add(p.tasks_dir .. "/" .. problem.status, problem.file)
  end
  local aside = p.tasks_dir .. "/.quarantine"
  for _, name in ipairs(errors.check(core.fs.list(aside))) do
    if not name:find "%.reason$" then add(aside, name) end
  end
  return found
end

-- Where the file is that may be the task `id8`; nil when none of them can be.
local function unread_task(unread, id8)
  for _, file in ipairs(unread) do
    local other = file.name:match("%-(" .. id8_pattern .. ")%.json$") or file.text:match('"id8"%s*:%s*"(%x+)"')
    if not other or other == id8 or file.text:find(id8, 1, true) then return file.where end
  end
end

-- A Lua pattern that takes the id8 out of names that the configured pattern makes; nil when it has none.
local function branch_pattern(pattern)
  if not pattern:find("{id8}", 1, true) then return nil end
  local escaped = pattern:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
  return "^" .. escaped:gsub("{(%w+)}", function(key) return key == "id8" and "(" .. id8_pattern .. ")" or ".*" end)
    .. ".*$"
end

-- A path whose last part is not resolved: a link there is not what a task remembers.
local function place_of(path)
  local parent, name = path:match "^(.*)/([^/]+)/*$"
  return parent and core.fs.realpath(parent) .. "/" .. name or path
end

-- Notes who remembers something. A task whose work is wanted counts more than one that has ended.
local function remember(index, key, task, known)
  if type(key) ~= "string" or index[key] and not fields.ended[index[key].task.status] then return end
  index[key] = { task = task, known = known }
end

-- All that is looked at: tasks by what they remember, worktrees, unreadable files.
local function survey(p)
  local s = {
    p = p, repo = p:repo(), by_path = {}, by_branch = {}, by_id8 = {}, unread = unread_files(p),
    pattern = branch_pattern(p.config.branch), dir = core.fs.realpath(p:worktrees_dir()),
  }
  for _, task in ipairs(errors.check(p.store:list())) do
    s.by_id8[fields.id8(task)] = task
    for _, field in ipairs { "worktree", "analysis_worktree" } do
      local known = table_or_nil(task[field])
      if known and type(known.path) == "string" then remember(s.by_path, place_of(known.path), task, known) end
      if known then remember(s.by_branch, known.branch, task, known) end
    end
  end
  return s
end

-- Whether what belongs to a task (nil: none is known) may go, and why or why not.
local function verdict(s, task, id8)
  if task then
    if errors.check(s.p.store:is_owned(task.id)) then return false, "its task is being worked on" end
    local ended = fields.ended[task.status] or false
    return ended, "its task is " .. (ended and "" or "in ") .. task.status
  end
  if not id8 then return false, "no task can be told from its name" end
  local file = unread_task(s.unread, id8)
  if file then return false, "its task may be " .. file .. ", which cannot be read" end
  return true, "its task does not exist any more"
end

-- ---- what is found ----------------------------------------------------------------------------------

local function worktree_finding(s, tree)
  local parent, name = tree.path:match "^(.*)/([^/]*)$"
  local remembered = s.by_path[tree.path]
  local locked = tree.reason:find "^used by agentlua" or tree.reason:find "^kept by agentlua"
  local fits = parent == s.dir and s.pattern and tree.branch:match(s.pattern)
  if not (locked or fits) then return nil end -- made by somebody else, whatever a task says
  local id8 = name:match("^(" .. id8_pattern .. ")%-")
  local task = remembered and remembered.task or s.by_id8[id8]
  local known = remembered and remembered.known or {}
  local at = s.repo:worktree_find(tree.path, known.git_dir)
  local go, reason = verdict(s, task, id8)
  local tasks = at and core.fs.read(at.git_dir .. "/agentlua-tasks") or s.p.tasks_dir
  if not task and tasks ~= s.p.tasks_dir then go, reason = false, "its tasks are in " .. tasks end
  return {
    kind = "worktree", name = tree.path, task = task, id8 = task and fields.id8(task) or id8, go = go, reason = reason,
    known = known.path and known or { path = tree.path, branch = tree.branch },
  }
end

-- Worktrees in git's list, and those that only tasks know of: an agent can hide one from git.
local function find_worktrees(s, add, taken)
  local seen = {}
  local function look_at(tree)
    local finding = worktree_finding(s, tree)
    if not finding then return end
    taken[finding.known.branch or ""] = true -- goes or stays with its worktree
    add(finding)
  end
  for i, tree in ipairs(errors.check(s.repo:worktrees())) do
    seen[tree.path], taken[tree.branch] = true, true
    if i > 1 then look_at(tree) end
  end
  for path, remembered in pairs(s.by_path) do
    if not seen[path] and core.fs.stat(path) then
      look_at { path = path, branch = remembered.known.branch or "", reason = "" }
    end
  end
end

-- Branches of which the event log tells that we have made them.
local function made_branches(p)
  local made = {}
  for event in events.read(p.dir .. "/events.jsonl") do
    if event.type == "worktree_made" and event.branch then made[event.branch] = true end
  end
  return made
end

local function find_branches(s, add, taken)
  local made = made_branches(s.p)
  for _, ref in ipairs(errors.check(s.repo:refs "refs/heads/")) do
    local branch = ref:sub(#"refs/heads/" + 1)
    local remembered, id8 = s.by_branch[branch], s.pattern and branch:match(s.pattern)
    local ours = made[branch] or remembered and branches.belongs(s.p.config.branch, remembered.task, branch)
    if not taken[branch] and ours and (remembered or id8) then
      local task = remembered and remembered.task or s.by_id8[id8]
      local go, reason = verdict(s, task, id8)
      add {
        kind = "branch", name = branch, task = task, id8 = task and fields.id8(task) or id8, go = go, reason = reason,
        known = remembered and remembered.known or {},
      }
    end
  end
end

local function find_old_refs(s, add)
  local days = s.p.config.keep_days
  if not days then return end
  for _, kind in ipairs { "saved", "checkpoint", "rescue" } do
    for _, ref in ipairs(errors.check(s.repo:dated_refs { prefix = "refs/agentlua/" .. kind .. "/" })) do
      local age = (core.time.now() - ref.moved) / 86400
      local task = s.by_id8[ref.ref:match("^refs/agentlua/%a+/([^/]+)")]
      local owned = task and errors.check(s.p.store:is_owned(task.id))
      if age > days then
        add {
          kind = "ref", name = ref.ref, commit = ref.commit, task = task, go = not owned,
          reason = owned and "its task is being worked on" or ("%d days old, keep_days is %g"):format(age // 1, days),
        }
      end
    end
  end
end

--- What is left of tasks: {kind = "worktree" | "branch" | "ref", name, task?, id8?, go, reason}.
--- `go`: it may be put away; else the reason says why it stays. Changes nothing.
function M.find(p)
  local found, taken, s = {}, {}, survey(p)
  local function add(finding) found[#found + 1] = finding end
  find_worktrees(s, add, taken)
  find_branches(s, add, taken)
  find_old_refs(s, add)
  table.sort(found, function(a, b)
    if a.kind ~= b.kind then return a.kind > b.kind end
    return a.name < b.name
  end)
  return found
end

return M
