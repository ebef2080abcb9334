-- agentlua task list

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fields = require "agentlua.fields"

local colours = {
  ["in-progress"] = "36", analysing = "36", done = "32", failed = "31", ["needs-input"] = "33", ["needs-review"] = "33",
}

-- Parts below the task that they are parts of; `depth` is how far.
local function as_tree(tasks)
  local by_id, parts, out = {}, {}, {}
  for _, task in ipairs(tasks) do by_id[task.id] = task end
  local function parent(task) return type(task.parent_task_id) == "string" and by_id[task.parent_task_id] end
  for _, task in ipairs(tasks) do
    local above = parent(task)
    if above then
      parts[above.id] = parts[above.id] or {}
      table.insert(parts[above.id], task)
    end
  end
  local placed = {}
  local function place(task, depth)
    if placed[task] then return end
    placed[task] = true
    out[#out + 1] = { task = task, depth = depth }
    for _, part in ipairs(parts[task.id] or {}) do place(part, depth + 1) end
  end
  for _, task in ipairs(tasks) do
    if not parent(task) then place(task, 0) end
  end
  for _, task in ipairs(tasks) do place(task, 0) end -- those that are their own ancestors
  return out
end

return {
  summary = "all tasks, or those of one status",
  configure = function(parser)
    parser:option("--status", "only these"):choices(core.store.statuses):argname "STATUS"
    parser:flag("--tree", "parts below the task that was split")
    parser:flag("--json", "for machines")
  end,
  run = function(args, p)
    local tasks = errors.check(p.store:list(args.status))
    if args.json then
      print(core.json.dump(core.json.array(tasks), 2))
    else
      local rows = {}
      local function add(task, depth)
        rows[#rows + 1] = {
          fields.id8(task), task.status, tostring(task.priority or ""),
          ("  "):rep(depth) .. task.name,
        }
      end
      for _, one in ipairs(args.tree and as_tree(tasks) or {}) do add(one.task, one.depth) end
      for _, task in ipairs(args.tree and {} or tasks) do add(task, 0) end
      cli.print_table(rows, function(column, cell) return column == 2 and colours[cell] end)
    end
    for _, problem in ipairs(errors.check(p.store:problems())) do errors.warn("unreadable: " .. problem.reason) end
  end,
}
