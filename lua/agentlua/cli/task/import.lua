-- agentlua task import FILE

local core = require "agentlua.core"
local errors = require "agentlua.errors"

-- Tasks in a text: a JSON array, one JSON object, or one object per line. All are read before any is
-- added, so that a mistake leaves nothing half done.
local function parse(text, name)
  local whole, message, code = core.json.parse(text, name)
  local is_array = getmetatable(whole) ~= nil -- the mark of arrays
  if type(whole) == "table" then return is_array and whole or { whole } end
  if text:find "^%s*%[" then errors.usage(code, message) end
  local tasks, line_number = {}, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    line_number = line_number + 1
    if line:find "%S" then
      tasks[#tasks + 1] = errors.check_usage(core.json.parse(line, ("%s line %d"):format(name, line_number)))
    end
  end
  return tasks
end

return {
  summary = "add tasks from a file of JSON (an array, or one object per line), or - for stdin",
  configure = function(parser)
    parser:argument("file", "path, or -")
    parser:flag("--json", "print the tasks")
  end,
  run = function(args, p)
    local text = args.file == "-" and io.read "a" or errors.check_usage(core.fs.read(args.file))
    local tasks = parse(text, args.file == "-" and "standard input" or args.file)
    local seen = {}
    for i, task in ipairs(tasks) do
      local id = type(task) == "table" and type(task.id) == "string" and task.id or nil
      local there = id and p.store:get(id)
      if id and (seen[id] or there and there.id == id) then
        errors.usage("EEXIST", ("task %d of %s: id '%s' is taken; nothing was imported"):format(i, args.file,
          core.text.printable(id)))
      end
      seen[id or i] = true
      if type(task) ~= "table" or type(task.name) ~= "string" or not task.name:find "%S" then
        errors.usage("EINVAL", ("task %d of %s has no \"name\"; nothing was imported"):format(i, args.file))
      end
    end
    local added = core.json.array()
    for i, task in ipairs(tasks) do
      added[i] = errors.check_usage(p.store:add(task))
      if not args.json then print(added[i].id) end
    end
    if args.json then print(core.json.dump(added, 2)) end
  end,
}
