---@meta

---@class agentlua.ErrorValue
---@field code string stable: compare it
---@field message string for people
---@field exit integer what a command ends with
---@field traceback? string

---@class agentlua.errors
local errors = {}

---@param code string
---@param message string
---@param exit? integer 1 by default
---@return agentlua.ErrorValue
function errors.new(code, message, exit) end

---@param value any
---@return boolean
function errors.is(value) end

--- Raises an error of the user's: exit code 2.
---@param code string
---@param message string
function errors.usage(code, message) end

--- Raises when the value is nil, or false with a message; else gives all values.
---@generic T
---@param value T
---@param message? string
---@param code? string
---@return T
function errors.check(value, message, code, ...) end

--- The same, as an error of the user's.
---@generic T
---@param value T
---@param message? string
---@param code? string
---@return T
function errors.check_usage(value, message, code) end

---@param value any
---@param traceback? string
---@return agentlua.ErrorValue
function errors.wrap(value, traceback) end

--- Calls a function; its failure is an error value, never raised.
---@param fn fun(...): any
---@return boolean ok
---@return any
function errors.try(fn, ...) end

---@class agentlua.place
---@field explicit boolean the user named a directory (-C)
local place = {}

--- Looks upwards for a repository.
---@param start string
---@return { root: string, dir: string, lost?: string }?
function place.find(start) end

---@class agentlua.resource
local resource = {}

--- Directory of the user's own scripts and prompts.
---@return string
function resource.config_dir() end

--- The running host; nil in a plain Lua.
---@return string?
function resource.host() end

--- Directories that are looked at, in order.
---@param project_dir? string a trusted .agentlua
---@return string[]
function resource.dirs(project_dir) end

---@param kind "scripts"|"prompts"|"agents"
---@param name string
---@param project_dir? string a trusted .agentlua
---@return { path: string, text: string, embedded: boolean }?
function resource.find(kind, name, project_dir) end

---@class agentlua.trust
local trust = {}

---@param dir string an .agentlua
function trust.add(dir) end

---@param dir string an .agentlua
---@return boolean
function trust.has(dir) end

--- Options of the command line of a loop.
---@class agentlua.LoopOptions
---@field [string] any
---@field script? string
---@field agent? string
---@field model? string
---@field permission? string
---@field jobs? integer
---@field max_tasks? integer
---@field task? string
---@field watch? boolean
---@field dry_run? boolean
---@field tasks? string
---@field base? string
---@field land? string
---@field verbose? boolean

---@class agentlua.options
---@field from_script boolean true while agentlua run runs a script
local options = {}

--- A parser (argparse) whose mistakes end with exit code 2.
---@param name string
---@param description? string
---@return any
function options.parser(name, description) end

--- The parser of a loop script.
---@param script string
---@return any
function options.loop_parser(script) end

--- Options of the running script; `extend(parser)` adds a script's own.
---@param extend? fun(parser: any)
---@return agentlua.LoopOptions
function options.parse(extend) end

--- Reads a number above 0; for convert().
---@param text string
---@return integer?
---@return string message
function options.count(text) end

---@class agentlua.view
local view = {}

--- Prints one line with the time.
---@param text string
---@param kind? "start"|"end"|"error"|"dim"
function view.say(text, kind) end

---@param options agentlua.LoopOptions
---@return fun(task: agentlua.Task, event: agentlua.Event)
function view.events(options) end

---@param answer agentlua.Next
---@return agentlua.LoopResult
function view.dry_run(answer) end

---@param record table<string, any>
function view.summary(record) end

---@class (exact) agentlua.RenderOptions
---@field defaults? table<string, string> said in the place of what is empty
---@field find? fun(name: string): table? the prompts for {{> name}}

---@class agentlua.prompt
local prompt = {}

--- Renders a template. Raises EPROMPT.
---@param template string
---@param vars table<string, any>
---@param where? string what errors call it
---@param opts? agentlua.RenderOptions
---@return string
function prompt.render(template, vars, where, opts) end
