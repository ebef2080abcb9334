-- agentlua repl

local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"

local function evaluate(text, env)
  local chunk, problem = load("return " .. text:gsub("^=", ""), "=stdin", "t", env)
  if not chunk then chunk, problem = load(text, "=stdin", "t", env) end
  return chunk, problem
end

return {
  summary = "try things: Lua with `al` loaded; expressions print",
  run = function()
    local env = setmetatable({ al = require "agentlua" }, { __index = _G })
    local terminal, text = env.al.fs.host({}).terminal, ""
    while true do
      if terminal then io.write(text == "" and "> " or ">> ") io.flush() end
      local line = io.read "l"
      if not line then break end
      text = text .. line
      local chunk, problem = evaluate(text, env)
      if not chunk and problem:find "<eof>$" then
        text = text .. "\n" -- an unfinished statement goes on in the next line
      else
        local results
        if chunk then
          results = table.pack(errors.try(fiber.run, chunk))
        else
          results = { n = 2, false, problem }
        end
        if not results[1] then io.stderr:write(tostring(results[2]), "\n") end
        if results[1] and results.n > 1 then print(table.unpack(results, 2, results.n)) end
        text = ""
      end
    end
    if terminal then print() end
  end,
}
