-- agentlua.limit: usage limits as values, and waiting for their end. Kept per account in the user's
-- state directory, so that every runner on the machine, and the next start, knows of them.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local limit_text = require "agentlua.limit.text"
local rate = require "agentlua.limit.rate"
local state = require "agentlua.state"

local M = {
  clock = state.clock,
  parse = limit_text.parse, -- (text, {vendor=, words=, now=, is_limit=}) -> {kind, scope, resets_at, ...} | nil
  bucket = rate.bucket, -- {name=, per_minute=, burst=} -> bucket: take wait
}

-- ---- limits as values ---------------------------------------------------------------------------------

-- {["vendor/account"] = {vendor, account, kind, scope, resets_at, confidence, evidence, reported_at, boot_id,
-- boot_ends}}. The end is written down on two clocks: in wall time, and on the clock that only runs forward
-- (with the boot it belongs to), so that setting the wall clock neither ends a wait early nor prolongs it.
local file = "limits.json"

-- Seconds that what is written down still holds; math.huge: until somebody clears it.
local function left_of(kept)
  if type(kept) ~= "table" then return 0 end
  local ends, boot_ends = tonumber(kept.resets_at), tonumber(kept.boot_ends)
  if not ends then return type(kept.kind) == "string" and math.huge or 0 end
  local left = boot_ends and kept.boot_id == M.clock.boot_id() and boot_ends - M.clock.boot()
    or ends - M.clock.wall()
  return math.max(0, left)
end

-- A limit as its users see it: resets_at is what the wall clock will show when it ends.
local function value_of(kept)
  local left, value = left_of(kept), {}
  if left == 0 then return nil end
  for _, name in ipairs { "vendor", "account", "kind", "scope", "confidence", "evidence", "reported_at" } do
    value[name] = type(kept[name]) == "string" and kept[name] or nil
  end
  value.kind = value.kind or "usage"
  value.resets_at = left < math.huge and M.clock.wall() + left or nil
  return value
end

--- All limits that hold now: {["vendor/account"] = {vendor, account, kind, scope?, resets_at?, confidence?,
--- evidence?, reported_at}}. Without `resets_at` (wall seconds) it holds until it is cleared.
function M.all()
  local limits = {}
  for key, kept in pairs(state.read(file)) do limits[key] = value_of(kept) end
  return limits
end

--- The limit that holds for "vendor/account" now, or nil.
function M.get(account) return value_of(state.read(file)[account]) end

--- Seconds until a limit ends; math.huge when only clear() ends it, 0 for nil.
function M.left(limit)
  if not limit then return 0 end
  return limit.resets_at and math.max(0, limit.resets_at - M.clock.wall()) or math.huge
end

--- Seconds until `account` may be used again; 0 when it may now.
function M.remaining(account) return M.left(M.get(account)) end

--- Remembers a limit for everybody who uses the account. `found` has account = "vendor/account", and kind
--- ("usage" when left out), scope, resets_at = wall seconds, confidence, evidence. A later end wins; without
--- `resets_at` it holds until clear().
---@return table limit  the one that holds now, boolean fresh  it is this one
function M.report(found)
  local clock = M.clock
  local vendor, account = found.account:match "^(.*)/([^/]*)$"
  local entry = {
    vendor = vendor, account = account, kind = found.kind or "usage", scope = found.scope,
    resets_at = found.resets_at, confidence = found.confidence, evidence = found.evidence,
    reported_at = core.time.iso(clock.wall()), boot_id = clock.boot_id(),
    boot_ends = found.resets_at and clock.boot() + found.resets_at - clock.wall(),
  }
  return state.change(file, function(limits)
    for key, kept in pairs(limits) do
      if left_of(kept) == 0 then limits[key] = nil end
    end
    local fresh = left_of(entry) > left_of(limits[found.account])
    if fresh then limits[found.account] = entry end
    return value_of(limits[found.account] or entry), fresh
  end)
end

--- Forgets the limit of an account, of one kind only when `kind` is given: "auth" after a login.
function M.clear(account, kind)
  if not M.get(account) then return end
  state.change(file, function(limits)
    local kept = limits[account]
    if kept and (not kind or kept.kind == kind) then limits[account] = nil end
  end)
end

--- An agent of the account has just done its work: what holds until it is cleared does not hold any more.
function M.works(account)
  local held = M.get(account)
  if held and not held.resets_at then M.clear(account, held.kind) end
end

--- A limit in words: "claude/default: usage limit until 2026-01-31 15:00:00".
function M.describe(account, held)
  if held.kind == "auth" then
    return ("%s: not logged in; agentlua login %s"):format(account, held.vendor or account)
  end
  local ends = held.resets_at and os.date("until %Y-%m-%d %H:%M:%S", (held.resets_at + 0.5) // 1)
    or "until a person answers the task that has met it"
  return ("%s: %s limit %s"):format(account, held.kind, ends)
end

-- ---- waiting ------------------------------------------------------------------------------------------

--- A little more than `left` seconds, so that those who wait for the same end do not come all at once.
function M.after(left) return left + math.random() * math.min(10, left * 0.02) end

--- Waits until `account` may be used: until the end, or until somebody clears the limit. `stopped()` is
--- asked twice a second, if given. True when the account is free.
function M.wait(account, stopped)
  local bell = fiber.bell()
  local watch <close> = state.watch(function() bell:ring() end)
  while true do
    local left = M.remaining(account)
    if left <= 0 then return true end
    if stopped and stopped() then return false end
    bell:wait(math.min(M.after(left), stopped and 0.5 or watch and 3600 or 5))
  end
end

--- Seconds to wait before try `n`: grow from `base` (60) to at most `cap` (3600), half of them by chance.
function M.backoff(n, base, cap)
  return (1 + math.random()) / 2 * math.min(cap or 3600, (base or 60) * 2 ^ (n - 1))
end

return M
