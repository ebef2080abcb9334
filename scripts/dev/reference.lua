-- Writes the reference as Markdown, one page for each file of lua/agentlua/_meta, and README.md that lists them:
--
--   lua5.4 scripts/dev/reference.lua [DIR]     (build/reference; needs LUA_PATH and LUA_CPATH as in README.md)

local core = require "agentlua.core"
local stubs = require "agentlua.stubs"

local dir = arg[1] or "build/reference"

local function anchor(text) return (text:lower():gsub("[^%w_ -]", ""):gsub(" ", "-")) end

-- A cell of a table.
local function cell(text) return (text or ""):gsub("|", "\\|") end

-- al.process.run, repo:land, for a function; what comes before the name is how scripts get at it.
local function owner_of(class)
  local short = class.name:match "[^.]*$"
  if class.name == "agentlua" then return "al" end
  if short:find "^%l" and stubs.field("agentlua", short) then return "al." .. short end
  return short:find "^%l" and ('require "%s"'):format(class.name) or short:gsub("%u", string.lower, 1)
end

local function describe_function(class, field, out)
  local names = {}
  for i, param in ipairs(field.type.params) do names[i] = param.optional and "[" .. param.name .. "]" or param.name end
  out[#out + 1] = ("### %s%s%s(%s)\n"):format(owner_of(class), field.method and ":" or ".", field.name,
    table.concat(names, ", "))
  if field.text ~= "" then out[#out + 1] = field.text .. "\n" end
  for _, param in ipairs(field.type.params) do
    if param.written then
      out[#out + 1] = ("- `%s`%s: `%s` %s"):format(param.name, param.optional and " (optional)" or "",
        param.written:match "^(.-)%s*$", param.text)
    end
  end
  for _, one in ipairs(field.returns) do
    out[#out + 1] = ("- returns `%s` %s"):format(one.written:match "^(.-)%s*$", one.text)
  end
  out[#out + 1] = ""
end

local function describe_class(class, out)
  out[#out + 1] = ("## %s\n"):format(class.name)
  if #class.text > 0 then out[#out + 1] = table.concat(class.text, " ") .. "\n" end
  if class.parent then out[#out + 1] = ("All of %s, and:\n"):format(class.parent) end
  local rows, functions = {}, {}
  for _, field in ipairs(class.order) do
    if field.is_function then
      functions[#functions + 1] = field
    else
      rows[#rows + 1] = ("| `%s`%s | `%s` | %s |"):format(field.name, field.optional and "" or " *",
        cell(field.written:match "^(.-)%s*$"), cell(field.text))
    end
  end
  if #rows > 0 then
    out[#out + 1] = "| field (* always there) | type | |\n| --- | --- | --- |\n" .. table.concat(rows, "\n") .. "\n"
  end
  for _, field in ipairs(functions) do describe_function(class, field, out) end
end

local pages, index = {}, { "# Reference\n" }
for _, class in ipairs(stubs.load().list) do
  if not pages[class.topic] then
    pages[class.topic] = { ("# %s\n"):format(class.topic) }
    index[#index + 1] = ("- [%s](%s.md)"):format(class.topic, class.topic)
  end
  describe_class(class, pages[class.topic])
  index[#index + 1] = ("  - [%s](%s.md#%s)"):format(class.name, class.topic, anchor(class.name))
end
pages.README = index
assert(core.fs.mkdir(dir))
for topic, lines in pairs(pages) do
  assert(core.fs.write { path = ("%s/%s.md"):format(dir, topic), content = table.concat(lines, "\n") .. "\n" })
end
print("written: " .. dir)
