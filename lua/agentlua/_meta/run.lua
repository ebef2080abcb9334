---@meta

---@class (exact) agentlua.AttemptsOptions
---@field prompt string
---@field cwd string
---@field agent agentlua.LoadedBackend
---@field phase? string what the attempt is for; "analyse" or "execute" by the loop
---@field accept? fun(result: agentlua.Result): boolean?, string? whether a claim of done is believed; feedback
---@field budget? agentlua.Amounts lowers that of an attempt

--- How the attempts on a task ended.
---@class agentlua.Result
---@field ok? boolean it says done, and is believed
---@field ending? agentlua.Ending
---@field text? string what the agent said last
---@field reason? string
---@field feedback? string why it was not believed
---@field log? string path of its output
---@field attempts? integer failed ones
---@field wait? { account?: string, seconds?: number } nothing is decided: the task is to go back
---@field state? table<string, any> what its events add up to
---@field exit_code? integer
---@field bound? string
---@field session? string
---@field over? table<string, any> a reached budget
---@field entry? agentlua.AttemptEntry what the task keeps of it

--- One agentlua run on a project.
---@class agentlua.Run
---@field id string
---@field dir string of its files
---@field project agentlua.Project
---@field record table<string, any> run.json
---@field events agentlua.EventLog
---@field budget any
---@field hooks agentlua.Hooks
---@field children table<agentlua.Child, agentlua.Task>
---@field claims table<string, any>
---@field agents table<string, agentlua.Child> by the task's id
---@field progress any what each task is at
---@field unknown_cost table<string, any> names of agents
---@field stopping? string why it stops
---@field paused? boolean
---@field signal? integer that stops it
---@field on_stop? fun()
---@field lock agentlua.Lock
---@field offset integer
---@field view? fun(task: agentlua.Task, event: agentlua.Event)
local run = {}

--- Appends an event to the log.
---@param kind string
---@param fields? table<string, any>
---@return boolean
function run:event(kind, fields) end

--- Asks the run to stop.
---@param reason? string
function run:stop(reason) end

--- True when no more is to be done for a task.
---@param task agentlua.Task
---@return boolean
function run:halts(task) end

--- Starts a process for a task: it is stopped and paused with the run.
---@param task agentlua.Task
---@param options agentlua.ProcessOptions
---@return agentlua.Child
---@return string message
---@return string code
function run:spawn(task, options) end

--- Stops and pauses a process with the run, until forget().
---@param child agentlua.Child
---@param task agentlua.Task
function run:adopt(child, task) end

---@param child agentlua.Child
function run:forget(child) end

--- Runs a process of spawn() to its end.
---@param task agentlua.Task
---@param options agentlua.ProcessOptions
---@return agentlua.ProcessResult
---@return string message
---@return string code
function run:command(task, options) end

--- Writes run.json.
---@param changes? table<string, any>
function run:save(changes) end

---@return string
function run:control_path() end

--- Reads what was asked of the run since the last time.
function run:read_control() end

--- Obeys signals and the control file until the handle is closed.
---@return agentlua.Handle
function run:listen() end

--- Ends the record.
---@param reason string
---@param code integer
function run:finish(reason, code) end

--- The run as `work` of a loop sees it.
---@class agentlua.TaskRun: agentlua.Run
---@field task agentlua.Task
local task_run = {}

--- Runs an agent until it says done and is believed, at most `attempts` (config.lua) times.
---@param opts agentlua.AttemptsOptions
---@return agentlua.Result
function task_run:attempts(opts) end
