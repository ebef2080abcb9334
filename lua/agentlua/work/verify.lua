-- agentlua.work.verify: what counts as done: the commands of the configuration, and checks of the work itself.
-- Methods of a project.

local checks = require "agentlua.work.checks"
local core = require "agentlua.core"
local environment = require "agentlua.attempt.environment"
local errors = require "agentlua.errors"
local place = require "agentlua.place"
local sandbox = require "agentlua.attempt.sandbox"

local M = {}

-- Checks that are made unless `verify` lists them itself, e.g. with another `required`.
local always = {
  { check = "secrets" }, { check = "conflict_markers" }, { check = "home_paths", required = false },
}

-- Most findings of a check that are told.
local most_findings = 20

-- The work in a worktree, as checks look at it: what is looked at is read once.
local function work_in(project, tree)
  local repo, work, found = project:repo(), { secrets = environment.secrets(project) }, {}
  local function once(name, read)
    work[name] = function()
      if found[name] == nil then found[name] = read() end
      return found[name]
    end
  end
  once("now", function()
    return errors.check(repo:snapshot { at = tree.at, exclude = core.json.array(project:state_paths()) })
  end)
  once("from", function()
    local base, tip = repo:resolve("refs/heads/" .. tree.base), repo:resolve("HEAD", tree.at)
    return base and tip and repo:merge_base(base, tip) or tree.base_commit
  end)
  once("files", function() return errors.check(repo:diff { from = work.from(), to = work.now() }) end)
  once("patch", function() return errors.check(repo:diff { from = work.from(), to = work.now(), text = true }) end)
  once("status", function() return errors.check(repo:status { at = tree.at }) end)
  return work
end

local function has(list, value)
  for _, one in ipairs(type(list) == "table" and list or { list }) do
    if one == value then return true end
  end
  return false
end

-- Whether a check is to be made: `when` = {category =, not_category =, paths = globs of changed files}.
local function applies(check, task, work)
  local when = check.when or {}
  if when.category and not has(when.category, task.category) then return false end
  if when.not_category and has(when.not_category, task.category) then return false end
  for _, glob in ipairs(when.paths or {}) do
    for _, file in ipairs(work.files()) do
      if core.text.glob(glob, file.path) then return true end
    end
  end
  return not when.paths
end

-- True when a file of the worktree is not what the base has.
local function is_changed(project, tree, work, name)
  for _, file in ipairs(work.files()) do
    if file.path == name then return true end
  end
  return #errors.check(project:repo():ignored { at = tree.at, paths = core.json.array { name } }) > 0
end

--- The same, for a path relative to the worktree.
function M.is_changed(project, tree, name) return is_changed(project, tree, work_in(project, tree), name) end

-- A program in the worktree judges only as it is on the base: nobody judges his own work. A person who lands it
-- has looked.
local function is_own_judge(project, tree, work, program)
  if not program:find("/", 1, true) or project.options.by_person then return false end
  local path = core.fs.realpath(place.absolute(program, tree.path))
  local name = path and place.below(path, core.fs.realpath(tree.path))
  return name and is_changed(project, tree, work, name)
end

local function run_command(project, run, task, tree, work, check)
  if is_own_judge(project, tree, work, check.argv[1]) then
    local why = "'%s' is changed by this work, so it cannot judge it. Put it back; or a person lands the work."
    return { code = -1, stdout = why:format(check.argv[1]) }
  end
  local argv = table.move(check.argv, 1, #check.argv, 1, {
    cwd = tree.path, stderr = "merge", timeout = check.timeout or 1800,
    env = environment.of(run, task),
    launcher = sandbox.launcher(run, task, tree.path, check.argv[1]),
  })
  local result, message = run:command(task, argv)
  return result or { code = -1, stdout = message }
end

local function look(work, check)
  local lines, found = {}, checks[check.check](work)
  for i = 1, math.min(#found, most_findings) do
    lines[i] = ("%s:%d: %s"):format(found[i].path, found[i].line, found[i].what)
  end
  if #found > most_findings then lines[#lines + 1] = ("and %d more"):format(#found - most_findings) end
  return { code = #found == 0 and 0 or 1, stdout = table.concat(lines, "\n"), seconds = 0 }
end

-- All checks for a task, those of the configuration first.
local function wanted(project, task, work)
  local list, listed = {}, {}
  for _, check in ipairs(project.config.verify) do
    if check.check then listed[check.check] = true end
    if applies(check, task, work) then list[#list + 1] = check end
  end
  for _, check in ipairs(always) do
    if not listed[check.check] then list[#list + 1] = check end
  end
  return list
end

--- Makes the checks of config.lua in a worktree, and those of the work itself. Commands come from the trusted
--- configuration, never from the tree. Evidence is kept in the task.
---@return boolean ok, string? feedback  for the next attempt: which check failed and its output
function M.verify(project, task, tree)
  local run, evidence, failures, work = project.run, core.json.array(), {}, work_in(project, tree)
  for i, check in ipairs(wanted(project, task, work)) do
    local name = check.name or check.check or table.concat(check.argv, " ")
    local result = check.check and look(work, check) or run_command(project, run, task, tree, work, check)
    local ok, required = result.code == 0, check.required ~= false
    evidence[i] = {
      name = name, code = result.code, bound = result.bound, seconds = result.seconds, required = required,
      output_sha256 = core.text.sha256(result.stdout), time = core.time.iso(),
    }
    run:event("verify_ended", {
      task = task.id, name = name, ok = ok, code = result.code, bound = result.bound, required = required,
    })
    if not ok and required then
      failures[#failures + 1] = ("Verification '%s' failed (%s):\n\n%s"):format(name,
        result.bound and "time limit" or "exit code " .. result.code, result.stdout:sub(-4000))
    end
    if run:halts(task) then return false, "stopped" end
  end
  errors.check(project.store:update(task.id, { verification = evidence }))
  if #failures > 0 then return false, table.concat(failures, "\n\n") end
  return true
end

return M
