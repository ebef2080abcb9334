-- agentlua.store: tasks as JSON files in directories named by their status.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local fields = require "agentlua.fields"

local M = {}
M.statuses = core.store.statuses

local store_type = {}
store_type.__index = store_type

--- Opens a task directory.
--- Options: create = true to make its status directories; root = what conditions are relative to (the
--- current directory); network_store = true for one that only one machine uses.
---@return table store | nil, string message, string code
function M.open(dir, options)
  options = options or {}
  local native, message, code = core.store.open(dir, { root = options.root, network_store = options.network_store })
  if not native then return nil, message, code end
  local store = setmetatable({ native = native, dir = dir }, store_type)
  if options.create then
    local made
    made, message, code = native:create()
    if not made then return nil, message, code end
  end
  return store
end

-- JSON null, where Lua code wants nil.
local function optional(value, message, code)
  if value == nil then return nil, message, code end
  return type(value) ~= "userdata" and value or nil
end

--- Adds a task; returns it with id, file and defaults.
function store_type:add(task) return self.native:add(task) end
--- The task that `key` names: id, unique prefix, slug, file stem. ENOENT, EAMBIGUOUS.
function store_type:get(key) return self.native:get(key) end
--- All tasks, or those of one status, in the order in which they would run.
function store_type:list(status) return self.native:list(status) end
--- Id of the task that would run next of the statuses `from`, or nil. Much quicker than next().
function store_type:next_id(from)
  local id, message, code = self.native:next_id(from)
  if not id then return nil, message, code end
  return id ~= "" and id or nil
end
--- {task=, ready=, blocked={{id, name, status, kind, reasons={{code, text}}}}} for the statuses `from`.
function store_type:next(from)
  local answer, message, code = self.native:next(from)
  if not answer then return nil, message, code end
  answer.task = optional(answer.task)
  return answer
end
--- Moves the next task that may run to `options.to` and owns it; nil when none may.
--- Options: from = status or list, to, id, exclude = ids.
function store_type:claim(options)
  local task, message, code = optional(self.native:claim(options))
  if task then return fields.sound(task) end
  if code then return nil, message, code end
  return nil
end
--- True when the last claim() has passed over a task that somebody had hold of just then, perhaps only to move it
--- there: look again soon, for nothing else will tell.
function store_type:was_contended() return self.native:was_contended() end
--- Moves a task and merges `patch` into its fields. ELOCKED when somebody else owns it.
function store_type:move(id, to, patch) return self.native:move { id = id, to = to, patch = patch } end
--- Merges `patch` into the fields of a task, wherever it is.
function store_type:update(id, patch) return self.native:update { id = id, patch = patch } end
function store_type:release(id) return self.native:release(id) end
function store_type:owner_fd(id) return self.native:owner_fd(id) end
function store_type:is_owned(id) return self.native:is_owned(id) end
--- Takes over what dead owners left in work; each task has `claimed_from`.
function store_type:recover()
  local tasks, message, code = self.native:recover()
  for _, task in ipairs(tasks or {}) do fields.sound(task) end
  return tasks, message, code
end
--- Files that are no tasks, or one too many: {status, file, reason, age}. `all`: done ones are read too.
function store_type:problems(all) return self.native:problems(all or false) end
function store_type:quarantine(problem)
  return self.native:quarantine { status = problem.status, file = problem.file }
end

--- Calls `fn()` whenever something in the task directories changes. Returns a handle with close().
function store_type:watch(fn)
  local handles = {}
  for _, status in ipairs(M.statuses) do
    local source = core.loop.watch_path(self.dir .. "/" .. status)
    if source then handles[#handles + 1] = fiber.on_source(source, fn) end
  end
  local function close()
    for _, handle in ipairs(handles) do handle.close() end
  end
  return setmetatable({ close = close }, { __close = close })
end

function store_type:close() self.native:close() end
store_type.__close = store_type.close

return M
