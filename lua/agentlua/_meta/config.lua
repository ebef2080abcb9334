---@meta agentlua.config

--- What .agentlua/config.lua returns: data only.
---@class (exact) agentlua.Config
---@field tasks? string task directory; ".agentlua/tasks" by default
---@field worktrees? string where worktrees go; <parent>/<repo>.worktrees by default
---@field branch? string of {id8}, {id} and {slug}; "task/{id8}-{slug}" by default
---@field base? string branch that work starts from and lands on; the current one by default
---@field land? "squash"|"merge"|"rebase"|"branch"|"patch"|"none" "squash" by default
---@field message? string "feat: {name} [task:{id8}]" by default
---@field author? string "Name <email>"; git's own by default
---@field push? string|boolean remote that the base is pushed to after each landing; false by default
---@field pr? agentlua.PrSettings
---@field protect? string[] globs; changes to these wait for a person; { ".agentlua/**" } by default
---@field copy? string[] globs of ignored files that a worktree gets too; { ".env*" } by default
---@field setup? string[] command that prepares a new worktree
---@field keep_days? number|boolean age at which clean removes saved refs; false (default): never
---@field save_limit? number bytes of ignored files that are saved; 100 MiB by default
---@field agents? agentlua.AgentName[] the first one; the others while its account is limited; { "claude" } by default
---@field backends? table<agentlua.AgentName, agentlua.BackendSettings> by the agent's name
---@field verify? agentlua.Check[] what counts as done
---@field on_empty? "fail"|"done" when the agent changed nothing; "fail" by default
---@field attempts? number tries of an agent on one task; 3 by default
---@field revive? number times that later runs try a failed task again; 0 by default
---@field max_failures? number failed tasks in a row that end a run; 3 by default
---@field completion? "exit"|"explicit" explicit: an agent has to say agentlua task done; "exit" by default
---@field budget? agentlua.Budget
---@field limits? agentlua.LimitSettings
---@field rate? table<agentlua.AgentName, agentlua.RateSettings> by the agent's name
---@field timeouts? agentlua.Timeouts
---@field bounds? agentlua.Bounds
---@field launcher? string[] put in front of the agent's command
---@field sandbox? "none"|"bwrap" "none" by default
---@field secrets? string[] variables whose values no log shows
---@field stop_grace? number seconds between TERM and KILL; 5 by default
---@field env? agentlua.EnvSettings
---@field network_store? boolean the task directory is on a network; false by default
---@field jobs? number tasks at once; 1 by default
---@field require_analysis? boolean false by default
---@field mcp? agentlua.McpSettings|boolean servers and tools for agents beside our own; false: none at all
---@field prompt? table<string, any> more names for templates

---@class (exact) agentlua.PrSettings
---@field status? string[] command that says merged or closed of $AGENTLUA_BRANCH

--- A check: a command (argv) or a built-in one (check).
---@class (exact) agentlua.Check
---@field name? string
---@field argv? string[]
---@field check? "secrets"|"home_paths"|"conflict_markers"|"clean_tree"
---@field timeout? number seconds; 1800 by default
---@field required? boolean true by default
---@field when? agentlua.When always by default

---@class (exact) agentlua.When
---@field category? string|string[] of the task
---@field not_category? string|string[] of the task
---@field paths? string[] globs of changed files

---@class (exact) agentlua.Budget
---@field day? agentlua.Amounts
---@field run? agentlua.Amounts
---@field task? agentlua.Amounts
---@field attempt? agentlua.Amounts

---@class (exact) agentlua.Amounts
---@field usd? number dollars
---@field tokens? number
---@field turns? number
---@field seconds? number

---@class (exact) agentlua.LimitSettings
---@field max_wait? number seconds of the longest wait; 8 days by default
---@field repeats? number waits in a row; 10 by default
---@field backoff? agentlua.Backoff pauses when no end is named

---@class (exact) agentlua.Backoff
---@field base? number seconds; 60 by default
---@field cap? number seconds; 3600 by default

---@class (exact) agentlua.RateSettings
---@field per_minute? number starts
---@field running? number agents at once

--- Seconds of one attempt; 0: no bound.
---@class (exact) agentlua.Timeouts
---@field wall? number in all
---@field idle? number without output; 1800 by default
---@field start? number until the first output

--- Most that one attempt may use; 0: no bound.
---@class (exact) agentlua.Bounds
---@field memory? number bytes
---@field processes? number at one time
---@field output? number bytes

---@class (exact) agentlua.McpSettings
---@field tools? string[] files that call mcp.tool{...}, relative to the project
---@field servers? table<string, agentlua.McpServer>

---@class (exact) agentlua.McpServer
---@field command string
---@field args? string[]
---@field env? table<string, string>

---@class (exact) agentlua.EnvSettings
---@field set? table<string, string>
---@field drop? string[] names
---@field only? string[] names

---@class agentlua.config
---@field keys table<string, any> {type or check, default, the same for its own keys}
local config = {}

--- Reads a configuration file; a missing one is all defaults. Raises ECONFIG.
---@param path string
---@return agentlua.Config
function config.load(path) end

--- Checks a table of settings and fills in the defaults. Raises ECONFIG.
---@param settings table
---@param where string what errors call the table
---@param keys? table
---@param prefix? string
---@return agentlua.Config
function config.check(settings, where, keys, prefix) end

return config
