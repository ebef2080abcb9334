-- agentlua.work.checks: what verification looks at in the work itself, beside the commands of the configuration.
-- A check takes the work and returns findings, {path, line, what}.

local M = {}

-- Shapes of secrets that vendors document, as Lua patterns.
local shapes = {
  { "%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY", "private key" },
  { "%f[%w]AKIA[%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d]%f[%W]",
    "AWS access key" },
  { "%f[%w]gh[pousr]_" .. ("%w"):rep(36), "GitHub token" },
  { "%f[%w]github_pat_" .. ("[%w_]"):rep(22), "GitHub token" },
  { "%f[%w]glpat%-" .. ("[%w_-]"):rep(20), "GitLab token" },
  { "%f[%w]xox[abprs]%-%d+%-" .. ("%w"):rep(8), "Slack token" },
  { "%f[%w]AIza" .. ("[%w_-]"):rep(35), "Google API key" },
  { "%f[%w]sk%-ant%-" .. ("[%w_-]"):rep(20), "Anthropic API key" },
  { "%f[%w]sk%-" .. ("[%w_-]"):rep(32), "OpenAI API key" },
  { "%f[%w]npm_" .. ("%w"):rep(36), "npm token" },
  { "://[^%s:/@]+:[^%s:/@]+@[%w.-]+", "credentials in an address" },
}

-- Values that stand for a secret in examples.
local placeholders = {
  "^[xX*.]+$", "^<", "^%$", "^{", "^example", "^changeme", "^your", "^test", "^dummy", "^placeholder",
}

local function is_placeholder(value)
  for _, pattern in ipairs(placeholders) do
    if value:lower():find(pattern) then return true end
  end
  return false
end

local function assigned_secret(text)
  for name, value in text:gmatch "([%w_-]+)[\"']?%s*[:=]=?%s*[\"']([^\"'%s]+)[\"']" do
    local word = name:lower():gsub("[_-]", "")
    local secret = word:find "password$" or word:find "passwd$" or word:find "secret$" or word:find "apikey$"
      or word:find "accesstoken$" or word:find "authtoken$"
    if secret and #value >= 8 and not is_placeholder(value) then return "value of " .. name end
  end
end

local function secret_in(text, known)
  if text:find("noscan", 1, true) then return nil end
  for name, value in pairs(known) do
    if #value >= 6 and text:find(value, 1, true) then return "value of " .. name end
  end
  for _, shape in ipairs(shapes) do
    local found = text:match(shape[1])
    if found and not (shape[2] == "credentials in an address" and is_placeholder(found:match ":([^:@]+)@" or "")) then
      return shape[2]
    end
  end
  return assigned_secret(text)
end

local function home_in(text)
  if text:find("noscan", 1, true) then return nil end
  local name = text:match "/home/([%w._-]+)/" or text:match "/Users/([%w._-]+)/"
    or text:match "%a:\\+Users\\+([%w._-]+)\\"
  return name and not is_placeholder(name) and name ~= "user" and "home directory of '" .. name .. "'" or nil
end

-- Calls `look(path, number, text)` for each line that a patch adds.
local function added_lines(patch, look)
  local path, number
  for line in patch:gmatch "([^\n]*)\n?" do
    local kind = line:sub(1, 1)
    if not number and line:sub(1, 4) == "+++ " then -- else a line that begins with ++
      path = line:match '^%+%+%+ "?b/(.-)"?%s*$'
    elseif line:sub(1, 2) == "@@" then
      number = tonumber(line:match "^@@ %-[%d,]+ %+(%d+)")
    elseif line:sub(1, 11) == "diff --git " then
      path, number = nil, nil
    elseif number and path then
      if kind == "+" then look(path, number, line:sub(2)) end
      if kind ~= "-" and kind ~= "\\" then number = number + 1 end
    end
  end
end

local function scan(work, judge)
  local found = {}
  added_lines(work.patch(), function(path, number, text)
    local what = judge(text)
    if what then found[#found + 1] = { path = path, line = number, what = what } end
  end)
  return found
end

--- Secrets: known values, documented shapes, and assignments to names like password. A line with the word
--- noscan is passed over.
function M.secrets(work)
  return scan(work, function(text) return secret_in(text, work.secrets) end)
end

--- Paths in somebody's home directory.
function M.home_paths(work) return scan(work, home_in) end

--- Markers that an unresolved conflict leaves.
function M.conflict_markers(work)
  local found, opened = {}, {}
  added_lines(work.patch(), function(path, number, text)
    if text:find "^<<<<<<< ." then opened[path] = number end
    if text:find "^>>>>>>> ." and opened[path] then
      found[#found + 1] = { path = path, line = opened[path], what = "conflict markers" }
      opened[path] = nil
    end
  end)
  return found
end

--- Work that is not committed. agentlua commits it when it lands; who wants agents to do so asks for this.
function M.clean_tree(work)
  local found = {}
  for _, file in ipairs(work.status()) do found[#found + 1] = { path = file.path, line = 0, what = "not committed" } end
  return found
end

return M
