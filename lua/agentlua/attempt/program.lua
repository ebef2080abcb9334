-- agentlua.attempt.program: programs and files that tasks name: found below the directory that they belong to, run as
-- attempts or after the landing. Methods of a project.

local agent = require "agentlua.agent"
local attempt = require "agentlua.attempt"
local core = require "agentlua.core"
local environment = require "agentlua.attempt.environment"
local errors = require "agentlua.errors"
local place = require "agentlua.place"

local M = {}

-- Seconds that a program may take whose task does not say it.
local patience = 1800

-- The path of `name` below `top` when it is of a kind there, without links that lead out; else nil.
local function below(top, name, kind)
  if name:find "^/" or ("/" .. name .. "/"):find("/../", 1, true) then return nil end
  local real, root = core.fs.realpath(top .. "/" .. name), core.fs.realpath(top)
  local inside = real and root and (real == root or place.below(real, root))
  return inside and (core.fs.stat(real) or {}).type == kind and real or nil
end

-- Worktrees may be below the project; what is in them is not the project's yet.
local function is_unlanded(project, path)
  local dir = core.fs.realpath(project:worktrees_dir())
  return dir and place.below(path, dir)
end

--- A file that a task names: relative to the project, to the directory of its workflow, or to dotbot's.
--- `top`: the checkout to look in.
---@return string path | nil, string message
function M.task_file(project, task, name, top)
  local dirs = { "" }
  if type(task.workflow_dir) == "string" then dirs[2] = task.workflow_dir .. "/" end
  if project.dotbot then dirs[#dirs + 1] = ".bot/" end
  for _, dir in ipairs(dirs) do
    local path = below(top, dir .. name, "file")
    if path and not (top == project.root and is_unlanded(project, path)) then return path end
  end
  return nil, ("'%s' is not a file of the %s"):format(core.text.printable(name),
    top == project.root and "project" or "task's checkout; commit it to the base, or give the task skip_worktree")
end

--- The directory that a task is worked on in: `working_dir` below its checkout `top`, else that.
---@return string path | nil, string message
function M.directory_of(task, top)
  local name = task.working_dir
  if type(name) ~= "string" or name == "" or name == "." then return top end
  local path = below(top, name, "directory")
  if path then return path end
  return nil, ("working_dir '%s' is not a directory below the task's checkout"):format(core.text.printable(name))
end

-- How a program ended, as a sentence.
local function ending_of(name, result)
  if result.bound then return ("'%s' was ended: its %s limit was reached"):format(name, result.bound) end
  local last = result.reason and result.reason ~= "" and ": " .. result.reason or ""
  local how = result.exit_code == -1 and "could not be started" or "failed with exit code " .. result.exit_code
  return ("'%s' %s%s"):format(name, how, last)
end

--- Runs a program as an attempt of a task: exit code 0 is done, anything else failed, with a reason for people.
--- What it prints is kept in the files of the attempt.
---@return table result as of attempt.run()
function M.run_program(project, task, run, path, cwd)
  local name = path:match "[^/]*$"
  if core.fs.stat(path).mode & 73 == 0 then -- 73: octal 111
    return { ok = false, ending = "done", reason = ("'%s' is not executable; chmod +x"):format(path) }
  end
  local backend = agent.load(path, project)
  backend.name, backend.decode = name, function() end
  local result = attempt.run(run, task, {
    agent = backend, cwd = cwd, phase = "script", prompt = "", timeout = task.timeout,
  })
  if not result.ok and (result.ending == "crash" or result.ending == "killed" or result.ending == "timeout") then
    result.reason, result.ending = ending_of(name, result), "done"
  end
  return result
end

-- Runs the post_script; nil, or why it did not do its work.
local function run_post_script(project, task, run, files)
  local path, problem = M.task_file(project, task, task.post_script, project.root)
  if not path then return problem end
  for _, file in ipairs(files or {}) do
    if core.fs.realpath(project.root .. "/" .. file.path) == path then
      return ("'%s' is changed by this work itself; look at it and run it by hand"):format(task.post_script)
    end
  end
  local result, message = run:command(task, {
    path, cwd = project.root, env = environment.of(run, task), stderr = "merge",
    timeout = task.timeout or patience,
  })
  if not result then return message end
  if result.code ~= 0 or result.bound then
    return ending_of(task.post_script, {
      bound = result.bound, exit_code = result.code, reason = result.stdout:sub(-500):match "([^\n]*)\n*$",
    })
  end
end

--- Runs the `post_script` of a task that is done, in the main checkout. Its failure changes nothing of the task:
--- it is an event, and a trouble of the run. One that the work itself has changed is not run.
---@param files { path: string }[]? what was landed
---@param result table gets `trouble`
function M.after_done(project, task, files, result)
  local run = project.run
  if type(task.post_script) ~= "string" or not run then return end
  local problem = run_post_script(project, task, run, files)
  if not problem then return end
  run:event("post_script_failed", { task = task.id, script = task.post_script, reason = problem })
  errors.warn(("post_script of '%s': %s"):format(task.name, problem))
  result.trouble = true
end

return M
