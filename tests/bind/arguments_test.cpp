// Every function and method with everything that it does not expect: it returns or raises.

#include "support.hpp"

using boundary::one_state;

namespace {

// Wrong arguments, packed, and tables whose known fields all have one wrong value.
constexpr char samples[] = R"lua(
  pack, itself = table.pack, {}
  itself.itself = itself
  wrong = {
    pack(), pack(nil), pack(true), pack(false), pack(0), pack(-1), pack(1.5), pack(0 / 0),
    pack(1 / 0), pack(-1e300), pack(255), pack(math.maxinteger), pack(math.mininteger), pack(""),
    pack("x"), pack("a\0b"), pack(("x"):rep(5000)), pack("\xff\xfe"), pack({}), pack({ wrong = 1 }),
    pack({ 1, x = 2 }), pack({ {} }), pack(itself), pack(core.json.array()), pack(core.json.null),
    pack(print), pack(function() error "called" end), pack(io.stdout), pack(coroutine.create(print)),
    pack(setmetatable({}, { __index = error, __len = error, __tostring = error })),
  }
  for _, value in ipairs {
    true, 5, -1.5, "x", "a\0b", {}, { 1 }, { "x" }, { x = 1 }, { { signal = 300, wait = "x" } },
  } do
    local fields = {}
    for name in ([[
      path content create_only mode from to id status file text now fields type at git_dir common_dir
      work_tree tree branch base tip revision commit ancestor prefix message exclude ref limit known
      pending_ref author protect patch owner name priority paths never_used
    ]]):gmatch "%S+" do
      fields[name] = value
    end
    wrong[#wrong + 1] = pack(fields)
    local with_place = { at = { git_dir = value, common_dir = value } }
    for name, same in pairs(fields) do with_place[name] = with_place[name] or same end
    wrong[#wrong + 1] = pack(with_place)
  end

  --- Calls with every sample, alone, twice, and after `first...`; jobs are run to their end.
  function try_all(name, fn, ...)
    local function try(...)
      local wake <close> = core.loop.timer(0) -- or loop.step() would wait for ever
      local fine, result, message, code = pcall(fn, ...)
      if not fine then
        assert(type(result) == "string" and result ~= "", name .. " raises something odd")
      elseif result == nil and message ~= nil then
        assert(type(message) == "string" and type(code) == "string", name .. " fails oddly")
        assert(code ~= "EINTERNAL", name .. ": " .. message)
      end
      if fine and type(result) == "userdata" and tostring(result):find "^agentlua.job" then
        finish(result)
      end
    end
    local first = pack(...)
    local function join(a, b)
      local all = table.move(a, 1, a.n, 1, {})
      return table.unpack(table.move(b, 1, b.n, a.n + 1, all), 1, a.n + b.n)
    end
    for _, one in ipairs(wrong) do
      try(join(first, one))
      try(join(first, pack(join(one, one))))
    end
  end

  function settled(name, before)
    collectgarbage()
    collectgarbage()
    local now
    local fine = pcall(eventually, function()
      now = descriptors()
      return children() == 0 and now == before
    end)
    assert(fine, ("%s leaks descriptors: %d, then %d"):format(name, before, now))
  end

  --- The first signal, file and job make descriptors that the loop keeps.
  function warm_loop()
    core.loop.on_signal(12):close()
    core.loop.watch_path("."):close()
    finish(git.open { path = "/" })
    collectgarbage()
    collectgarbage()
    core.loop.step(0)
  end
)lua";

// One open handle of every type, made anew by each call.
constexpr char handles[] = R"lua(
  function make_handles()
    return {
      ["agentlua.process"] = assert(core.process.spawn { "cat", stdin_pipe = true }),
      ["agentlua.lock"] = assert(core.lock.try(os.tmpname())),
      ["agentlua.store"] = assert(core.store.open "tasks"),
      ["agentlua.event_source"] = core.loop.timer(100),
      ["agentlua.terminal"] = assert(core.terminal.open()),
      ["agentlua.watchdog"] = assert(core.watchdog.start(100)),
      ["agentlua.job"] = assert(git.open { path = "/" }),
    }
  end
  function close_handles(list)
    for _, handle in pairs(list) do handle:close() end
  end
)lua";

struct with_samples : one_state {
  with_samples() {
    run(samples);
    run(handles);
  }
};

}  // namespace

TEST_CASE_FIXTURE(with_samples,
                  "functions return or raise, whatever they are given, and leak nothing") {
  run(R"lua(
    warm_loop()
    local tables, count = { git = git }, 0
    for name, value in pairs(core) do
      if type(value) == "table" then tables[name] = value end
    end
    for table_name, functions in pairs(tables) do
      for name, fn in pairs(functions) do
        if type(fn) == "function" then
          local full, before = table_name .. "." .. name, descriptors()
          try_all(full, fn)
          settled(full, before)
          count = count + 1
        end
      end
    end
    assert(count > 45, count)
  )lua");
}

TEST_CASE_FIXTURE(with_samples,
                  "methods return or raise, whatever they are given, and leak nothing") {
  run(R"lua(
    warm_loop()
    local before = descriptors()
    local list = make_handles()
    for type_name, handle in pairs(list) do
      for name, method in pairs(debug.getmetatable(handle).__index) do
        local one = make_handles()
        try_all(type_name .. ":" .. name, method, one[type_name])
        close_handles(one)
      end
    end
    close_handles(list)
    list = nil
    settled("a method", before)
  )lua");
}

TEST_CASE_FIXTURE(with_samples, "methods and metamethods refuse a foreign self") {
  run(R"lua(
    local list = make_handles()
    local function refuse(type_name, name, method)
      local label = type_name .. ":" .. name
      try_all(label, method)
      for _, self in ipairs { wrong[1], wrong[5], wrong[15], wrong[19] } do
        raises("bad argument #1", method, table.unpack(self, 1, self.n))
      end
      raises(type_name .. " expected", method, io.stdout)
      for other_name, other in pairs(list) do
        if other_name ~= type_name then raises(type_name .. " expected", method, other) end
      end
    end
    for type_name, handle in pairs(list) do
      local meta = debug.getmetatable(handle)
      for name, method in pairs(meta.__index) do refuse(type_name, name, method) end
      for _, name in ipairs { "__gc", "__close", "__tostring" } do
        refuse(type_name, name, meta[name])
      end
      assert(getmetatable(handle) == "locked", "metatables are not for scripts")
    end
    close_handles(list)
  )lua");
}

TEST_CASE_FIXTURE(
    with_samples,
    "each option of spawn with each wrong value fails or starts, and nothing is left") {
  run(R"lua(
    warm_loop()
    local before = descriptors()
    for name in ([[
      cwd env env_only stdin stdin_pipe stdout stderr stdout_file stderr_file pty launcher contain hold
      nice rlimits timeout idle start output memory processes grace stop unknown
    ]]):gmatch "%S+" do
      for _, sample in ipairs(wrong) do
        local options = { "true" }
        options[name] = sample[1]
        local ok, child, message, code = pcall(core.process.spawn, options)
        assert(not ok or child or (type(message) == "string" and code ~= "EINTERNAL"), message)
        if ok and child then child:close() end
      end
    end
    settled("spawn", before)
  )lua");
}
