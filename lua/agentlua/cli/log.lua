-- agentlua log

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local fiber = require "agentlua.fiber"
local options = require "agentlua.options"
local project = require "agentlua.project"

local M = { summary = "the events of this project, oldest first" }

--- An event as one line: time, type, its other fields in the order of their names. `hidden`: names of fields
--- that are left out.
function M.line(event, hidden)
  local words = {}
  for key, value in pairs(event) do
    if key ~= "time" and key ~= "type" and not (hidden and hidden[key]) and type(value) ~= "userdata" then
      words[#words + 1] = key .. "=" .. (type(value) == "table" and core.json.dump(value) or tostring(value))
    end
  end
  table.sort(words)
  return core.text.printable(("%s  %-15s %s"):format(event.time:sub(1, 19), event.type, table.concat(words, " ")))
end

--- The options that every view of the events has.
function M.configure_view(parser)
  parser:flag("-f --follow", "wait for more")
  parser:flag("--json", "for machines")
end

--- Prints the events of the project, or of one task; args: follow, json, n = only the last of them.
function M.show(p, id, args)
  local path, offset, last, count = p.dir .. "/events.jsonl", 0, {}, 0
  local bell = fiber.bell()
  local source = args.follow and errors.check(core.loop.watch_path(p.dir)) -- before the first look: nothing is missed
  local watch <close> = source and fiber.on_source(source, function() bell:ring() end)
  local function show(event) print(args.json and core.json.dump(event) or M.line(event)) end
  local function keep(event)
    count = count + 1
    last[count], last[count - args.n] = event, nil
  end
  local function each_new(take)
    for event, after in events.read(path, offset) do
      offset = after
      if not id or event.task == id then take(event) end
    end
  end
  each_new(args.n and keep or show)
  for i = math.max(1, count - (args.n or 0) + 1), count do show(last[i]) end
  while args.follow do
    io.stdout:flush()
    bell:wait()
    each_new(show)
  end
end

function M.configure(parser)
  M.configure_view(parser)
  parser:option("-n", "only the last N events"):convert(options.count):argname "N"
  parser:option("--task", "only those of one task"):argname "ID"
end

function M.run(args)
  local p = project.open { options = {} }
  M.show(p, args.task and errors.check_usage(p.store:get(args.task)).id, args)
end

return M
