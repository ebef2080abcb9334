-- agentlua.import.workflow: the tasks of a workflow manifest (workflow.json).

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local function fail(where, problem)
  errors.usage("EINVAL", ("%s %s; nothing was imported"):format(where, problem))
end

-- Fields that a manifest calls otherwise than a task does. An entry's `workflow` is its prompt file.
local renamed = { depends_on = true, workflow = true, script = "script_path" }

local function fields_of(entry, manifest)
  local task = { description = entry.name, category = "workflow", effort = "XS", type = "prompt" }
  for key, value in pairs(entry) do
    local name = renamed[key] or key
    if name ~= true and type(value) ~= "userdata" then task[name] = value end
  end
  local prompt = type(entry.workflow) == "string" and entry.workflow:find "%.md$" and entry.workflow
  if prompt then
    task.prompt = "recipes/prompts/" .. prompt
    if task.type == "task_gen" then task.type = "prompt_template" end
  end
  if task.skip_analysis == nil then task.skip_analysis = task.type ~= "prompt" end
  task.workflow = manifest.name
  return task
end

-- Names become ids, so that a workflow that is run again does not wait for its earlier tasks. What
-- the manifest does not have may be a task that is there already, and stays a name.
local function dependencies(entry, ids, where)
  local wanted = entry.depends_on
  if wanted == nil or type(wanted) == "userdata" then wanted = entry.dependencies end
  if wanted == nil or type(wanted) == "userdata" then wanted = {} end
  local list = core.json.array()
  for i, name in ipairs(type(wanted) == "table" and wanted or { wanted }) do
    if type(name) ~= "string" then fail(where, '"depends_on" is not a list of names') end
    list[i] = ids[name:lower()] or ids[core.text.match_slug(name)] or name
  end
  return list
end

--- Items for agentlua.import, from a parsed manifest that errors call `name`.
function M.items(manifest, name)
  if type(manifest.name) ~= "string" or not manifest.name:find "%S" then
    fail(name, 'has "tasks" but no "name"; a workflow needs one')
  end
  local items, ids, names = {}, {}, {}
  for i, entry in ipairs(manifest.tasks) do
    local where = ("task %d of %s"):format(i, name)
    if type(entry) ~= "table" or type(entry.name) ~= "string" then fail(where, 'has no "name"; give it one') end
    local key = entry.name:lower()
    if names[key] then fail(where, ("has the name '%s', as has task %d; rename one"):format(entry.name, names[key])) end
    names[key] = i
    local task = fields_of(entry, manifest)
    task.id = task.id or core.text.uuid()
    items[i] = { task = task, where = where }
    for _, alias in ipairs { core.text.match_slug(entry.name), key, type(task.id) == "string" and task.id:lower() } do
      if alias then ids[alias] = task.id end
    end
  end
  for i, item in ipairs(items) do
    item.task.dependencies = dependencies(manifest.tasks[i], ids, item.where)
  end
  return items
end

return M
