-- What is a limit, of which kind, and what is none. The texts have the shape of what CLIs print.
local core = require "agentlua.core"
local limit = require "agentlua.limit"

local now <const> = core.time.parse_iso "2026-11-20T12:00:00Z"

local function parse(text, options)
  options = options or {}
  options.now, options.zone = now, "UTC"
  return limit.parse(text, options)
end

describe("the kind of a limit", function()
  -- Vendor, text, kind, scope (account when not said).
  for _, row in ipairs {
    { "claude", "You've hit your session limit · resets 3pm", "window" },
    { "claude", "You’ve hit your limit · resets 3pm (UTC)", "window" },
    { "claude", "You've hit your Opus limit · resets Oct 9", "weekly", "model" },
    { "claude", "You've hit your weekly limit", "weekly" },
    { "claude", "You've hit your org's monthly usage limit", "monthly", "organisation" },
    { "claude", '{"rate_limit_info": {"status": "rejected", "rateLimitType": "seven_day_opus"}}', "weekly", "model" },
    { "claude", "Credit balance is too low", "credit", "organisation" },
    { "claude", "API Error: 529 Overloaded. This is a server-side issue, usually temporary", "overloaded" },
    { "claude", 'API Error: 529 {"type":"error","error":{"type":"overloaded_error"}}', "overloaded" },
    { "claude", '{"type":"system","subtype":"api_retry","error_status":429,"error":"rate_limit"}', "rate" },
    { "claude", '{"type":"system","subtype":"api_retry","error_status":529,"error":"overloaded"}', "overloaded" },
    { "claude", "API Error: Request rejected (429) · This request would exceed your organization's rate limit of "
      .. "30,000 input tokens per minute.", "rate", "organisation" },
    { "codex", "exceeded retry limit, last status: 429 Too Many Requests", "rate" },
    { "codex", "Quota exceeded. Check your plan and billing details.", "credit" },
    { "codex", "Your workspace is out of credits.", "credit", "organisation" },
    { "codex", "We're currently experiencing high demand", "overloaded" },
    { "gemini", "[API Error: You have exhausted your daily quota on this model.]", "daily", "model" },
    { "gemini", '"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"', "daily", "model" },
    { "gemini", "You exceeded your current quota, please check your plan and billing details.", "rate", "model" },
    { "gemini", "The model is overloaded. Please try again later.", "overloaded", "model" },
    { "qwen", "[API Error: 429 You exceeded your current quota, please check your plan and billing.]", "credit" },
    { "qwen", "Throttling.RateQuota", "rate" },
    { "qwen", "Free allocated quota exceeded.", "credit" },
    { "opencode", "Rate limit reached for m in organization o on tokens per min (TPM)", "rate", "organisation" },
    { "opencode", "Rate limit reached for m in organization o on requests per day (RPD)", "daily", "organisation" },
    { "opencode", '{"type":"insufficient_quota"}', "credit" },
    { "./agent.sh", "Error: 429", "rate" },
    { "./agent.sh", "HTTP/2 429", "rate" },
    { "./agent.sh", "status code 429", "rate" },
    { "./agent.sh", "RateLimitError", "rate" },
    { "./agent.sh", "rate_limit_exceeded", "rate" },
    { "./agent.sh", "You have hit your limit.", "window" },
    { "./agent.sh", "402 Payment Required", "credit" },
  } do
    local vendor, text, kind, scope = table.unpack(row)
    it(("%s of '%s'"):format(kind, core.text.printable(text)), function()
      local found = parse(text, { vendor = vendor })
      assert.same({ kind, scope or "account" }, { found.kind, found.scope })
    end)
  end
end)

describe("no limit is", function()
  for _, text in ipairs {
    "", "all tests passed", "total_cost_usd: 0.0429", "error: 0.0429", "cost 429 tokens", "port 429",
    "listening on 127.0.0.1:4290", "code: 4290", "error 4291", "status: 42900", "line 429 of rate.lua",
    "resets 3pm (UTC)", "retry the build",
    "try again in 5 minutes", "I added a rate limiter and its tests", "the limit of 100 lines was reached",
    "an overloaded operator", "the rate limit is documented", "waiting 20 seconds", "usage: agentlua run X",
    '{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","resetsAt":1795219352,'
      .. '"rateLimitType":"five_hour","overageStatus":"rejected"}}',
    '{"rate_limit_info":{"status":"allowed_warning","rateLimitType":"seven_day"}}',
    "credits: the authors", "quota.lua: 3 functions",
    "Possible quota limitations in place or slow response times detected.",
  } do
    it("'" .. core.text.printable(text) .. "'", function()
      for _, vendor in ipairs { "claude", "codex", "gemini", "qwen", "opencode", "own" } do
        assert.is_nil(parse(text, { vendor = vendor }))
      end
    end)
  end
end)

