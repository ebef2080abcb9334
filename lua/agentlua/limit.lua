-- agentlua.limit: usage limits as values, and waiting for their end. Kept per account in the user's
-- state directory, so that every runner on the machine, and the next start, knows of them.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local limit_text = require "agentlua.limit_text"
local lock = require "agentlua.lock"

local M = {}

--- Directory of what is shared by all projects of the user.
function M.state_dir()
  local base = os.getenv "XDG_STATE_HOME"
  if not base or base == "" then base = (os.getenv "HOME" or "") .. "/.local/state" end
  return base .. "/agentlua"
end

M.parse = limit_text.parse

local function file() return M.state_dir() .. "/limits.json" end

--- All limits that hold now: {["vendor/account"] = {resets_at, evidence}}.
function M.all()
  local text = core.fs.read(file())
  local kept, limits = text and core.json.parse(text), {}
  for key, limit in pairs(type(kept) == "table" and kept or {}) do
    local ends = type(limit) == "table" and tonumber(limit.resets_at)
    if ends and ends > core.time.now() or type(limit) == "table" and limit.kind == "auth" then limits[key] = limit end
  end
  return limits
end

--- Remembers a limit for everybody who uses this account. A later end wins.
function M.report(account, resets_at, evidence)
  errors.check(core.fs.mkdir(M.state_dir()))
  local guard <close> = errors.check(lock(file() .. ".lock", { wait = 10 }))
  local limits = M.all()
  if not limits[account] or limits[account].resets_at < resets_at then
    limits[account] = { resets_at = resets_at, evidence = evidence }
  end
  errors.check(core.fs.write { path = file(), content = core.json.dump(limits, 2) .. "\n" })
  guard:close()
end

--- Seconds until `account` may be used again; 0 when it may now.
function M.remaining(account)
  local limit = M.all()[account]
  if limit and not limit.resets_at then return math.huge end
  return limit and math.max(0, limit.resets_at - core.time.now()) or 0
end

--- Waits until `account` may be used; `stopped()` is asked four times a second. True when it may.
function M.wait(account, stopped)
  while true do
    local left = M.remaining(account)
    if left <= 0 then return true end
    if stopped and stopped() then return false end
    fiber.sleep(math.min(left, 0.25))
  end
end

-- ---- accounts that are not logged in --------------------------------------------------------------------

local function change(act)
  errors.check(core.fs.mkdir(M.state_dir()))
  local guard <close> = errors.check(lock(file() .. ".lock", { wait = 10 }))
  local limits = M.all()
  act(limits)
  errors.check(core.fs.write { path = file(), content = core.json.dump(limits, 2) .. "\n" })
  guard:close()
end

local report = M.report
function M.report(found, ...)
  if type(found) ~= "table" then return report(found, ...) end
  change(function(limits)
    limits[found.account] = { kind = found.kind, resets_at = found.resets_at, evidence = found.evidence }
  end)
end

--- The limit that holds for an account now, or nil.
function M.get(account) return M.all()[account] end

--- Forgets the limit of an account, of one kind only when `kind` is given: "auth" after a login.
function M.clear(account, kind)
  local held = M.get(account)
  if held and (not kind or held.kind == kind) then change(function(limits) limits[account] = nil end) end
end

--- Seconds to wait before try `n`, with full jitter: grows from `base` to at most `cap`.
function M.backoff(n, base, cap)
  return math.random() * math.min(cap or 3600, (base or 30) * 2 ^ (n - 1))
end

return M
