-- When limits end: rows worked out by hand, and both nights on which clocks change, in six zones, as
-- date(1) has them. No end may be early, none more than 90 s late.
local core = require "agentlua.core"
local limit = require "agentlua.limit"
local support = require "support"

-- Reads a text as a limit; nil or what is wrong with its end.
local function wrong(text, options, expected, kind)
  options.is_limit = kind == nil
  local found = limit.parse(text, options)
  local function said(what)
    return ("%s, %s, at %s: %s"):format(text, options.zone, core.time.iso(options.now), what)
  end
  if not found then return said "no limit" end
  if not found.resets_at then return said "no end" end
  if found.resets_at < expected or found.resets_at > expected + 90 then
    return said(("%s, not %s"):format(core.time.iso(found.resets_at), core.time.iso(expected)))
  end
  if kind and found.kind ~= kind then return said(found.kind .. ", not " .. kind) end
end

describe("the end of a limit, worked out by hand,", function()
  for _, group in ipairs(require "limit_reset_rows") do
    local now = core.time.parse_iso(group.now)
    for _, row in ipairs(group) do
      local text, expected, kind, vendor = table.unpack(row)
      it(("in %s: %s"):format(group.zone, core.text.printable(text)), function()
        local options = { now = now, zone = group.zone, vendor = vendor }
        assert.is_nil(wrong(text, options, core.time.parse_iso(expected), kind))
      end)
    end
  end
end)

describe("the end of a limit, as date(1) has it,", function()
  before_each(support.setup)
  after_each(support.teardown)

  -- A zone, a Sunday, and the half hour that a clock skips or shows twice then.
  local nights = {
    { "UTC", 2026, 3, 29 }, { "UTC", 2026, 10, 25 },
    { "Europe/Berlin", 2026, 3, 29, "02:30" }, { "Europe/Berlin", 2026, 10, 25, "02:30" },
    { "America/New_York", 2026, 3, 8, "02:30" }, { "America/New_York", 2026, 11, 1, "01:30" },
    { "Australia/Lord_Howe", 2026, 4, 5, "01:30" }, { "Australia/Lord_Howe", 2026, 10, 4 },
    { "Asia/Kathmandu", 2026, 3, 29 }, { "Asia/Kathmandu", 2026, 10, 25 },
    { "Pacific/Apia", 2020, 9, 27, "03:30" }, { "Pacific/Apia", 2021, 4, 4, "03:30" },
  }
  local months <const> = { [3] = "Mar", [4] = "Apr", [9] = "September", [10] = "Oct", [11] = "Nov" }

  -- Wordings of a half hour; the second value: the zone here.
  local wordings = {
    function(half, _, zone)
      return ("resets %d:30%s (%s)"):format(half.twelve, half.half_day, zone), "Asia/Tokyo"
    end,
    function(half, _, zone) return ("try again at %02d:30."):format(half.hour), zone end,
    function(half, _, zone) return ("resets at %d:30 %s"):format(half.twelve, half.half_day:upper()), zone end,
    function(half, date, zone)
      local month = months[date.month]
      return ("resets %s %d, %d:30%s (%s)"):format(month, date.day, half.twelve, half.half_day, zone), "UTC"
    end,
    function(half, date, zone)
      return ("until %d-%02d-%02d %02d:30"):format(date.year, date.month, date.day, half.hour), zone
    end,
    function(half, _, zone) return ("resets Sun %d:30 %s"):format(half.twelve, half.half_day), zone end,
    function(half, date, zone)
      return ("try again at %s %dth, %d %d:30 %s"):format(months[date.month], date.day, date.year, half.twelve,
        half.half_day:upper()), zone
    end,
  }

  -- Instants of wall times, by date.
  local function instants(zone, walls)
    local lines = {}
    for i, wall in ipairs(walls) do lines[i] = ('TZ="%s" %s\n'):format(zone, wall) end
    local said = support.command { "date", "-f", support.write("walls", table.concat(lines)), "+%s" }
    local all = {}
    for line in said.stdout:gmatch "%d+" do all[#all + 1] = tonumber(line) end
    assert.equal(#walls, #all)
    return all
  end

  for _, night in ipairs(nights) do
    local zone, year, month, day, special = table.unpack(night)
    local date = { year = year, month = month, day = day }
    it(("in %s, %d-%02d-%02d, every half hour"):format(zone, year, month, day), function()
      local walls, halves = {}, {}
      for hour = 0, 23 do
        local wall = ("%02d:30"):format(hour)
        if wall ~= special then
          walls[#walls + 1] = ("%d-%02d-%02d %s"):format(year, month, day, wall)
          halves[#halves + 1] = { hour = hour, twelve = (hour + 11) % 12 + 1, half_day = hour < 12 and "am" or "pm" }
        end
      end
      local problems = {}
      for i, expected in ipairs(instants(zone, walls)) do
        for j, earlier in ipairs { 61, 3 * 3600, 21 * 3600 + 17 } do
          local text, here = wordings[(i * 3 + j) % #wordings + 1](halves[i], date, zone)
          problems[#problems + 1] = wrong(text, { zone = here, now = expected - earlier }, expected)
        end
      end
      assert.equal("", table.concat(problems, "\n"))
    end)
  end
end)
