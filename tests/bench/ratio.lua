-- What the benchmarks in Lua share: rounds, medians, floors.

local al = require "agentlua"

local M = { missed = false }

function M.timed(fn, ...)
  local begun = al.clock()
  fn(...)
  return al.clock() - begun
end

--- Runs a program to its end, quietly; a table in front has options of al.process.run.
function M.command(...)
  local words = { ... }
  local options = type(words[1]) == "table" and table.remove(words, 1) or {}
  options.contain = false
  local result = assert(al.process.run(table.move(words, 1, #words, 1, options)))
  assert(result.code == 0, result.stderr)
end

function M.median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

--- Median over the rounds of one() / other(); each round calls both, the first warms up.
function M.of(rounds, one, other)
  local ratios = {}
  for round = 0, rounds do
    local a, b = one(), other()
    if round > 0 then ratios[#ratios + 1] = a / b end
  end
  return M.median(ratios)
end

--- Prints a ratio beside its bound: `floor` it must reach, or `ceiling` it must not pass.
function M.report(title, ratio, bound)
  local failed = bound.floor and ratio < bound.floor or bound.ceiling and ratio > bound.ceiling
  M.missed = M.missed or failed
  print(("%-62s %8.2f x   (%s %.2f)%s"):format(title, ratio, bound.floor and "at least" or "at most",
    bound.floor or bound.ceiling, failed and "  MISSED" or ""))
end

function M.exit() os.exit(M.missed and 1 or 0) end

return M
