-- Checks that includes and requires point down: lua5.4 scripts/dev/check_includes.lua at the top.
--
-- Headers: the second line of each is "// agentlua/<path>: room N. <purpose>". A header includes
-- only its own room and lower ones, never in a circle, and rooms 0 to 5 know nothing of Lua.
-- Lua: modules of lua/agentlua that require each other at the top of the file make no circle, nor do the
-- directories that they are in. A require inside a function is not counted: it runs when everything is loaded.

local first_lua_room <const> = 6

local problems = {}
local function problem(text, ...) problems[#problems + 1] = text:format(...) end

--- Files below `dir` whose name ends in `suffix`, as sorted paths relative to it.
local function files(dir, suffix)
  local out, list = {}, assert(io.popen(("find '%s' -type f -name '*%s' 2>&1"):format(dir, suffix)))
  for path in list:lines() do
    if path:sub(1, #dir + 1) ~= dir .. "/" then
      io.stderr:write(path, "\nrun this from the top of the tree\n")
      os.exit(2)
    end
    out[#out + 1] = path:sub(#dir + 2)
  end
  list:close()
  table.sort(out)
  return out
end

local function lines(path)
  local out = {}
  for line in io.lines(path) do out[#out + 1] = line end
  return out
end

--- Reports every circle that a depth-first walk of `edges` (name -> list of names) closes.
local function report_cycles(kind, names, edges)
  local state, trail = {}, {}
  local function visit(name)
    state[name] = "open"
    trail[#trail + 1] = name
    for _, other in ipairs(edges[name] or {}) do
      if state[other] == "open" then
        local from = #trail
        while trail[from] ~= other do from = from - 1 end
        problem("%s cycle: %s -> %s", kind, table.concat(trail, " -> ", from), other)
      elseif edges[other] and not state[other] then
        visit(other)
      end
    end
    trail[#trail] = nil
    state[name] = "done"
  end
  for _, name in ipairs(names) do
    if not state[name] then visit(name) end
  end
end

--- Text of a line without its comment and its string literals.
local function code_of(line)
  return (line:gsub('"[^"]*"', ""):gsub("//.*", ""))
end

local function check_headers()
  local names, room, edges = {}, {}, {}
  for _, path in ipairs(files("include/agentlua", ".hpp")) do
    local name = "agentlua/" .. path
    local text = lines("include/" .. name)
    local said, number = (text[2] or ""):match "^// (%S+): room (%d+)%. %S"
    if not said then
      problem("include/%s:2: must be '// %s: room N. <what it is for>'", name, name)
    elseif said ~= name then
      problem("include/%s:2: says that it is '%s'", name, said)
    end
    names[#names + 1], room[name], edges[name] = name, tonumber(number), {}
    for i, line in ipairs(text) do
      local included = line:match '^%s*#%s*include%s*"([^"]+)"'
      if included then table.insert(edges[name], { name = included, line = i }) end
      local below_lua = room[name] and room[name] < first_lua_room
      if below_lua and code_of(line):find "%f[%w_]lua_State%f[^%w_]" then
        problem("include/%s:%d: room %d mentions lua_State; only rooms from %d on know Lua",
          name, i, room[name], first_lua_room)
      end
    end
  end

  local targets = {}
  for _, name in ipairs(names) do
    targets[name] = {}
    for _, edge in ipairs(edges[name]) do
      local where, other = ("include/%s:%d"):format(name, edge.line), edge.name
      table.insert(targets[name], other)
      if not edges[other] then
        problem("%s: no header '%s' below include/", where, other)
      elseif room[name] and room[other] and room[other] > room[name] then
        problem("%s: room %d includes '%s' of room %d; includes point down",
          where, room[name], other, room[other])
      end
    end
  end
  report_cycles("include", names, targets)
  return #names
end

local at_top <const> = [=[^local%s+[%w_,%s<>]-=%s*require%s*%(?%s*["'](agentlua[%w_.]*)["']]=]

--- Directory of a module in a directory of lua/agentlua, or nil.
local function directory_of(name) return name:match "^agentlua%.([%w_]+)%." end

local function check_modules()
  local names, edges, rooms, room_edges = {}, {}, {}, {}
  for _, path in ipairs(files("lua/agentlua", ".lua")) do
    local name = ("agentlua/" .. path):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    local room = directory_of(name)
    names[#names + 1], edges[name] = name, {}
    if room and not room_edges[room] then rooms[#rooms + 1], room_edges[room] = room, {} end
    for _, line in ipairs(lines("lua/agentlua/" .. path)) do
      local required = line:match(at_top)
      if required then
        local other = directory_of(required)
        table.insert(edges[name], required)
        if room and other and other ~= room then table.insert(room_edges[room], other) end
      end
    end
  end
  report_cycles("require", names, edges)
  report_cycles("directory", rooms, room_edges)
  return #names
end

local headers, modules = check_headers(), check_modules()
for _, text in ipairs(problems) do io.stderr:write(text, "\n") end
if #problems > 0 then os.exit(1) end
print(("%d headers and %d Lua modules: includes and requires point down"):format(headers, modules))