describe("limit.parse", function()
  it("is a value with all that is known", function()
    assert.same({
      vendor = "claude", account = "claude/work", kind = "window", scope = "account", resets_at = now + 3 * 3600,
      confidence = "clock", evidence = "hit your session limit · resets 3pm (UTC)",
    }, parse("You've hit your session limit · resets 3pm (UTC), sorry", { vendor = "claude", account = "claude/work" }))
  end)

  it("without a time it says so", function()
    for _, text in ipairs { "Session limit reached", "Session limit reached, resets 3pm (Mars/Olympus)" } do
      local found = parse(text)
      assert.same({ "window", "none" }, { found.kind, found.confidence })
      assert.is_nil(found.resets_at)
    end
  end)

  it("of a text that is known to be a limit, it looks for the time", function()
    local soon = parse("try again in 20s", { is_limit = true })
    assert.same({ "rate", "account", "exact", now + 20 }, { soon.kind, soon.scope, soon.confidence, soon.resets_at })
    assert.equal("window", parse("come back at 3pm", { is_limit = true }).kind)
    assert.equal("weekly", parse("weekly limit reached", { is_limit = true }).kind)
    local nothing = parse("sorry", { is_limit = true })
    assert.same({ "rate", "none", "sorry" }, { nothing.kind, nothing.confidence, nothing.evidence })
  end)

  it("looks at the words of a backend first, as patterns or plain", function()
    local words = {
      { "no more (today)", kind = "daily", scope = "model", plain = true },
      { "session%s+limit", kind = "monthly" },
    }
    local found = parse("No more (today)! Try again in 2 hours", { words = words })
    assert.same({ "daily", "model", now + 7200 }, { found.kind, found.scope, found.resets_at })
    assert.equal("monthly", parse("Session limit reached", { words = words, vendor = "claude" }).kind)
    assert.equal("weekly", parse("Weekly limit reached", { words = words, vendor = "claude" }).kind)
  end)

  it("names the rule of a backend that is none", function()
    for _, rule in ipairs { { "x[", kind = "rate" }, { "x", kind = "hourly" }, { kind = "rate" } } do
      local ok, message = pcall(parse, "x", { words = { rule } })
      assert.is_false(ok)
      assert.matches("^limits%[1%] '.*': .*; a rule is { pattern, kind = ", message)
    end
  end)

  it("names a zone that is not known", function()
    local ok, message = pcall(limit.parse, "session limit reached, resets 3pm", { zone = "Mars/Olympus" })
    assert.is_false(ok)
    assert.matches("unknown time zone 'Mars/Olympus'; use a name like", message, 1, true)
  end)

  it("gives evidence in one printable line of at most 200 bytes", function()
    local hostile = "rate limit exceeded \27]0;x\7\n\xff" .. ("ü\27"):rep(200) .. " retry after 5 seconds"
    local found = parse(hostile)
    assert.equal(now + 5, found.resets_at)
    assert.is_true(#found.evidence <= 200)
    assert.is_truthy(utf8.len(found.evidence))
    assert.matches("^rate limit exceeded \\x1b%]0;x\\x07 \\xffü", found.evidence)
    assert.is_nil(found.evidence:find "%c")
    assert.equal("x", parse("x", { is_limit = true }).evidence)
    assert.equal("", parse("", { is_limit = true }).evidence)
  end)

  it("counts from now unless it is told another time", function()
    local found = limit.parse "429 Too Many Requests, retry-after: 60"
    assert.is_true(math.abs(found.resets_at - core.time.now() - 60) < 5)
  end)

  it("takes a moment for a long and hostile text", function()
    for _, part in ipairs {
      "x", "hit your ", "a", " ", '"status":"rejected"', "rate limit reached for ", "opus ", "429", "resets 3pm (A/B) ",
      "hit ", "error: ", "workspace ", "model is ", "servers are ", "exceeded ", "0,", "qwen oauth ", "hit rate ",
    } do
      for _, vendor in ipairs { "claude", "qwen" } do
        local text, started = part:rep(1000000 // #part), os.clock()
        parse(text, { vendor = vendor })
        assert.is_true(os.clock() - started < 5, part)
      end
    end
  end)
end)
