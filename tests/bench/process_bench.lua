-- Speed of processes as ratios to bare C++: lua5.4 tests/bench/process_bench.lua BASELINE [ROUNDS]

package.path = "tests/bench/?.lua;" .. package.path
local al = require "agentlua"
local ratio = require "ratio"

local baseline, rounds = assert(arg[1], "path of the baseline program"), tonumber(arg[2] or 5)
local spawns = 200

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

local file = os.tmpname()
make_lines(file)
local timed, command = ratio.timed, ratio.command
local function bare_spawn() return timed(command, baseline, "spawn", tostring(spawns)) end
local function direct() return timed(spawn_many, false) end
local function contained() return timed(spawn_many, true) end
local function lines() return timed(stream, file, function() return 1 end) end
local function count() return timed(command, "sh", "-c", "cat '" .. file .. "' | wc -l") end
local function split() return timed(command, baseline, "split", file) end

local function compare(title, floor, base, fn) ratio.report(title, ratio.of(rounds, base, fn), { floor = floor }) end
compare("spawn, direct child / bare posix_spawn", 0.9, bare_spawn, direct)
compare("spawn, with the reaper / bare posix_spawn", 0.4, bare_spawn, contained)
compare("lines into Lua / bare C++ splitter", 0.8, split, lines)
compare("lines into Lua / cat | wc -l", 1.5, count, lines)
local small = {}
for i = 1, rounds do small[i] = direct() end
local ballast = ("x"):rep(500 << 20)
compare("spawn in a process of 500 MB / in a small one", 0.9, function() return ratio.median(small) end, direct)
assert(#ballast > 0)
os.remove(file)
ratio.exit()
