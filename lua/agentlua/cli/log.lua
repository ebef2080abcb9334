-- agentlua log

local core = require "agentlua.core"
local events = require "agentlua.events"
local fiber = require "agentlua.fiber"
local options = require "agentlua.options"
local project = require "agentlua.project"

local function show(event, json)
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

return {
  summary = "the events of this project, oldest first",
  configure = function(parser)
    parser:flag("-f --follow", "wait for more")
    parser:option("-n", "only the last N events"):convert(options.count):argname "N"
    parser:option("--task", "only those of one task"):argname "ID"
    parser:flag("--json", "for machines")
  end,
  run = function(args)
    local p = project.open { options = {} }
    local id = args.task and require("agentlua.errors").check_usage(p.store:get(args.task)).id
    local path, shown, all = p.dir .. "/events.jsonl", 0, {}
    local function more()
      all = {}
      for event in events.read(path) do all[#all + 1] = event end
      local first = shown == 0 and args.n and math.max(1, #all - args.n + 1) or shown + 1
      for i = first, #all do
        if not id or all[i].task == id then show(all[i], args.json) end
      end
      shown = #all
    end
    more()
    if not args.follow then return 0 end
    local bell = fiber.bell()
    local source = core.loop.watch_path(p.dir)
    local watch <close> = fiber.on_source(source, function() bell:ring() end)
    while true do
      bell:wait()
      more()
    end
  end,
}
