-- agentlua mcp

local cli = require "agentlua.cli"
local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local mcp = require "agentlua.mcp"
local project = require "agentlua.project"
local server = require "agentlua.mcp.server"

-- Standard output belongs to the protocol: what tools print is for people, and goes to standard error.
local function take_stdout()
  local out = io.stdout
  rawset(io, "stdout", io.stderr)
  io.output(io.stderr)
  rawset(_G, "print", function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    io.stderr:write(table.concat(words, "\t"), "\n")
  end)
  return out
end

local function serve(p, phase, out)
  local input = core.terminal.open()
  local function read()
    while true do
      local bytes = input:read()
      if bytes then return bytes end
      if bytes == false then return nil end
      fiber.wait(input:id())
    end
  end
  server.new({
    project = p, phase = phase, read = read, write = function(text) out:write(text):flush() end,
  }):run()
end

return {
  summary = "the tools for agents, as an MCP server on standard input and output",
  configure = function(parser)
    parser:option("--tools", "file of your own tools in Lua: mcp.tool{name=, schema=, run=}"):count "*":argname "FILE"
    parser:option("--phase", "only tools for analyse or execute", "all"):choices { "analyse", "execute", "all" }
    parser:flag("--list", "show the tools, and end")
    parser:flag("--json", "with --list: for machines")
    parser:option("--tasks", "task directory"):argname "DIR"
  end,
  run = function(args)
    for _, path in ipairs(args.tools) do mcp.load(path) end
    if args.list then
      local rows = core.json.array()
      for i, tool in ipairs(mcp.tools(args.phase)) do
        rows[i] = args.json and { name = tool.name, description = tool.description, schema = tool.schema }
          or { tool.name, tool.description }
      end
      if args.json then print(core.json.dump(rows, 2)) else cli.print_table(rows) end
      return
    end
    local p = project.open { options = { tasks = args.tasks }, look = true }
    local out = take_stdout()
    fiber.run(serve, p, args.phase, out)
  end,
}
