-- agentlua.check.infer: walks the tree of a Lua source, tells what every expression is, and reports names that do
-- not exist. What it cannot tell may be anything, and is not reported.
--
-- A file is walked three times: the first times it is learned what a table of the script's becomes (the hooks that it
-- returns, the handlers that it passes on) and what the script's own functions are called with; the last time reports.

local walker = require "agentlua.check.walker"
require "agentlua.check.expressions"
require "agentlua.check.calls"
require "agentlua.check.statements"

local M = {}

--- Walks a tree. Options: returns = name of the class that the file returns; no_globals = it can use nothing;
--- on_finding(at, message, nearest); files_of("prompt" | "agent") -> names; has_module(name); dir = an .agentlua.
function M.walk(tree, options)
  local hints, escaped, assigned, read_names, written_names = {}, {}, {}, {}, {}
  for pass = 1, 3 do
    local self = setmetatable({
      silent = pass < 3, on_finding = options.on_finding, no_globals = options.no_globals, hints = hints,
      learned = {}, escaped = escaped, gone = {}, assigned = assigned,
      read_names = read_names, written_names = written_names,
      files_of = options.files_of, has_module = options.has_module, dir = options.dir,
      returns = { expected = { options.returns and { kind = "class", name = options.returns } } },
    }, walker)
    self:body(tree)
    for at, type in pairs(self.learned) do hints[at] = type.kind ~= "any" and type or nil end
  end
end

return M
