-- agentlua.import: tasks from elsewhere: JSON, task directories, Markdown tables, workflow manifests.
--
-- read() makes items of a source, choose() checks all of them, add() adds them. An item is {task =
-- fields, where = what errors call it}; one of a task directory also has the text of its file, which
-- is copied as it is, because a Lua table does not know the order of its keys.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local markdown = require "agentlua.import.markdown"
local workflow = require "agentlua.import.workflow"

local M = {}

local function is_array(value) return type(value) == "table" and getmetatable(value) ~= nil end

-- ---- reading ------------------------------------------------------------------------------------

-- One object per line. Only when the first line is whole: else it is one value with a mistake in it.
local function read_lines(text, name, problem)
  local items, number = {}, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    if line:find "%S" then
      local where = ("%s line %d"):format(name, number)
      local task, message, code = core.json.parse(line, where)
      if task == nil then errors.usage(code, (#items > 0 and message or problem) .. "; nothing was imported") end
      items[#items + 1] = { task = task, where = where }
    end
  end
  return items
end

local function read_json(text, name)
  local value, message = core.json.parse(text, name)
  if value == nil then
    if not text:find "^%s*%[" then return read_lines(text, name, message) end
    errors.usage("EJSON", message .. "; nothing was imported")
  end
  if type(value) == "table" and is_array(value.tasks) then return workflow.items(value, name) end
  local items = {}
  for i, task in ipairs(is_array(value) and value or { value }) do
    items[i] = { task = task, where = ("task %d of %s"):format(i, name) }
  end
  return items
end

local function read_directory(dir)
  local items, known = {}, false
  for _, status in ipairs(core.store.statuses) do
    local at = dir .. "/" .. status
    local is_there = (core.fs.stat(at) or {}).type == "directory"
    known = known or is_there
    for _, file in ipairs(is_there and errors.check_usage(core.fs.list(at)) or {}) do
      if file:find "^[^.].*%.json$" then
        local path = at .. "/" .. file
        local text = errors.check_usage(core.fs.read(path))
        local task, message, code = core.json.parse(text, path)
        if task == nil then errors.usage(code, message .. "; nothing was imported") end
        items[#items + 1] = { task = task, where = path, text = text, file = file, status = status }
      end
    end
  end
  if not known then
    errors.usage("EINVAL", ("'%s' has no directory named after a status (todo, done, ...); "
      .. "name the one that has them, e.g. .bot/workspace/tasks"):format(dir))
  end
  return items
end

--- The tasks of a file or directory, or of `text`, which errors then call `source`. Raises what is
--- wrong with it, as an error of the user's.
---@return { task: table, where: string }[]
function M.read(source, text)
  if not text and (core.fs.stat(source) or {}).type == "directory" then
    return read_directory((source:gsub("(.)/+$", "%1")))
  end
  local extension = source:lower():match "%.(%w+)$"
  if extension == "yaml" or extension == "yml" then
    errors.usage("EINVAL", ("'%s' is YAML, which is not read; convert it to JSON"):format(source))
  end
  text = text or errors.check_usage(core.fs.read(source))
  local is_table = text:find "^[%s\xef\xbb\xbf]*[^%s{%[\xef\xbb\xbf]" and ("\n" .. text):find "\n%s*|"
  if extension == "md" or extension == "markdown" or (not extension and is_table) then
    return markdown.items(text, source)
  end
  return read_json(text, source)
end

-- ---- checking -----------------------------------------------------------------------------------

-- Text that is one line and means nothing to a terminal.
local function is_line(text) return not text:find "[\t\n]" and core.text.printable(text) == text end

-- Files that a task names are below the directory that they are looked for in.
local function check_paths(task, fail)
  for _, key in ipairs { "script_path", "post_script", task.type == "prompt_template" and "prompt" or nil } do
    local path = task[key]
    if type(path) == "string" and (path:find "^/" or ("/" .. path .. "/"):find("/../", 1, true)) then
      fail(('has "%s": "%s", which leaves its directory; make it a path below'):format(key, path))
    end
  end
  for _, key in ipairs { "worktree", "analysis_worktree" } do
    if type(task[key]) == "table" then
      fail(('has a "%s", which belongs to where it comes from; remove that field'):format(key))
    end
  end
end

local function check_fields(item)
  local task = item.task
  local function fail(problem)
    errors.usage("EINVAL", ("%s %s; nothing was imported"):format(item.where, problem))
  end
  if type(task) ~= "table" or is_array(task) then fail "is not a JSON object; a task is one" end
  if type(task.name) ~= "string" or not task.name:find "%S" then fail 'has no "name"; give it one' end
  if not is_line(task.name) then fail 'has control characters in its "name"; a name is one line of text' end
  if type(task.id) == "userdata" then task.id = nil end
  local id = task.id
  if id == nil and item.file then fail 'has no "id"; give it one' end
  if id ~= nil and (type(id) ~= "string" or #id > 128 or not id:find "^[%w][%w._-]*$") then
    fail(("has the id '%s', which is refused: letters, digits, '.', '_' and '-', at most 128, beginning with a "
      .. "letter or digit"):format(type(id) == "table" and core.json.dump(id) or tostring(id):sub(1, 60)))
  end
  if item.file and not is_line(item.file) then fail "has control characters in its file name; rename it" end
  check_paths(task, fail)
  local status = type(task.status) == "string" and task.status or "todo"
  for _, known in ipairs(core.store.statuses) do
    if item.file or status == known then return end
  end
  fail(("has the status '%s'; there are: %s"):format(status, table.concat(core.store.statuses, " ")))
end

-- A file moves through all status directories under its name, so it must be free in each.
local function check_file(item, store, files)
  local other = files[item.file]
  for _, status in ipairs(core.store.statuses) do
    local path = store.dir .. "/" .. status .. "/" .. item.file
    other = other or core.fs.stat(path) and path
  end
  if other then
    errors.usage("EEXIST", ("%s: the file name is taken by %s; rename it; nothing was imported"):format(
      item.where, other))
  end
  files[item.file] = item.where
end

--- The items that can be added to a store: all of them, or with `skip_existing` those whose ids are
--- not taken. Raises the first thing that is wrong with any.
function M.choose(items, store, skip_existing)
  local taken, here, files, chosen, folded = {}, {}, {}, {}, {}
  for _, task in ipairs(errors.check(store:list())) do
    taken[task.id], folded[task.id:lower()] = true, task.id
  end
  for _, item in ipairs(items) do
    check_fields(item)
    local id = item.task.id
    if id and here[id] then
      errors.usage("EEXIST", ("%s: id '%s' is taken by %s; nothing was imported"):format(
        item.where, id, here[id]))
    end
    local other = id and folded[id:lower()] or id
    if other ~= id then
      errors.usage("EEXIST", ("%s: id '%s' differs from '%s' only in upper and lower case; nothing was imported")
        :format(item.where, id, other))
    end
    if id then here[id], folded[id:lower()] = item.where, id end
    if id and taken[id] then
      if not skip_existing then
        errors.usage("EEXIST", ("%s: id '%s' is taken; --skip-existing passes over what is there; "
          .. "nothing was imported"):format(item.where, id))
      end
    else
      if item.file then check_file(item, store, files) end
      chosen[#chosen + 1] = item
    end
  end
  return chosen
end

-- ---- adding -------------------------------------------------------------------------------------

--- Adds an item that choose() has let through; returns the task.
function M.add(item, store)
  if item.file then
    local path = store.dir .. "/" .. item.status .. "/" .. item.file
    errors.check_usage(core.fs.write { path = path, content = item.text, create_only = true })
    item.task.status, item.task.file = item.status, item.file
    return item.task
  end
  item.task.id8 = nil -- short names are unique in a store, so it makes its own
  return errors.check_usage(store:add(item.task))
end

return M
