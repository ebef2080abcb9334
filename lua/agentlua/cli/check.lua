-- agentlua check [FILE...]

local check = require "agentlua.check"
local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local place = require "agentlua.place"
local project = require "agentlua.project"

-- The Lua files of an .agentlua, sorted.
local function files_of(dir)
  local found = {}
  for _, name in ipairs { "config.lua", "hooks.lua" } do
    if core.fs.stat(dir .. "/" .. name) then found[#found + 1] = dir .. "/" .. name end
  end
  for _, sub in ipairs { "scripts", "agents", "lua" } do
    for _, name in ipairs(core.fs.list(dir .. "/" .. sub) or {}) do
      if name:match "%.lua$" then found[#found + 1] = ("%s/%s/%s"):format(dir, sub, name) end
    end
  end
  return found
end

-- Renders the project's own prompts for a task that there is not; a mistake in one is a finding.
local function check_prompts(dir, findings)
  local names = {}
  for _, name in ipairs(core.fs.list(dir .. "/prompts") or {}) do names[#names + 1] = name:match "^(.*)%.md$" end
  if #names == 0 then return end
  if not cli.trusted_dir() then
    errors.warn "the prompts are not checked before agentlua trust"
    return
  end
  local ok, p = errors.try(project.open, { options = {} })
  if not ok then return end -- config.lua has a mistake, which is told
  local id = core.text.uuid()
  local task = { id = id, name = "check", status = "todo", file = id .. ".json" }
  for _, name in ipairs(names) do
    local good, problem = errors.try(p.prompt, p, name, task, { INTERRUPTED = "", FAILURE = "" })
    if not good and problem.code ~= "EPROMPT" then error(problem, 0) end
    if not good then
      local file, line, message = problem.message:match "^(.-):(%d+): (.*)$"
      findings[#findings + 1] = {
        file = file, line = math.tointeger(tonumber(line)), column = 1, message = message,
      }
    end
  end
end

-- Checks a file; true when it is no Lua, which is said.
local function check_file(path, dir, findings)
  local found, problem = check.source(errors.check_usage(core.fs.read(path)), path, dir)
  table.move(found or {}, 1, found and #found or 0, #findings + 1, findings)
  if not found then errors.warn(problem) end
  return not found
end

local function show(findings, json)
  if json then return print(core.json.dump(core.json.array(findings), 2)) end
  for _, one in ipairs(findings) do
    print(core.text.printable(("%s:%d:%d: %s"):format(one.file, one.line, one.column, one.message)))
  end
end

return {
  summary = "find misspelt names in scripts, settings, hooks, backends and prompts; runs none of them",
  configure = function(parser)
    parser:argument("file", "Lua files; the project's own when left out"):args "*"
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    local findings, broken, files = {}, false, args.file
    local at = place.find "."
    if #files == 0 then
      if not at or not core.fs.stat(at.dir) then
        errors.usage("ENOPROJECT", "no file was named, and there is no .agentlua here; agentlua check FILE.lua")
      end
      files = files_of(at.dir)
      check_prompts(at.dir, findings)
    end
    for _, path in ipairs(files) do broken = check_file(path, at and at.dir, findings) or broken end
    show(findings, args.json)
    return broken and 2 or #findings > 0 and 1 or 0
  end,
}
