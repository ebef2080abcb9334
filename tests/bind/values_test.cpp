// Arguments of the right type whose value is out of range: refused, never wrapped or cut.

#include "support.hpp"

using boundary::one_state;

TEST_CASE_FIXTURE(one_state, "signals that are none raise and do not reach the process") {
  run(R"lua(
    local child <close> = assert(core.process.spawn { "sleep", "100" })
    eventually(function() return child:state() == "running" end)
    for _, number in ipairs { 0, -1, 65, 255, 256 + 9, 1 << 40 } do
      raises("bad argument #2", child.signal, child, number)
      raises("bad argument #1", core.loop.on_signal, number)
    end
    core.loop.step(0.05)
    assert(child:state() == "running" and alive(child:pid()))
    local refused, _, code = core.process.spawn { "true", stop = { { signal = 255 } } }
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
    local child <close> = assert(core.process.spawn {
      "sleep", "100", timeout = 1e300, idle = 1e300, start = 1e300, output = 1e300, memory = 1e300,
    })
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
      refused(core.process.spawn { "true", stdout = "file", [field] = path })
    end
    assert(core.fs.read "./name" == "content")
  )lua");
}

TEST_CASE_FIXTURE(one_state, "sizes of terminals that cannot be are refused") {
  run(R"lua(
    for _, size in ipairs { 0, -1, 65536, 0 / 0, math.huge } do
      local child, message, code = core.process.spawn { "true", pty = { rows = size } }
      assert(not child and code == "EINVAL" and message:find "1 to 65535", message)
    end
    for _, wrong in ipairs { 1, "yes", { columns = 80 }, { rows = "24" }, { 24, 80 } } do
      raises("pty must be true or", core.process.spawn, { "true", pty = wrong })
    end
    local child <close> = assert(core.process.spawn { "cat", pty = { cols = 100 } })
    raises("bad argument #2", child.resize, child, 0, 80)
    raises("bad argument #3", child.resize, child, 24, 65536)
    raises("bad argument #3", child.resize, child, 24)
    assert(child:resize(24, 80) and child:echoes())
    local plain <close> = assert(core.process.spawn { "cat", pty = false })
    assert(select(3, plain:resize(24, 80)) == "EINVAL" and select(3, plain:echoes()) == "EINVAL")
  )lua");
}
