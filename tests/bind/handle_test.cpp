#include "support.hpp"

#include <string>

using boundary::one_state;

namespace {

// `makers`: one function per handle type that makes an open one.
constexpr char makers_lua[] = R"lua(
  makers = {
    ["agentlua.process"] = function() return core.process.spawn { "sleep", "100" } end,
    ["agentlua.lock"] = function() return core.lock.try "./lock" end,
    ["agentlua.store"] = function() return core.store.open "tasks" end,
    ["agentlua.event_source"] = function() return core.loop.timer(100) end,
    ["agentlua.terminal"] = function() return core.terminal.open() end,
    ["agentlua.job"] = function() return git.open { path = "/" } end,
  }
)lua";

struct with_makers : one_state {
  with_makers() { run(makers_lua); }
};

}  // namespace

TEST_CASE_FIXTURE(with_makers,
                  "use after close raises with the type's name, and closing again is well") {
  run(R"lua(
    for type_name, make in pairs(makers) do
      local handle = assert(make())
      handle:close()
      handle:close()
      for name, method in pairs(debug.getmetatable(handle).__index) do
        if name ~= "close" then raises(type_name .. " is closed", method, handle, 15) end
      end
      handle:close()
    end
  )lua");
}

TEST_CASE_FIXTURE(with_makers, "a handle says what it is, and when it is closed") {
  run(R"lua(
    for type_name, make in pairs(makers) do
      local handle = assert(make())
      local shown = "^" .. type_name:gsub("%.", "%%.") .. " %(.+%)$"
      assert(tostring(handle):find(shown), tostring(handle))
      assert(tostring(handle) ~= tostring(make() or "none"), "two have two names")
      handle:close()
      assert(tostring(handle) == type_name .. " (closed)")
    end
  )lua");
}

TEST_CASE_FIXTURE(with_makers, "<close> closes, also when the block is left by an error") {
  run(R"lua(
    for type_name, make in pairs(makers) do
      local kept
      do
        local handle <close> = assert(make())
        kept = handle
      end
      assert(tostring(kept) == type_name .. " (closed)")
      raises("on purpose", function()
        local handle <close> = assert(make())
        kept = handle
        error "on purpose"
      end)
      assert(tostring(kept) == type_name .. " (closed)")
    end
    assert(not core.lock.held "./lock")
  )lua");
}

TEST_CASE_FIXTURE(one_state, "a running process that nobody holds is stopped in the background") {
  run(R"lua(
    for _, contain in ipairs { true, false } do
      local child = assert(core.process.spawn { "sleep", "100", contain = contain })
      eventually(function() return child:state() == "running" end)
      local pid, started = child:pid(), core.time.clock()
      assert(alive(pid))
      child = nil
      collectgarbage()
      assert(core.time.clock() - started < 1, "the collector does not wait")
      eventually(function() return not alive(pid) and children() == 0 end, 10)
    end
  )lua");
}

TEST_CASE_FIXTURE(one_state,
                  "one that ignores TERM is killed after its grace, with all descendants") {
  run(R"lua(
    local script = "trap '' TERM; sleep 100 & echo $!; wait"
    local child = assert(core.process.spawn {
      "sh", "-c", script, stop = { { signal = 15, wait = 0.2 } },
    })
    local grandchild
    eventually(function()
      grandchild = grandchild or tonumber(child:line_reader("out")() or nil)
      return grandchild and child:state() == "running"
    end)
    local pid = child:pid()
    child:close()
    assert(alive(pid), "closing does not wait")
    local function gone() return not alive(pid) and not alive(grandchild) and children() == 0 end
    eventually(gone, 10)
  )lua");
}

TEST_CASE_FIXTURE(one_state, "closing a process that is stopping already leaves it its grace") {
  run(R"lua(
    local script = "trap 'sleep 0.3; echo saved > file; exit' TERM; echo ready; sleep 100 & wait"
    local child = assert(core.process.spawn { "sh", "-c", script })
    eventually(function() return child:line_reader("out")() end)
    child:stop()
    child:close()
    eventually(function() return children() == 0 end, 10)
    assert(core.fs.read "file" == "saved\n")
  )lua");
}

