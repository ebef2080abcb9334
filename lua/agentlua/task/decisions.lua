-- agentlua.task.decisions: decisions that count for more than one task, one JSON file each:
-- decisions/<status>/dec-<8 hex>-<slug>.json. The directory is the status; fields that nobody here
-- knows are kept. A change of status is one rename, then the file says it, too.

local core = require "agentlua.core"

local M = {}

M.statuses = { "proposed", "accepted", "deprecated", "superseded" }

-- Files of decisions, the furthest status first: a file that is there twice counts once.
local function files(dir)
  local found = {}
  for i = #M.statuses, 1, -1 do
    local status = M.statuses[i]
    for _, name in ipairs(core.fs.list(dir .. "/" .. status) or {}) do
      local id = name:match "^(dec%-%x%x%x%x%x%x%x%x)[-.].*json$"
      if id and not found[id] then
        found[id] = true
        found[#found + 1] = { id = id, status = status, name = name, path = ("%s/%s/%s"):format(dir, status, name) }
      end
    end
  end
  return found
end

local function read(file)
  local info = core.fs.stat(file.path)
  local text = info and info.type == "file" and core.fs.read(file.path)
  local decision = text and core.json.parse(text)
  if type(decision) ~= "table" or getmetatable(decision) then
    return nil, ("'%s' is not a decision: it does not hold a JSON object"):format(file.path), "EDAMAGED"
  end
  decision.id, decision.status = file.id, file.status
  return decision
end

local function find(dir, key)
  local wanted = key:match "^dec%-" and key or "dec-" .. key
  local found
  for _, file in ipairs(files(dir)) do
    if file.id == wanted then return file end
    if #wanted > #"dec-" and file.id:sub(1, #wanted) == wanted then
      if found then return nil, ("'%s' begins the ids of several decisions"):format(key), "EAMBIGUOUS" end
      found = file
    end
  end
  if found then return found end
  return nil, ("no decision '%s'; agentlua decision list shows them"):format(key), "ENOENT"
end

local function write(path, decision, create)
  decision.updated_at = core.time.iso()
  return core.fs.write { path = path, content = core.json.dump(decision, 2) .. "\n", create_only = create }
end

--- The decision that `key` names: its id, or the unique beginning of one.
---@return table decision | nil, string message, string code
function M.get(dir, key)
  local file, message, code = find(dir, key)
  if not file then return nil, message, code end
  return read(file)
end

--- All decisions, or those of one status, oldest first; and messages for files that are none.
---@return table[] decisions, string[] problems
function M.list(dir, status)
  local all, problems = core.json.array(), {}
  for _, file in ipairs(files(dir)) do
    if not status or file.status == status then
      local decision, message = read(file)
      all[#all + 1], problems[#problems + 1] = decision, message
    end
  end
  local function key(decision) return tostring(decision.created_at or "") .. decision.id end
  table.sort(all, function(a, b) return key(a) < key(b) end)
  return all, problems
end

local lists = { "alternatives_considered", "stakeholders", "related_task_ids", "related_decision_ids", "tags" }

local function problem(fields)
  for _, name in ipairs { "title", "context", "decision" } do
    local value = fields[name]
    if type(value) ~= "string" or not value:find "%S" then return "a decision needs a " .. name end
  end
  local status, impact = fields.status, fields.impact
  if status and status ~= "proposed" and status ~= "accepted" then return "a new decision is proposed or accepted" end
  if impact and impact ~= "high" and impact ~= "medium" and impact ~= "low" then
    return "the impact of a decision is high, medium or low"
  end
end

--- Adds a decision. Fields: title, context, decision; status = proposed or accepted, type, consequences,
--- alternatives_considered = list of {option, reason_rejected}, stakeholders, related_task_ids,
--- related_decision_ids, tags, impact = high, medium or low.
---@return table decision | nil, string message, string code
function M.add(dir, fields)
  local wrong = problem(fields)
  if wrong then return nil, wrong, "EINVAL" end
  local decision = { status = "proposed", type = "technical", impact = "medium", consequences = "" }
  for name, value in pairs(fields) do decision[name] = value end
  for _, name in ipairs(lists) do decision[name] = core.json.array(decision[name] or {}) end
  repeat decision.id = "dec-" .. core.text.uuid():sub(1, 8) until not find(dir, decision.id)
  decision.created_at = core.time.iso()
  local place = dir .. "/" .. decision.status
  local made, message, code = core.fs.mkdir(place)
  if not made then return nil, message, code end
  local path = ("%s/%s-%s.json"):format(place, decision.id, core.text.slug(decision.title))
  made, message, code = write(path, decision, true)
  if not made then return nil, message, code end
  return decision
end

--- Merges `patch` into the fields of a decision, wherever it is.
---@return table decision | nil, string message, string code
function M.update(dir, key, patch)
  local file, message, code = find(dir, key)
  if not file then return nil, message, code end
  local decision
  decision, message, code = read(file)
  if not decision then return nil, message, code end
  for name, value in pairs(patch) do decision[name] = value end
  decision.id, decision.status = file.id, file.status
  local written
  written, message, code = write(file.path, decision)
  if not written then return nil, message, code end
  return decision
end

-- from: the statuses that a decision may leave for this one. One that is there already stays there.
local function move(dir, key, from, to, patch)
  local file, message, code = find(dir, key)
  if not file then return nil, message, code end
  if file.status ~= to then
    if not from[file.status] then
      return nil, ("decision '%s' is %s and cannot become %s"):format(file.id, file.status, to), "ESTATE"
    end
    local made
    made, message, code = core.fs.mkdir(dir .. "/" .. to)
    if not made then return nil, message, code end
    if not os.rename(file.path, ("%s/%s/%s"):format(dir, to, file.name)) then
      return nil, ("decision '%s' was moved by somebody else meanwhile; look again"):format(file.id), "ECONFLICT"
    end
  end
  return M.update(dir, file.id, patch)
end

--- A decision that holds from now on.
function M.accept(dir, key)
  return move(dir, key, { proposed = true }, "accepted", { accepted_at = core.time.iso() })
end

--- A decision that holds no longer.
function M.deprecate(dir, key, reason)
  return move(dir, key, { proposed = true, accepted = true }, "deprecated", {
    deprecated_at = core.time.iso(), deprecated_reason = reason,
  })
end

--- A decision in the place of which `by` holds now.
function M.supersede(dir, key, by)
  local other, message, code = find(dir, by)
  if not other then return nil, message, code end
  local old = find(dir, key)
  if old and old.id == other.id then return nil, "a decision cannot take its own place", "EINVAL" end
  return move(dir, key, { proposed = true, accepted = true, deprecated = true }, "superseded", {
    superseded_at = core.time.iso(), superseded_by = other.id,
  })
end

return M
