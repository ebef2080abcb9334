---@meta agentlua.mcp

--- A tool for agents.
---@class (exact) agentlua.Tool
---@field name string letters, digits, _ and -, at most 64
---@field description? string what the model is told; the name by default
---@field schema? table JSON schema of the arguments, an object; any by default
---@field accepts? table a wider schema that calls are checked against
---@field task? boolean it acts on a task: `task_id` is added to the schema, and context.task is there
---@field phases? table<string, boolean> {analyse = true, execute = true}: where agents have it; everywhere by default
---@field read_only? boolean it changes nothing
---@field run fun(args: table, context: agentlua.ToolContext): any result, or nil, message, code

---@class agentlua.ToolContext
---@field project agentlua.Project
---@field task? agentlua.Task the one that is meant
---@field progress fun(done: number, total?: number, message?: string)

--- In a file that `agentlua mcp --tools` or `mcp = {tools =}` names, `mcp` is there without a require.
---@class agentlua.mcp
local mcp = {}

--- Adds a tool; one of the same name gives way to it. Raises EINVAL for what is none.
---@param spec agentlua.Tool
function mcp.tool(spec) end

--- The tools of a phase.
---@param phase "analyse"|"execute"|"all"
---@return agentlua.Tool[]
function mcp.tools(phase) end

--- True when there is such a tool, offered or not.
---@param name string
---@return boolean
function mcp.has(name) end

--- Loads a file of the user's that calls mcp.tool{...}.
---@param path string
function mcp.load(path) end

--- Loads the files that the configuration names, each once.
---@param project agentlua.Project
function mcp.load_configured(project) end

--- The schema of a tool as a caller sees it; with a task of its own it need not name one.
---@param tool agentlua.Tool
---@param own? boolean
---@param shape? table
---@return table
function mcp.shape(tool, own, shape) end

--- Calls a tool. A failure of it is returned; that of a file of tools, which the configuration names, is raised.
---@param project agentlua.Project
---@param name string
---@param args? table
---@param context? table
---@return any result, nil with message and code
function mcp.call(project, name, args, context) end

return mcp
