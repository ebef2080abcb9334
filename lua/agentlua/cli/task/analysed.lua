-- agentlua task analysed ID

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local input = require "agentlua.cli.input"
local operations = require "agentlua.task.operations"

-- An analysis is an object; plain text is its summary.
local function read(source)
  if not source then errors.usage("EUSAGE", "no analysis; name its file, or - for standard input") end
  local text = input(source)
  local value = core.json.parse(text)
  if type(value) == "table" and not getmetatable(value) then return value end
  if not text:find "%S" then errors.usage("EINVAL", "the analysis is empty; say what was found out") end
  return { summary = text }
end

return {
  summary = "give a task its analysis (JSON or text, from a file or -); it is ready to be worked on",
  configure = function(parser)
    parser:argument("task", "id, unique prefix or slug")
    parser:argument("analysis", "file, or - for standard input"):args "?"
    parser:option("--file", "the same"):argname "FILE"
  end,
  run = function(args, p)
    local result = operations.analysed(p, operations.task(p, args.task), read(args.file or args.analysis))
    if result.noted then print(result.noted) end
  end,
}
