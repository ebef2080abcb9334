-- agentlua.import.markdown: tasks from the tables of a Markdown file such as TASKS.md.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

local M = {}

local function fail(where, problem)
  errors.usage("EINVAL", ("%s: %s; nothing was imported"):format(where, problem))
end

-- Statuses without blanks, `-` and `_`.
local statuses = {
  done = "done", cancelled = "cancelled", failed = "failed", needsqa = "needs-review", blocked = "needs-input",
  inprogress = "todo", notstarted = "todo", todo = "todo", pending = "todo", planning = "todo", [""] = "todo",
}

-- Column names that mean a field of another name. A name is the first of these that is not empty.
local name_columns = { "title", "task", "name", "description" }
local dependency_columns = { depends_on = true, depends = true, deps = true, dependencies = true }
-- Fields that agentlua itself gives a meaning: a column of that name is not one.
local reserved = { file = true, id8 = true, worktree = true, attempts = true, hold = true }

local function trim(text) return text:match "^%s*(.-)%s*$" end

-- Without emphasis, code marks and links around it.
local function plain(text)
  text = text:gsub("%[([^%]]*)%]%b()", "%1"):gsub("^[%s*`~]+", ""):gsub("[%s*`~]+$", "")
  return text:match "^_+([^_].-)_+$" or text
end

-- Where the code span that opens at `from` ends; nil when nothing closes it.
local function code_span(text, from)
  local mark = text:match("^`+", from)
  for at, run in text:gmatch("()(`+)", from + #mark) do
    if #run == #mark then return at + #run - 1 end
  end
end

-- The cells of a table row. `\|`, and a pipe in a code span, are text.
local function cells_of(line)
  local row, cell, i = {}, {}, 1
  line = line:match "^%s*|?(.*)$"
  local function take(last)
    cell[#cell + 1] = line:sub(i, last):gsub("\\|", "|")
    i = last + 1
  end
  while i <= #line do
    local c = line:sub(i, i)
    if c == "|" then
      row[#row + 1] = trim(table.concat(cell))
      cell, i = {}, i + 1
    elseif c == "\\" then
      take(i + 1)
    elseif c == "`" then
      take(code_span(line, i) or i + #line:match("^`+", i) - 1)
    else
      take(i + #line:match("^[^|`\\]+", i) - 1)
    end
  end
  local last = trim(table.concat(cell))
  if last ~= "" then row[#row + 1] = last end -- else the row ends in a pipe
  return row
end

-- Calls fn(number, line) for every line that is not in a fenced block.
local function each_line(text, fn)
  local number, fence = 0, nil
  for line in (text:gsub("^\xef\xbb\xbf", "") .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    local mark = line:match "^ ? ? ?(```+)" or line:match "^ ? ? ?(~~~+)"
    if fence then
      local closes = mark and mark:sub(1, #fence) == fence and not line:find "[^`~%s]"
      if closes then fence = nil end
      fn(number, "")
    else
      fence = mark
      fn(number, mark and "" or line)
    end
  end
end

-- Columns of a header row; nil when it is not that of a task table.
local function header(line, where)
  local columns, seen = cells_of(line), {}
  for i, column in ipairs(columns) do
    local name = plain(column):lower():gsub("[%s-]+", "_")
    columns[i] = dependency_columns[name] and "depends_on" or name
    seen[columns[i]] = (seen[columns[i]] or 0) + 1
  end
  if not (seen.id and seen.status) then return nil end
  for _, name in ipairs(columns) do
    if name ~= "" and seen[name] > 1 then fail(where, "two columns are named '" .. name .. "'; rename one") end
  end
  return columns
end

local function is_delimiter(line)
  local row = cells_of(line)
  for _, cell in ipairs(row) do
    if not cell:find "^:?%-+:?$" then return false end
  end
  return #row > 0 and line:find("|", 1, true) ~= nil
end

local function status_of(text, where)
  local key = plain(text):gsub("^[^%w]+", ""):lower():gsub("[%s_-]+", "")
  local status = statuses[key]
  if not status or (key == "" and text ~= "") then
    fail(where, ("unknown status '%s'; there are: done cancelled failed blocked needs-qa in-progress not-started todo "
      .. "pending planning"):format(text))
  end
  return status, key == "blocked"
end

local function dependencies(text)
  local list = core.json.array()
  for part in text:gmatch "[^,]+" do
    local id = plain(part)
    if id:find "%w" then list[#list + 1] = id end -- a lone dash says "none"
  end
  return list
end

-- The task of a row; nil for a row without id.
local function task_of(columns, row, where)
  local by_name, task = {}, {}
  for i, name in ipairs(columns) do by_name[name] = row[i] or "" end
  task.id = plain(by_name.id)
  if task.id == "" then return nil end
  if #row > #columns then
    fail(where, ("%d cells under %d columns; a pipe in a text is written \\|"):format(#row, #columns))
  end
  for name, value in pairs(by_name) do
    if value ~= "" and name ~= "" then task[reserved[name] and "column_" .. name or name] = value end
  end
  task.id, task.depends_on = plain(by_name.id), nil
  task.name = task.id
  for i = #name_columns, 1, -1 do
    local text = by_name[name_columns[i]]
    if text and text ~= "" then task.name = text end
  end
  task.priority = tonumber(task.priority) or task.priority
  task.dependencies = dependencies(by_name.depends_on or "")
  local blocked
  task.status, blocked = status_of(by_name.status, where)
  if blocked then
    task.pending_question = { id = "blocked", question = "It is marked as blocked. What is to be done about it?" }
  end
  return task
end

--- Items for agentlua.import: the rows of every table that has the columns id and status.
function M.items(text, name)
  local items, found, columns, above = {}, false, nil, ""
  each_line(text, function(number, line)
    local where = ("%s line %d"):format(name, number)
    if not line:find("|", 1, true) then
      columns = nil
    elseif not columns and is_delimiter(line) then
      columns = header(above, ("%s line %d"):format(name, number - 1))
      found = found or columns ~= nil
    elseif columns then
      local task = task_of(columns, cells_of(line), where)
      items[#items + 1] = task and { task = task, where = where }
    end
    above = line
  end)
  if not found then
    errors.usage("EINVAL", ("%s has no table with the columns id and status; nothing was imported"):format(name))
  end
  return items
end

return M
