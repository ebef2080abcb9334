-- agentlua test [FILE]

local cli = require "agentlua.cli"
local config = require "agentlua.config"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local place = require "agentlua.place"
local trial = require "agentlua.trial"

-- The project of the current directory, when it has one; its code runs, so it must be trusted.
local function project_here()
  local at = place.find "."
  if not at or not core.fs.stat(at.dir) then return nil end
  if not cli.trusted_dir() then
    errors.usage("EUNTRUSTED", ("the .agentlua of '%s' is not trusted; read it, then run: agentlua trust"):format(
      at.root))
  end
  return at
end

-- The script as the run in another directory finds it: a path is of here, a name is looked for there.
local function script_path(name)
  if not name:find("/", 1, true) then return name end
  errors.check_usage(core.fs.read(name))
  return core.fs.realpath(name)
end

-- What became of a task, as {name, status, attempts = endings, reason}.
local function told(task)
  local attempts = core.json.array()
  for i, entry in ipairs(type(task.attempts) == "table" and task.attempts or {}) do
    attempts[i] = entry.ending or "not ended"
  end
  local reason = type(task.reason) == "string" and task.reason or nil
  return { name = task.name, status = task.status, attempts = attempts, reason = reason }
end

local function show(script, rows, result)
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = {
      row.name, row.status, #row.attempts == 0 and "never tried"
        or ("%d attempt%s: %s"):format(#row.attempts, #row.attempts == 1 and "" or "s",
          table.concat(row.attempts, ", ")),
      row.reason or "",
    }
  end
  cli.print_table(lines)
  for _, one in ipairs(result.hooks) do print(core.text.printable(("hook %s: %s"):format(one.hook, one.error))) end
  print(("%s: %s"):format(core.text.printable(script), result.ok and "well"
    or result.bound and "took too long, and was stopped" or "not well (exit code " .. result.code .. ")"))
end

-- Well: the loop ended well, no task failed and no hook did, and every task was tried that could be.
local function is_well(tasks, rows, result)
  local well, done = result.code == 0 and not result.bound and #result.hooks == 0, {}
  for i, row in ipairs(rows) do
    done[row.name] = row.status == "done"
    local needed = tasks[i].dependencies and tasks[i].dependencies[1]
    local could = not needed or done[needed]
    well = well and row.status ~= "failed" and (#row.attempts > 0 or not could)
  end
  return well
end

local function try(at, args)
  local script = script_path(args.file or "execute.lua")
  local options = {
    agent = args.agent or "demo", transcript = args.transcript, verify = args.verify, keep = args.keep,
    verbose = args.verbose, require_analysis = at and config.load(at.dir .. "/config.lua").require_analysis,
  }
  local one <close> = trial.make(at, options)
  local signal
  local listening <close> = fiber.on("INT", function()
    signal = 2
    one:stop()
  end, true)
  local result, rows = one:run(script, options), {}
  for i, task in ipairs(result.tasks) do rows[i] = told(task) end
  result.ok = is_well(result.tasks, rows, result)
  if args.json then
    print(core.json.dump({
      ok = result.ok, code = result.code, tasks = rows, hooks = core.json.array(result.hooks),
    }, 2))
  else
    show(script, rows, result)
  end
  if args.keep then errors.warn("kept: " .. one.top) end
  return signal and 128 + signal or result.ok and 0 or 1
end

return {
  summary = "try a loop on a few tasks in a repository that is thrown away, with the demo agent",
  configure = function(parser)
    parser:argument("file", "a loop: a name like execute.lua, or a path"):args "?"
    parser:option("--agent", "another agent than demo"):argname "NAME"
    parser:option("--transcript", "what the agent said once, instead of running it"):argname "FILE"
    parser:flag("--verify", "run the project's own verify and setup commands, on a clone of what is committed")
    parser:flag("--keep", "leave the repository there, to look at")
    parser:flag("--verbose", "show what the run prints")
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    if args.transcript then
      errors.check_usage(core.fs.read(args.transcript))
      if not args.agent then
        errors.usage("EUSAGE", "--transcript needs --agent NAME: the agent whose output the file has")
      end
    end
    return fiber.run(try, project_here(), args)
  end,
}
