-- agentlua.cli.input: the text that an argument names.

local core = require "agentlua.core"
local errors = require "agentlua.errors"

--- Text of the file `source`, or of standard input for -. Raises what goes wrong as an error of the user's.
---@param source string
return function(source)
  return source == "-" and io.read "a" or errors.check_usage(core.fs.read(source))
end
