-- agentlua.attempt.tripwire: what an agent does beside its task. What git may start is recorded before the first
-- agent of a run and is all that git starts until the run is over; refs that are not the agent's own are
-- put back; what cannot be told from the user's own doing is reported.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local siblings = require "agentlua.attempt.siblings"
local state = require "agentlua.state"

local M = {}

-- ---- what git may start -------------------------------------------------------------------------------

-- Outside of the project: the record outlives a run that died, and what changed meanwhile.
local function record_path(project)
  return ("%s/git/%s.json"):format(state.dir(), core.text.sha256(core.fs.realpath(project.dir)))
end

--- The record that is in force, or nil.
function M.record(project) return core.fs.read(record_path(project)) end

--- Forgets the record: what is configured now counts from now on.
function M.forget(project) core.fs.remove(record_path(project)) end

--- Before the first agent of a run: records what git may start, unless a record is in force already.
--- Says what has changed since that was made.
function M.arm(project)
  local repo = project:repo()
  if not repo.trusted then
    repo.trusted = errors.check(repo:record())
    errors.check(core.fs.mkdir(state.dir() .. "/git"))
    errors.check(core.fs.write { path = record_path(project), content = repo.trusted, mode = 384 })
    return
  end
  local changed = errors.check(repo:changed())
  if #changed > 0 then
    errors.warn(("git settings that changed while agents ran are not used: %s; if they are yours: agentlua trust")
      :format(table.concat(changed, ", ")))
  end
end

--- After a run, when it was the last: the record goes unless something waits to be looked at.
function M.disarm(project)
  local changed = project:repo():changed()
  if changed and #changed == 0 then M.forget(project) end
end

-- ---- what an agent did --------------------------------------------------------------------------------

-- Scripts, prompts and configuration of the project: path -> SHA-256.
local function code_of(project)
  local found = {}
  local function look(path)
    local info = core.fs.stat(path)
    if not info then return end
    if info.type == "file" then
      found[path] = core.text.sha256(core.fs.read(path) or "")
    elseif info.type == "directory" then
      for _, name in ipairs(core.fs.list(path)) do look(path .. "/" .. name) end
    end
  end
  for _, name in ipairs { "config.lua", "hooks.lua", "scripts", "prompts", "lua" } do
    look(project.dir .. "/" .. name)
  end
  return found
end

--- Committer name of an agent: `who` ("Name <email>") with the task, so that reflogs tell what it moved.
function M.mover(who, task)
  return ("%s (agentlua %s)"):format(who:match "^(.-)%s*<" or who, fields.id8(task))
end

--- What is there before an attempt on a task.
function M.before(project, task)
  return {
    refs = errors.check(project:repo():ref_values()), code = code_of(project), siblings = siblings.look(project, task),
  }
end

local function branches_of(task)
  local own = {}
  for _, field in ipairs { "worktree", "analysis_worktree" } do
    if type(task[field]) == "table" and task[field].branch then own["refs/heads/" .. task[field].branch] = true end
  end
  return own
end

-- Branches of tasks come and go with them.
local function of_a_task(project, ref)
  local prefix = "refs/heads/" .. project.config.branch:match "^[^{]*"
  return #prefix > #"refs/heads/" and ref:sub(1, #prefix) == prefix
end

local function check_refs(project, task, before, report)
  local repo, own = project:repo(), branches_of(task)
  local now = errors.check(repo:ref_values())
  for ref, value in pairs(before.refs) do
    local ours = own[ref] or ref:find "^refs/agentlua/" or ref == "refs/stash" or of_a_task(project, ref)
    if not ours and now[ref] ~= value then
      local moved = {
        ref = ref, before = value, now = now[ref] or "", mover = M.mover(project.identity, task),
        rescue = ("refs/agentlua/rescue/%s/%s"):format(project.run.id, (ref:gsub("^refs/", ""))),
      }
      local plain = not value:find "^ref: " and not (now[ref] or ""):find "^ref: "
      if ref == "HEAD" then
        report("head", { ref = ref, before = value, now = now[ref] })
      elseif not now[ref] then -- with a ref its log goes, so nobody knows who
        if plain then errors.check(repo:update_ref { ref = moved.rescue, commit = value }) end
        report("ref deleted", { ref = ref, before = value, rescue = plain and moved.rescue or nil })
      elseif plain and errors.check(repo:put_back_ref(moved)) then
        report("ref put back", moved)
      end
    end
  end
end

local function check_code(project, before, report)
  local now = code_of(project)
  for path, digest in pairs(now) do
    if before.code[path] ~= digest then report("code", { path = path }) end
  end
  for path in pairs(before.code) do
    if not now[path] then report("code", { path = path }) end
  end
end

--- Looks at what an attempt has left: events of the kind tripwire, and a line on stderr for what is known to
--- be the agent's. `task.suspect` is then why its work waits for a person.
function M.after(project, task, before)
  local run = project.run
  run.tripped = run.tripped or {}
  local function report(what, found)
    local name = found.ref or found.path or found.setting
    local again = found.again
    if run.tripped[what .. name] and not again then return end
    run.tripped[what .. name] = true
    found.what, found.task, found.again = what, task.id, nil
    project:event("tripwire", found)
    if again and not found.certain then return end -- most of this is the user's own doing
    errors.warn(("while '%s' was worked on: %s: %s%s"):format(task.name, what, name,
      found.rescue and ", kept at " .. found.rescue or ""))
  end
  check_refs(project, task, before, report)
  for _, name in ipairs(errors.check(project:repo():changed())) do
    report("git setting changed, not used", { setting = name })
  end
  check_code(project, before, report)
  siblings.check(project, task, before.siblings, M.mover(project.identity, task), report)
end

return M
