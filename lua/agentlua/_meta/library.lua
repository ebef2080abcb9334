---@meta

---@class agentlua.place
---@field explicit boolean the user named a directory (-C)
local place = {}

--- Looks upwards for a repository.
---@param start string
---@return { root: string, dir: string, lost?: string }?
function place.find(start) end

--- A path that may be relative to the directory `from`.
---@param path string
---@param from string
---@return string
function place.absolute(path, from) end

--- What follows the directory `dir` in a path; nil when the path is not below it. Only the texts are looked at.
---@param path string
---@param dir string
---@return string?
function place.below(path, dir) end

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
---@field push? boolean
---@field verbose? boolean
---@field workflow? string

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

--- Seconds as 3:05 or 1:02:33.
---@param seconds number
---@return string
function view.duration(seconds) end

--- What something has used, in words.
---@param used { turns?: integer, tokens?: integer, cost?: number }
---@return string
function view.usage(used) end

--- Lines for the tasks of a run.
---@param rows table[] as in run/progress.lua
---@param width? integer columns
---@param now? number wall seconds; nil: no ages
---@return string[]
function view.rows(rows, width, now) end

--- Shows the tasks of a run below what is printed, until the fiber is cancelled.
---@param progress any
---@param at? any
function view.follow(progress, at) end

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
