-- agentlua log

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local events = require "agentlua.events"
local fiber = require "agentlua.fiber"
local options = require "agentlua.options"
local project = require "agentlua.project"

local function line(event, json)
  if json then return print(core.json.dump(event)) end
  local words = {}
  for key, value in pairs(event) do
    if key ~= "time" and key ~= "type" and type(value) ~= "userdata" then
      words[#words + 1] = key .. "=" .. (type(value) == "table" and core.json.dump(value) or tostring(value))
    end
  end
  table.sort(words)
  print(core.text.printable(("%s  %-15s %s"):format(event.time:sub(1, 19), event.type, table.concat(words, " "))))
end

local M = { summary = "the events of this project, oldest first" }

--- The options that every view of the events has.
function M.configure_view(parser)
  parser:flag("-f --follow", "wait for more")
  parser:flag("--json", "for machines")
end

--- Prints the events of the project, or of one task; args: follow, json, n.
function M.show(p, id, args)
  local path, shown, all = p.dir .. "/events.jsonl", 0, {}
  local bell = fiber.bell()
  local source = args.follow and errors.check(core.loop.watch_path(p.dir)) -- before the first look: nothing is missed
  local watch <close> = source and fiber.on_source(source, function() bell:ring() end)
  local function more()
    all = {}
    for event in events.read(path) do
      if not id or event.task == id then all[#all + 1] = event end
    end
    local first = shown == 0 and args.n and math.max(1, #all - args.n + 1) or shown + 1
    for i = first, #all do line(all[i], args.json) end
    shown = #all
    io.stdout:flush()
  end
  more()
  while args.follow do
    bell:wait()
    more()
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
