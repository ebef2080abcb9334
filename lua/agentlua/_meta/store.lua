---@meta agentlua.store

---@alias agentlua.Status "todo"|"analysing"|"needs-input"|"analysed"|"in-progress"|"needs-review"|"done"|"failed"|"skipped"|"split"|"cancelled"

---@class (exact) agentlua.StoreOptions
---@field create? boolean make the status directories; false by default
---@field root? string what conditions are relative to; the current directory by default
---@field network_store? boolean on a network, used by one machine only; false by default

---@class (exact) agentlua.ClaimOptions
---@field from agentlua.Status|agentlua.Status[] the preferred one first
---@field to agentlua.Status
---@field id? string only this one
---@field exclude? string[] ids

--- What next() says of a task that cannot run.
---@class agentlua.Blocked
---@field id string
---@field name string
---@field status agentlua.Status
---@field kind string "ever": it never can
---@field reasons { code: string, text: string }[]

---@class agentlua.Next
---@field task? agentlua.Task that would run
---@field ready integer how many can
---@field blocked agentlua.Blocked[]

--- A file that is no task.
---@class agentlua.Problem
---@field status agentlua.Status
---@field file string
---@field reason string
---@field age number seconds since it was changed
---@field damaged boolean

---@class agentlua.store
---@field statuses agentlua.Status[]
local store = {}

--- Opens a task directory.
---@param dir string
---@param options? agentlua.StoreOptions
---@return agentlua.Store
---@return string message
---@return string code
function store.open(dir, options) end

--- Tasks as JSON files, in directories named by their status.
---@class agentlua.Store
---@field dir string
---@field native any of agentlua.core
local opened = {}

--- Adds a task; gives it with id, file and defaults.
---@param task agentlua.Task
---@return agentlua.Task
---@return string message
---@return string code
function opened:add(task) end

--- The task of an id, a unique prefix, a slug or a file stem. ENOENT, EAMBIGUOUS.
---@param key string
---@return agentlua.Task
---@return string message
---@return string code
function opened:get(key) end

--- All tasks, or those of one status, in the order in which they would run.
---@param status? agentlua.Status
---@return agentlua.Task[]
function opened:list(status) end

--- Id of the task that would run next.
---@param from agentlua.Status|agentlua.Status[]
---@return string?
function opened:next_id(from) end

--- What would run next, and why the others would not.
---@param from agentlua.Status|agentlua.Status[]
---@return agentlua.Next
function opened:next(from) end

--- Moves the next task that may run and owns it; nil when none may.
---@param options agentlua.ClaimOptions
---@return agentlua.Task?
---@return string message
---@return string code
function opened:claim(options) end

--- True when the last claim() has passed over a task that somebody had hold of just then.
---@return boolean
function opened:was_contended() end

--- Moves a task and merges `patch` into its fields. ELOCKED.
---@param id string
---@param to agentlua.Status
---@param patch? agentlua.Task
---@return agentlua.Task
---@return string message
---@return string code
function opened:move(id, to, patch) end

--- Merges `patch` into the fields of a task.
---@param id string
---@param patch agentlua.Task
---@return agentlua.Task
---@return string message
---@return string code
function opened:update(id, patch) end

--- Gives the ownership of a task up.
---@param id string
function opened:release(id) end

--- Descriptor of the lock by which we own a task.
---@param id string
---@return integer
function opened:owner_fd(id) end

---@param id string
---@return boolean
function opened:is_owned(id) end

--- Takes over what dead owners left in work.
---@return agentlua.Task[]
function opened:recover() end

--- Files that are no tasks, or one too many.
---@param all? boolean done ones are read too
---@return agentlua.Problem[]
function opened:problems(all) end

--- Sets such a file aside.
---@param problem agentlua.Problem
function opened:quarantine(problem) end

--- Calls `fn()` whenever something in the task directories changes.
---@param fn fun()
---@return agentlua.Handle
function opened:watch(fn) end

function opened:close() end

return store
