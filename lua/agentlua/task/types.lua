-- agentlua.task.types: what the `type` of a task asks for: an agent, a program of the project, a tool, or nothing.
-- Methods of a project.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"
local import = require "agentlua.import"
local mcp = require "agentlua.mcp"
local program = require "agentlua.attempt.program"

local M = {}

local function is_prompt_file(name) return type(name) == "string" and name:find "%.md$" ~= nil end

-- A generator that names a prompt instead of a program is done by an agent.
local function type_of(task)
  local kind = task.type or "prompt"
  return kind == "task_gen" and not task.script_path and is_prompt_file(task.prompt) and "prompt_template" or kind
end

local function failed(reason) return { ending = "done", reason = reason } end

-- ---- tasks for agents -------------------------------------------------------------------------------

--- True when an agent does a task; else perform() does it.
function M.needs_agent(_, task)
  local kind = type_of(task)
  return kind == "prompt" or kind == "prompt_template"
end

--- What an agent is told to do: execute.md, or the template of a task of type prompt_template. Raises
--- ENOPROMPT, EPROMPT.
function M.task_prompt(project, task)
  if type_of(task) ~= "prompt_template" then return project:prompt("execute", task) end
  if type(task.prompt) ~= "string" then
    errors.check(nil, "a task of type prompt_template needs the field prompt, the path of its template", "ENOPROMPT")
  end
  local path = errors.check(project:task_file(task, task.prompt, project.root))
  return project:prompt({ path = path, text = errors.check(core.fs.read(path)) }, task)
end

--- The directory that a task is worked on in: `working_dir` below its checkout. Raises when it is none.
function M.working_dir(_, task, tree) return errors.check(program.directory_of(task, tree.path)) end

--- True when an agent has said something with its analysis; else what it is told.
function M.accept_analysis(_, task, result)
  if result.state.analysis or result.text:find "%S" then return true end
  return false, "It ended without an analysis. Write it to a file and give it: agentlua task analysed " .. task.id
    .. " FILE"
end

--- Analysed without an agent: `skip_analysis`, and types that no agent works on. Returns nil for others.
---@return { status: string, promoted: boolean }?
function M.promote(project, task)
  if project:needs_agent(task) and task.skip_analysis ~= true then return nil end
  local why = task.skip_analysis == true and "skip_analysis is set" or "tasks of type " .. task.type .. " need none"
  local now = core.time.iso()
  local result = project:move(task, "analysed", {
    analysis = { summary = "Not analysed: " .. why, auto_promoted = true, analysed_at = now, analysed_by = "agentlua" },
    analysis_completed_at = now,
  })
  result.promoted = true
  return result
end

-- ---- tasks for nobody -------------------------------------------------------------------------------

-- Tasks that a generator has printed, as `agentlua task import` reads them. Ids are the same when it runs again.
local function add_printed(project, task, log)
  local text = core.fs.read(log) or ""
  if not text:find "^%s*[%[{]" then return true end
  local ok, problem = errors.try(function()
    local items = import.read("the output of '" .. task.name .. "'", text)
    for i, item in ipairs(items) do
      local new = item.task
      if type(new) == "table" and new.id == nil then
        new.id = core.text.sha256(("%s %d %s"):format(task.id, i, tostring(new.name))):sub(1, 32)
      end
      if type(new) == "table" and new.workflow == nil then new.workflow = task.workflow end
    end
    for _, item in ipairs(import.choose(items, project.store, true)) do import.add(item, project.store) end
  end)
  if not ok and not errors.is(problem) then error(problem, 0) end
  return ok, not ok and problem.message or nil
end

-- Runs the program of a task. The tasks that a generator prints are there before it is done, so that a crash
-- loses none; they may depend on it.
local function run_script(project, task, run, path, cwd)
  local result = project:run_program(task, run, path, cwd)
  if not result.ok or task.type ~= "task_gen" then return result end
  local ok, problem = add_printed(project, task, result.log)
  return ok and result or failed(problem)
end

-- In the main checkout, as a person would run it. Nothing is landed.
local function script_in_checkout(project, task, run)
  local path, problem = project:task_file(task, task.script_path, project.root)
  if not path then return project:give_up(task, nil, failed(problem)) end
  local result = run_script(project, task, run, path, project:working_dir(task, { path = project.root }))
  if not result.ok then return project:give_up(task, nil, result) end
  return project:finish(task)
end

-- In a worktree, verified and landed like the work of an agent. It may have changed nothing.
local function script_in_worktree(project, task, run)
  local tree <close> = project:worktree(task)
  local top = core.fs.realpath(tree.path)
  local path, problem = project:task_file(task, task.script_path, top)
  if path and project:is_changed(tree, path:sub(#top + 2)) then
    path, problem = nil, ("'%s' is not as it is on '%s'; put it back, or agentlua task restart"):format(
      task.script_path, tree.base)
  end
  if not path then return project:give_up(task, tree, failed(problem)) end
  local result = run_script(project, task, run, path, project:working_dir(task, tree))
  if not result.ok then return project:give_up(task, tree, result) end
  local good, feedback = project:verify(task, tree)
  if not good then
    return project:give_up(task, tree, run.stopping and { ending = "stopped" } or failed(feedback))
  end
  tree.may_be_empty = true
  return project:land(task, tree)
end

local perform = {}

function perform.script(project, task, run)
  if type(task.script_path) ~= "string" then
    return project:give_up(task, nil, failed("a task of type " .. task.type .. " needs the field script_path"))
  end
  if task.skip_worktree == true then return script_in_checkout(project, task, run) end
  return script_in_worktree(project, task, run)
end

perform.task_gen = perform.script

-- Calls a tool of agentlua's or the user's, here.
function perform.mcp(project, task)
  local args = type(task.mcp_args) == "table" and task.mcp_args or {}
  local result, message = mcp.call(project, task.mcp_tool, args, { task = task })
  if result == nil then return project:give_up(task, nil, failed(message)) end
  return project:finish(task)
end

-- A point where others meet: its dependencies are done, and so is it.
function perform.barrier(project, task) return project:finish(task) end

--- Does a task that needs no agent.
---@return { status: string, reason: string? }
function M.perform(project, task, run)
  local how = perform[type_of(task)]
  if how then return how(project, task, run) end
  return project:give_up(task, nil, failed(("there is no type '%s' of task; there are: %s"):format(
    core.text.printable(task.type), table.concat(fields.types, " "))))
end

return M
