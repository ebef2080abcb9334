-- luacheck lua scripts examples tests   (from the top of the tree)
std = "lua54"
max_line_length = 120
self = false -- a method need not use its self
exclude_files = { "build", ".cache" }
ignore = {
  "21[123]/_.*", -- named so because nobody reads it
  -- Held by a `<close>` variable, which luacheck 1.1 takes for unused when it is not read.
  "211/^guard$", "211/^listening$", "211/^lock$", "211/^ring$", "211/^timer$", "211/^watch$",
}

files["tests/agents"] = { std = "+busted" }
files["examples/tools.lua"] = { read_globals = { "mcp" } }
files["tests/lua"] = { std = "+busted" }
files["tests/runs"] = { std = "+busted" }
-- Declarations without bodies.
files["lua/agentlua/_meta"] = { ignore = { "211", "212", "241", "431" }, max_line_length = 240 }
