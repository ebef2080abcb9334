-- agentlua.limit.text: what a vendor's message says about a limit, as a value. The wordings are data
-- (words.lua); the time is found natively (core.limit).

local core = require "agentlua.core"
local words = require "agentlua.limit.words"

local M = {}

local longest <const> = 8192 -- bytes that are looked at, as native code does
local kinds <const> = {
  rate = true, window = true, daily = true, weekly = true, monthly = true, credit = true, overloaded = true,
}

-- First rule that matches, from where to where.
local function first_match(rules, text)
  for i, rule in ipairs(rules) do
    local ok, from, to = pcall(string.find, text, rule[1], 1, rule.plain)
    if not ok or not kinds[rule.kind] then
      error(("limits[%d] '%s': %s; a rule is { pattern, kind = \"rate\", scope = \"account\" }"):format(i,
        tostring(rule[1]), ok and "unknown kind '" .. tostring(rule.kind) .. "'" or from), 0)
    end
    if from then return rule, from, to end
  end
end

-- The excerpt of a text that says so, in one line of at most 200 bytes.
local function excerpt(text, from, to)
  local line = core.text.printable((text:sub(from, math.min(to, from + 199)):gsub("%s+", " "))):sub(1, 200)
  while not utf8.len(line) do line = line:sub(1, -2) end
  return line
end

-- Rules in order: those of a backend, of a vendor, of everybody.
local function find_rule(text, options)
  local lists = { options.words or {}, words[options.vendor] or {}, words.common }
  for i, rules in ipairs(lists) do
    if i == 1 or lists[i] ~= lists[i - 1] then
      local rule, from, to = first_match(rules, text)
      if rule then return rule, from, to end
    end
  end
end

-- Kind of a limit that is known to be one, but not by its wording.
local function guess_kind(time, now) return time and time.resets_at - now > 600 and "window" or "rate" end

---@class agentlua.limit
---@field vendor string?
---@field account string?
---@field kind "rate"|"window"|"daily"|"weekly"|"monthly"|"credit"|"overloaded"
---@field scope "account"|"organisation"|"model"
---@field resets_at number? wall seconds; nil: the message names no time that is understood
---@field confidence "exact"|"clock"|"none" an instant or a number of seconds; a wall time; no time
---@field evidence string what the message says: printable, one line, at most 200 bytes

--- Reads a limit from a vendor's message. nil when it says of none; a time alone is no limit. The first
--- 8 KiB count. A "clock" time is cut to the minute by vendors: who waits for it adds one.
---@param text string
---@param options { vendor: string?, account: string?, words: table[]?, now: number?, zone: string?,
---   is_limit: boolean? }?
---   words: rules looked at first (words.lua says their shape). now: default is the clock. zone: of wall
---   times that name none; default is this machine's. is_limit: known to be one, so that a time is enough.
---@return agentlua.limit?
function M.parse(text, options)
  options = options or {}
  local now = options.now or core.time.now()
  text = text:sub(1, longest)
  local rule, from, to = find_rule(text:lower(), options)
  if not rule and not options.is_limit then return nil end
  local time, message, code = core.limit.parse { text = text, now = now, zone = options.zone or "" }
  if code then error(message, 2) end
  if type(time) ~= "table" then time = nil end
  if time then from, to = math.min(from or time.from, time.from), math.max(to or time.to, time.to) end
  return {
    vendor = options.vendor,
    account = options.account,
    kind = rule and rule.kind or guess_kind(time, now),
    scope = rule and rule.scope or "account",
    resets_at = time and time.resets_at,
    confidence = time and time.confidence or "none",
    evidence = excerpt(text, from or 1, to or #text),
  }
end

return M
