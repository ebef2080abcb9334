---@meta agentlua.limit

---@alias agentlua.LimitKind "rate"|"window"|"daily"|"weekly"|"monthly"|"credit"|"overloaded"|"usage"|"auth"
---@alias agentlua.LimitScope "account"|"organisation"|"model"

--- A limit of an account, "vendor/account".
---@class agentlua.Limit
---@field vendor? string
---@field account? string
---@field kind agentlua.LimitKind
---@field scope? agentlua.LimitScope
---@field resets_at? number wall seconds; nil: until it is cleared
---@field confidence? "exact"|"clock"|"none"
---@field evidence? string what the message says
---@field reported_at? string

---@class (exact) agentlua.LimitParseOptions
---@field vendor? string
---@field account? string
---@field words? agentlua.LimitRule[] looked at first
---@field now? number wall seconds
---@field zone? string of wall times that name none; this machine's by default
---@field is_limit? boolean known to be one

---@class (exact) agentlua.LimitReport
---@field account string "vendor/account"
---@field kind? agentlua.LimitKind "usage" by default
---@field scope? agentlua.LimitScope
---@field resets_at? number wall seconds
---@field confidence? "exact"|"clock"|"none"
---@field evidence? string

---@class (exact) agentlua.BucketOptions
---@field name string
---@field per_minute number starts
---@field burst? integer at once after a pause; 1 by default

---@class agentlua.Bucket
local bucket = {}

--- Seconds until a start is possible; 0: now.
---@return number
function bucket:remaining() end

--- Takes a start: true, or nil and the seconds until there is one.
---@return boolean?
---@return number seconds
function bucket:take() end

--- Waits until there is a start, and takes it; false: stopped.
---@param stopped? fun(): boolean?
---@return boolean
function bucket:wait(stopped) end

---@param kept table
---@return number
function bucket:due(kept) end

---@class agentlua.limit
---@field clock table<string, any> where the time comes from
local limit = {}

--- Reads a limit from a vendor's message; nil when it says of none.
---@param text string
---@param options? agentlua.LimitParseOptions
---@return agentlua.Limit?
function limit.parse(text, options) end

--- A bucket of starts that all processes of the user share by its name.
---@param options agentlua.BucketOptions
---@return agentlua.Bucket
function limit.bucket(options) end

--- All limits that hold now, by "vendor/account".
---@return table<string, agentlua.Limit>
function limit.all() end

---@param account string
---@return agentlua.Limit?
function limit.get(account) end

--- Seconds until a limit ends.
---@param limit? agentlua.Limit
---@return number
function limit.left(limit) end

--- Seconds until an account may be used; 0: now.
---@param account string
---@return number
function limit.remaining(account) end

--- Remembers a limit for everybody who uses the account.
---@param found agentlua.LimitReport
---@return agentlua.Limit the one that holds now
---@return boolean fresh
function limit.report(found) end

--- Forgets the limit of an account, of one kind only when `kind` is given.
---@param account string
---@param kind? agentlua.LimitKind
function limit.clear(account, kind) end

--- An agent of the account has just done its work.
---@param account string
function limit.works(account) end

--- A limit in words.
---@param account string
---@param held agentlua.Limit
---@return string
function limit.describe(account, held) end

--- A little more than `left` seconds.
---@param left number
---@return number
function limit.after(left) end

--- Waits until an account may be used; false: stopped.
---@param account string
---@param stopped? fun(): boolean?
---@return boolean
function limit.wait(account, stopped) end

--- Seconds to wait before try `n`: they grow from `base` (60) to `cap` (3600).
---@param n integer
---@param base? number
---@param cap? number
---@return number
function limit.backoff(n, base, cap) end

return limit