TEST_CASE_FIXTURE(one_state,
                  "closing the state leaves no process, stopping or not, held or forgotten") {
  run(R"lua(
    local stubborn = { "sh", "-c", "trap '' TERM; echo ready; sleep 100 & wait" }
    held, out = {}, assert(io.open("pids", "w"))
    for i = 1, 3 do
      local child = assert(core.process.spawn { table.unpack(stubborn) })
      eventually(function() return child:state() == "running" and child:line_reader("out")() end)
      out:write(child:pid(), "\n")
      if i == 1 then held[1] = child end
      if i == 2 then child:close() end
    end
    held[2] = assert(core.process.spawn { "sleep", "100" }) -- perhaps still starting
    out:close()
  )lua");
  state.close();
  CHECK(boundary::children() == 0);
  boundary::lua other;
  other.run(R"lua(
    for pid in io.lines "pids" do assert(not alive(tonumber(pid))) end
  )lua");
}

TEST_CASE_FIXTURE(one_state, "two states have a loop each, and handles of their own") {
  boundary::lua other;
  constexpr auto start = R"lua(
    fd = core.loop.fd()
    child = assert(core.process.spawn { "cat", stdin_pipe = true })
    signal = assert(core.loop.on_signal(10))
    function echo(line)
      child:write(line .. "\n")
      eventually(function() return child:line_reader("out")() == line end)
    end
  )lua";
  run(start);
  other.run(start);
  run("echo 'first'");
  other.run("assert(child:line_reader('out')() == nil); echo 'second'");
  lua_getglobal(state.get(), "fd");
  lua_getglobal(other.get(), "fd");
  CHECK(lua_tointeger(state.get(), -1) != lua_tointeger(other.get(), -1));
  other.run("os.execute 'kill -USR1 $PPID'; eventually(function() return signal:take() end)");
  other.close();
  run("echo 'third'; eventually(function() return signal:take() end)");
}

TEST_CASE_FIXTURE(with_makers,
                  "a finaliser that closes a handle does no harm to the method that runs") {
  run(R"lua(
    local target
    local function arm()
      setmetatable({}, { __gc = function()
        if target then target:close() end
        arm()
      end })
    end
    arm()
    collectgarbage("incremental", 1, 1000, 20) -- a whole cycle wherever Lua may collect
    local function attempt(make, method, ...)
      for _ = 1, 20 do
        target = make()
        if target then pcall(target[method], target, ...) end
        target = nil
      end
    end
    local task = { name = ("long name "):rep(50) }
    attempt(makers["agentlua.store"], "add", task)
    attempt(makers["agentlua.store"], "list")
    attempt(makers["agentlua.lock"], "fd")
    attempt(makers["agentlua.event_source"], "take")
    for _, method in ipairs { "result", "read", "line_reader", "state", "stop" } do
      attempt(makers["agentlua.process"], method)
    end
    attempt(makers["agentlua.process"], "write", 123456789)
    local function done_job()
      local job = git.open { path = ("/nowhere"):rep(20) }
      eventually(function() return (job:result()) end)
      return job
    end
    attempt(done_job, "result")
    local function done_process()
      local child = core.process.spawn { "true" }
      eventually(function() return child:state() == "finished" end)
      return child
    end
    attempt(done_process, "result")
    attempt(done_process, "read")
  )lua");
}

TEST_CASE_FIXTURE(one_state, "a finaliser that runs when the loop is gone already gets an error") {
  lua_State* L = luaL_newstate();
  luaL_openlibs(L);
  static std::string said;
  lua_register(L, "say", [](lua_State* s) {
    said = luaL_checkstring(s, 1);
    return 0;
  });
  REQUIRE(luaL_dostring(L, R"lua(
    kept = setmetatable({}, { __gc = function()
      local fine, message = pcall(core.loop.timer, 0)
      say(tostring(message))
    end })
  )lua") == LUA_OK);  // made before the module is opened, so finalised after it
  lua_pushcfunction(L, boundary::open_all);
  REQUIRE(lua_pcall(L, 0, 0, 0) == LUA_OK);
  lua_close(L);
  CHECK(said.find("closed") != std::string::npos);
}

TEST_CASE_FIXTURE(one_state, "what a finaliser starts while the state closes goes with it") {
  run(R"lua(
    setmetatable({}, { __gc = function() -- Lua runs no finaliser of what is made from here on
      late = {
        assert(core.process.spawn { "sleep", "100" }),
        assert(core.process.spawn { "sleep", "100", contain = false }),
        assert(core.loop.on_signal(12)), assert(core.loop.watch_path "."), core.loop.timer(100),
      }
    end })
  )lua");
  state.close();
  CHECK(boundary::children() == 0);
}
