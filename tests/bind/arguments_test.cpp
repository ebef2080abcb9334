// Every function and method with everything that it does not expect: it returns or raises.

#include "support.hpp"

using boundary::one_state;

namespace {

// Wrong arguments, packed, and tables whose known fields all have one wrong value.
constexpr char samples[] = R"lua(
  itself = {}
  itself.itself = itself
  wrong = {
    table.pack(), table.pack(nil), table.pack(true), table.pack(false), table.pack(0), table.pack(-1),
    table.pack(1.5), table.pack(0 / 0), table.pack(1 / 0), table.pack(-1e300), table.pack(255),
    table.pack(math.maxinteger), table.pack(math.mininteger), table.pack(""), table.pack("x"),
    table.pack("a\0b"), table.pack(("x"):rep(5000)), table.pack("\xff\xfe"), table.pack({}),
    table.pack({ wrong = 1 }), table.pack({ 1, x = 2 }), table.pack({ {} }), table.pack(itself),
    table.pack(core.json.array()), table.pack(core.json.null), table.pack(print),
    table.pack(function() error "called" end), table.pack(io.stdout), table.pack(coroutine.create(print)),
    table.pack(setmetatable({}, { __index = error, __len = error, __tostring = error })),
  }
  for _, value in ipairs {
    true, 5, -1.5, "x", "a\0b", {}, { 1 }, { "x" }, { x = 1 }, { { signal = 300, wait = "x" } },
  } do
    local fields = {}
    for name in ([[path content create_only mode from to id status file text now fields type at git_dir
        common_dir work_tree tree branch base tip revision commit ancestor prefix message exclude ref
        limit known pending_ref author protect patch owner name priority paths never_used]]):gmatch "%S+" do
      fields[name] = value
    end
    wrong[#wrong + 1] = table.pack(fields)
    fields = setmetatable({ at = { git_dir = value, common_dir = value } }, { __index = fields })
    wrong[#wrong + 1] = table.pack(fields)
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
    local first = table.pack(...)
    local function join(a, b)
      local all = table.move(a, 1, a.n, 1, {})
      return table.unpack(table.move(b, 1, b.n, a.n + 1, all), 1, a.n + b.n)
    end
    for _, one in ipairs(wrong) do
      try(join(first, one))
      try(join(first, table.pack(join(one, one))))
    end
  end

  function settled(name, before)
    collectgarbage()
    collectgarbage()
    eventually(function() return children() == 0 end)
    core.loop.step(0)
    local now = descriptors()
    assert(now == before, ("%s leaks descriptors: %d, then %d"):format(name, before, now))
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
      ["agentlua.process"] = assert(core.process.spawn { argv = { "sleep", "100" }, stdin_pipe = true }),
      ["agentlua.lock"] = assert(core.lock.try(os.tmpname())),
      ["agentlua.store"] = assert(core.store.open "tasks"),
      ["agentlua.event_source"] = core.loop.timer(100),
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
      for _, name in ipairs { "__gc", "__close", "__tostring" } do refuse(type_name, name, meta[name]) end
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
    for name in ([[argv cwd env stdin stdin_pipe stdout stderr stdout_file stderr_file contain hold wall
        idle stop unknown]]):gmatch "%S+" do
      for _, sample in ipairs(wrong) do
        local options = { argv = { "true" } }
        options[name] = sample[1]
        local child, message, code = core.process.spawn(options)
        assert(child or (type(message) == "string" and code ~= "EINTERNAL"), message)
        if child then child:close() end
      end
    end
    settled("spawn", before)
    for _, number in ipairs { 0, -1, 65, 255, 256 + 9, 2 ^ 53 } do
      raises("bad argument", core.loop.on_signal, number)
    end
  )lua");
}

TEST_CASE_FIXTURE(one_state, "signals that are none raise and do not reach the process") {
  run(R"lua(
    local child <close> = assert(core.process.spawn { argv = { "sleep", "100" } })
    eventually(function() return child:state() == "running" end)
    for _, number in ipairs { 0, -1, 65, 255, 256 + 9, 1 << 40 } do
      raises("bad argument", child.signal, child, number)
    end
    core.loop.step(0.05)
    assert(child:state() == "running" and alive(child:pid()))
    local refused, _, code = core.process.spawn { argv = { "true" }, stop = { { signal = 255 } } }
    assert(not refused and code == "EINVAL", code)
  )lua");
}

TEST_CASE_FIXTURE(one_state, "times: never and for ever are understood, what is no number raises") {
  run(R"lua(
    local never, long <close> = core.loop.timer(math.huge), core.loop.timer(1e300)
    local past <close> = core.loop.timer(-1e300)
    eventually(function() return past:take() end)
    core.loop.step(0.02)
    assert(not never:take() and not long:take())
    never:close()
    local soon <close> = core.loop.timer(0.02)
    core.loop.step(math.huge)
    eventually(function() return soon:take() end)
    for _, fn in ipairs { core.loop.timer, core.loop.step, core.time.iso } do
      raises("bad argument #1", fn, 0 / 0)
    end
    raises("bad argument #1", core.time.iso, 1e300)
    local child <close> = assert(core.process.spawn { argv = { "sleep", "100" }, wall = 1e300, idle = 1e300 })
    eventually(function() return child:state() == "running" end)
    core.loop.step(0.05)
    assert(child:state() == "running" and not child:result().bound)
  )lua");
}

TEST_CASE_FIXTURE(one_state, "a path with a NUL byte is refused, not cut") {
  run(R"lua(
    assert(core.fs.write { path = "./name", content = "content" })
    local path = "./name\0.md"
    local function refused(value, message, code)
      assert(value == nil and code == "EINVAL" and message:find "NUL", message)
    end
    refused(core.fs.read(path))
    refused(core.fs.realpath(path))
    refused(core.fs.write { path = path, content = "" })
    refused(core.fs.stat(path))
    refused(core.fs.list(path))
    refused(core.fs.copy { from = path, to = "./to" })
    refused(core.fs.copy { from = "./name", to = "./to\0x" })
    refused(core.fs.remove(path))
    refused(core.fs.mkdir(path))
    refused(core.fs.append { path = path, text = "" })
    refused(core.events.append { path = path, type = "x" })
    for _, fn in ipairs { core.lock.try, core.lock.held, core.store.open, core.loop.watch_path } do
      raises("NUL", fn, path)
    end
    for _, field in ipairs { "cwd", "stdout_file", "stderr_file" } do
      refused(core.process.spawn { argv = { "true" }, stdout = "file", stderr = "file", [field] = path })
    end
    assert(core.fs.read "./name" == "content")
  )lua");
}
