-- agentlua.limit.words: how vendors say that a limit is reached. Data: fix it here the day that a CLI
-- changes its wording; a backend (agents/<vendor>.lua) may carry a list `limits` of the same shape,
-- which is looked at first, then the list of its vendor, then `common`. The first rule that matches counts.
--
-- A rule is { wording, kind =, scope =, plain = }. The wording is a Lua pattern, or with `plain = true` any
-- text, in small letters: it is looked for in the message in small letters.
--   kind   rate        short: requests or tokens per minute
--          window      a session of some hours
--          daily weekly monthly
--          credit      no money or quota is left: a person has to act
--          overloaded  the vendor's servers, not this account
--   scope  account (default), organisation or model
--
-- Keep wordings so tight that code and prose do not match: "0.0429" and "the rate limiter" are no limits.

local rejected <const> = '"status"%s*:%s*"rejected".*"ratelimittype"%s*:%s*"'

return {
  claude = {
    { rejected .. "five_hour", kind = "window" },
    { rejected .. "seven_day_%a", kind = "weekly", scope = "model" },
    { rejected .. "seven_day", kind = "weekly" },
    { rejected .. "overage", kind = "credit" },
    { "opus[%a ]* limit reached", kind = "weekly", scope = "model" },
    { "sonnet[%a ]* limit reached", kind = "weekly", scope = "model" },
    { "hit your opus[%a ]* limit", kind = "weekly", scope = "model" },
    { "hit your sonnet[%a ]* limit", kind = "weekly", scope = "model" },
    { "out of extra usage", kind = "window" },
    { "credit balance is too low", kind = "credit", scope = "organisation" },
    { "rate limit of [%d,]+ [%a ]*per minute", kind = "rate", scope = "organisation" },
  },
  codex = {
    { "usage_limit_reached", kind = "window" },
    { "usage_not_included", kind = "credit" },
    { "workspace[%a ]* out of credits", kind = "credit", scope = "organisation" },
    { "exceeded retry limit, last status: 429", kind = "rate", plain = true },
    { "experiencing high demand", kind = "overloaded" },
  },
  gemini = {
    { "exhausted your daily quota", kind = "daily", scope = "model" },
    { "requestsperday", kind = "daily", scope = "model" },
    { "exhausted your capacity on this model", kind = "window", scope = "model" },
    { "exceeded your current quota", kind = "rate", scope = "model" },
    { "quota exceeded for metric", kind = "rate", scope = "model" },
  },
  qwen = {
    { "free allocated quota exceeded", kind = "credit" },
    { "allocated quota exceeded", kind = "rate" },
    { "free daily quota", kind = "daily" },
    { "qwen oauth[%a ]* quota", kind = "daily" },
    { "throttling%.%a*quota", kind = "rate" },
    { "arrearage", kind = "credit" },
  },
  opencode = {
    { "freeusagelimiterror", kind = "daily" },
    { "free usage exceeded", kind = "daily" },
    { "monthly spending limit", kind = "credit", scope = "organisation" },
  },
  common = {
    -- plans with windows
    { "hit your org[%a' ]*monthly", kind = "monthly", scope = "organisation" },
    { "hit your monthly[%a ]* limit", kind = "monthly" },
    { "reached your monthly[%a ]* limit", kind = "monthly" },
    { "monthly[%a ]* limit reached", kind = "monthly" },
    { "hit your weekly[%a ]* limit", kind = "weekly" },
    { "reached your weekly[%a ]* limit", kind = "weekly" },
    { "weekly[%a ]* limit reached", kind = "weekly" },
    { "hit your daily[%a ]* limit", kind = "daily" },
    { "reached your daily[%a ]* limit", kind = "daily" },
    { "daily[%a ]* limit reached", kind = "daily" },
    { "hit your [%w%- ]*limit", kind = "window" },
    { "reached your [%w%- ]*limit", kind = "window" },
    { "%d%-hour limit reached", kind = "window" },
    { "session limit reached", kind = "window" },
    { "usage limit reached", kind = "window" },
    -- nothing left
    { "insufficient_quota", kind = "credit" },
    { "insufficient credits?%f[%W]", kind = "credit" },
    { "insufficient balance", kind = "credit" },
    { "insufficient funds", kind = "credit" },
    { "out of credits%f[%W]", kind = "credit" },
    { "credit balance is too low", kind = "credit" },
    { "billing hard limit", kind = "credit", scope = "organisation" },
    { "check your plan and billing", kind = "credit" },
    { "402 payment required", kind = "credit" },
    -- the vendor's servers
    { "overloaded_error", kind = "overloaded" },
    { "%f[%d]529[%s%p]*overloaded", kind = "overloaded" },
    { "error[\"':=%s]+overloaded", kind = "overloaded" },
    { "model is[%a ]* overloaded", kind = "overloaded", scope = "model" },
    { "servers? %a+[%a ]* overloaded", kind = "overloaded" },
    { "model is[%a ]* at capacity", kind = "overloaded", scope = "model" },
    { "503 service unavailable", kind = "overloaded" },
    -- requests and tokens per minute or day
    { "rate limit reached for .* per day", kind = "daily", scope = "organisation" },
    { "rate limit reached for .* in organization", kind = "rate", scope = "organisation" },
    { "organization's rate limit", kind = "rate", scope = "organisation" },
    { "rate[ _-]?limit[ _-]reached", kind = "rate" },
    { "rate[ _-]?limit[ _-]?exceeded", kind = "rate" },
    { "exceeded[%a ]* rate limit", kind = "rate" },
    { "hit [%a]* ?rate limit", kind = "rate" },
    { "rate[ _-]?limit[ _-]?error", kind = "rate" },
    { '"rate_limit"', kind = "rate" },
    { "%f[%a]been rate[ -]limited", kind = "rate" },
    { "%f[%a]are[%a ]* rate[ -]limited", kind = "rate" },
    { "too many requests", kind = "rate" },
    { "resource_exhausted", kind = "rate" },
    { "resource has been exhausted", kind = "rate" },
    { "quota exceeded", kind = "rate" },
    { "exceeded[%a ]* quota", kind = "rate" },
    { "status[_%a]*[\"':=%s]*429%f[%D]", kind = "rate" },
    { "error[\"':=%s]*429%f[%D]", kind = "rate" },
    { "code[\"':=%s]*429%f[%D]", kind = "rate" },
    { "http[/%d.]* 429%f[%D]", kind = "rate" },
    { "rejected %(429%)", kind = "rate" },
    -- a header or a field that only limits have
    { "retry[-_]after[-_%a]*[\"':=%s]+%d", kind = "rate" },
    { 'retry_?delay[_%a]*"%s*:%s*"?%d', kind = "rate" },
  },
}
