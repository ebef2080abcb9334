-- A tool of your own for agents: in config.lua say mcp = { tools = { "examples/tools.lua" } }, or start the server by
-- hand: agentlua mcp --tools examples/tools.lua

mcp.tool {
  name = "count_lines",
  description = "How many lines a file of the project has.",
  schema = { type = "object", properties = { path = { type = "string" } }, required = { "path" } },
  run = function(args)
    local lines = 0
    for _ in io.lines(args.path) do lines = lines + 1 end
    return { lines = lines }
  end,
}
