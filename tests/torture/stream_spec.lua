-- Output and input that strain the pipes. AGENTLUA_BYTES is the size of the longest line (256 MiB).

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local process = require "agentlua.process"
local support = require "support"
package.path = support.source .. "/tests/torture/?.lua;" .. package.path
local torture = require "torture"

local mib = 1 << 20
local size = math.tointeger(tonumber(os.getenv "AGENTLUA_BYTES" or 256 * mib))

-- Programs that always write the same.
local one_line = "yes 'no newline, only this for ever ' | tr -d '\\n' | head -c " .. size
local json_lines = [[lua5.4 -e 'local text = ("0123456789 words "):rep(10)
  local bytes, i = 0, 0
  while bytes < 100e6 do
    i = i + 1
    local line = string.format("{\"n\":%d,\"text\":\"%s\",\"at\":%d}\n", i, text, i * 7919 % 1000003)
    bytes = bytes + #line
    io.write(line)
  end']]

describe("stream torture:", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function run(options) return assert(process.run(options)) end

  local function assert_same_as_file(generator, file)
    local result = run { "sh", "-c", generator .. ' | cmp - "$0"', file }
    assert.same({ 0, "" }, { result.code, result.stdout .. result.stderr })
  end

  it("a line without end is read in little memory, and the file has all of it", function()
    local out = support.dir .. "/out"
    torture.assert_flat(16 * mib, function()
      local child <close> = assert(process.spawn { "sh", "-c", one_line, stdout_file = out })
      local lines = child:lines()
      local line, cut = lines()
      assert.same({ math.min(size, mib), size > mib }, { #line, cut })
      assert.is_nil(lines())
      local result = child:wait()
      assert.same({ 0, "" }, { result.code, result.stderr })
      assert.is_nil(result.log_error)
    end)
    assert.equal(size, core.fs.stat(out).size)
    assert_same_as_file(one_line, out)
  end)

  it("100 MB of lines for a reader that dozes", function()
    local out = support.dir .. "/out"
    local count, last = 0, nil
    torture.assert_flat(16 * mib, function()
      support.run(function()
        local child <close> = assert(process.spawn { "sh", "-c", json_lines, stdout_file = out })
        for line, cut in child:lines() do
          assert(not cut)
          count, last = count + 1, line
          if count % 25000 == 0 then fiber.sleep(0.02) end
        end
        assert.equal(0, child:wait().code)
      end)
    end)
    assert.equal(count, core.json.parse(last, "the last line").n)
    assert.is_true(core.fs.stat(out).size >= 100e6)
    assert_same_as_file(json_lines, out)
  end)

  it("every byte value, broken UTF-8, CR and ANSI come as they are", function()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local text = table.concat {
      table.concat(bytes), "\n\0\0\n", "\xC3\n\xA4\n\xE2\x82\n\xF0\x9F\x98\n\xED\xA0\x80\n\xFF\xFE\n",
      "50 %\r100 %\r\n", "\27[31mred\27[0m\27]0;title\7\n", "\xEF\xBB\xBFend without newline",
    }
    local out, err = support.dir .. "/out", support.dir .. "/err"
    local result = run { "sh", "-c", "tee /dev/stderr", stdin = text, stdout_file = out, stderr_file = err }
    assert.same({ text, text }, { result.stdout, result.stderr })
    assert.same({ text, text }, { core.fs.read(out), core.fs.read(err) })

    local child <close> = assert(process.spawn { "cat", stdin = text })
    local lines = {}
    for line, cut in child:lines() do
      assert.is_nil(cut)
      lines[#lines + 1] = line
    end
    assert.equal(text, table.concat(lines, "\n"))
    child:wait()
  end)

  it("bytes that come one by one keep their order", function()
    local text = ("a\xE2\x82\xAC\0\r\n"):rep(40)
    local seen = {}
    support.run(function()
      local child <close> = assert(process.spawn { "cat", stdin_pipe = true })
      for byte in text:gmatch "." do
        child:write(byte)
        seen[#seen + 1] = child:read()
      end
      child:close_stdin()
      assert.is_nil(child:read())
      child:wait()
    end)
    assert.equal(#text, #seen)
    assert.equal(text, table.concat(seen))
  end)

  it("a prompt of 4 MiB for a child that first writes 1 MiB", function()
    local prompt = ("a line of the prompt\n"):rep(4 * mib // 21)
    local script = "head -c 1048576 /dev/zero; sha256sum"
    local result = support.run(function() return run { "sh", "-c", script, stdin = prompt } end)
    assert.equal(("\0"):rep(mib) .. core.text.sha256(prompt) .. "  -\n", result.stdout)
    -- Also when nobody takes what it writes.
    local out = support.dir .. "/out"
    run { "sh", "-c", script, stdin = prompt, stdout = "file", stdout_file = out }
    assert.equal(result.stdout, core.fs.read(out))
  end)

  it("a grandchild that holds stdout is killed with the rest", function()
    local env, mark = torture.marked()
    local script = "sleep 60 & head -c 3000000 /dev/zero; exit 3"
    local result = run { "sh", "-c", script, env = env }
    local ended = core.time.clock()
    assert.same({ 3, 3000000 }, { result.code, #result.stdout })
    assert.is_true(result.seconds < support.soon)
    torture.assert_gone(mark, ended)
  end)

  it("contain = false: a grandchild that holds stdout does not hold the end", function()
    local env, mark = torture.marked()
    local result = run {
      "sh", "-c", "sleep 60 & head -c 3000000 /dev/zero; date +%s.%N >&2; exit 3",
      env = env, contain = false,
    }
    local ended = tonumber(run({ "date", "+%s.%N" }).stdout)
    assert.same({ 3, 3000000 }, { result.code, #result.stdout })
    assert.is_true(ended - tonumber(result.stderr) < support.soon)
    assert.equal(1, #torture.bearers(mark))
    torture.wipe(mark)
  end)

  it("contain = false: a grandchild that never stops writing does not hold the end", function()
    local env, mark = torture.marked()
    local writer = "while head -c 65536 /dev/zero; do sleep 0.02; done"
    local result = run {
      "sh", "-c", "(" .. writer .. ") 2>&- & echo ready; date +%s.%N >&2; exit 3", env = env, contain = false,
    }
    local ended = tonumber(run({ "date", "+%s.%N" }).stdout)
    assert.equal(3, result.code)
    assert.truthy(result.stdout:find "ready")
    assert.is_true(ended - tonumber(result.stderr) < support.soon)
    torture.wipe(mark)
  end)

  it("contain = false: what is written after the end does not fill the memory", function()
    local env, mark = torture.marked()
    torture.assert_flat(64 * mib, function()
      local script = "head -c 536870912 /dev/zero & exit 3"
      assert.equal(3, run({ "sh", "-c", script, env = env, contain = false }).code)
    end)
    torture.wipe(mark)
  end)

  for _, where in ipairs { "pipe", "file" } do
    it("a full disk under the log does not stop the child: stdout to a " .. where, function()
      local result = run {
        "sh", "-c", "head -c 8388608 /dev/zero; echo end >&2; exit 4",
        stdout = where, stdout_file = "/dev/full", timeout = 120,
      }
      assert.same({ 4, "end\n" }, { result.code, result.stderr })
      assert.is_nil(result.bound)
      assert.truthy(result.log_error:find("/dev/full", 1, true), result.log_error)
      assert.truthy(result.log_error:find "ENOSPC" or result.log_error:find "[Nn]o space", result.log_error)
      assert.equal(where == "pipe" and 8388608 or 0, #result.stdout)
    end)
  end
end)
