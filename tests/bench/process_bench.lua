-- Speed of processes as ratios to baselines measured in the same run. Every round runs every variant
-- once; a ratio is the median of the rounds. Exit 1 when a floor is missed.
--   lua5.4 tests/bench/process_bench.lua BASELINE [ROUNDS]

local al = require "agentlua"

local baseline, rounds = assert(arg[1], "path of the baseline program"), tonumber(arg[2] or 5)
local spawns = 200

local function timed(fn, ...)
  local begun = al.clock()
  fn(...)
  return al.clock() - begun
end

local function command(...)
  local result = assert(al.process.run { contain = false, ... })
  assert(result.code == 0, result.stderr)
end

local function spawn_many(contain)
  for _ = 1, spawns do al.process.run { "/bin/true", contain = contain } end
end

-- 100 MB of JSON lines, about 550 bytes each.
local function make_lines(path)
  local file = assert(io.open(path, "w"))
  local line = '{"type":"text","text":"' .. ("lorem ipsum "):rep(43) .. '"}\n'
  for _ = 1, 100 * 1000 * 1000 // #line do file:write(line) end
  file:close()
end

local function stream(path, per_line)
  local child <close> = assert(al.process.spawn { "/bin/cat", path, contain = false })
  local n = 0
  for line in child:lines() do n = n + per_line(line) end
  assert(n > 100000)
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local failed = false
local function compare(title, floor, base, fn)
  local ratios = {}
  for round = 0, rounds do -- the first round warms up
    local one, other = base(), fn()
    if round > 0 then ratios[#ratios + 1] = one / other end
  end
  local ratio = median(ratios)
  failed = failed or ratio < floor
  print(("%-52s %5.2f  (floor %.2f)%s"):format(title, ratio, floor, ratio < floor and "  MISSED" or ""))
end

local file = os.tmpname()
make_lines(file)
local function bare_spawn() return timed(command, baseline, "spawn", tostring(spawns)) end
local function direct() return timed(spawn_many, false) end
compare("spawn, direct child / bare posix_spawn", 0.9, bare_spawn, direct)
compare("spawn, with the reaper / bare posix_spawn", 0.4, bare_spawn, function() return timed(spawn_many, true) end)
local function lines() return timed(stream, file, function() return 1 end) end
local function count() return timed(command, "sh", "-c", "cat '" .. file .. "' | wc -l") end
local function split() return timed(command, baseline, "split", file) end
compare("lines into Lua / cat | wc -l", 1.5, count, lines)
compare("lines into Lua / bare C++ splitter", 0.8, split, lines)
local small = {}
for i = 1, rounds do small[i] = direct() end
local ballast = ("x"):rep(500 << 20)
compare("spawn in a process of 500 MB / in a small one", 0.9, function() return median(small) end, direct)
assert(#ballast > 0)
os.remove(file)
os.exit(failed and 1 or 0)
