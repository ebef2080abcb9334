local al = require "agentlua"
local support = require "support"

describe("agentlua diff", function()
  local w, id, path
  before_each(function()
    w = support.new()
    w:config "attempts = 1"
    id = w:add "a thing"
    w:run_lines [[
git mv src/f1.txt src/moved.txt
git commit -qm wip
echo more >>src/f2.txt
printf 'esc \033[31m \377\n' >new.txt
printf '\000\001' >bin
echo secret >x.env
exit 1
]]
    path = w:task(id).worktree.path
  end)
  after_each(function() w:close() end)

  it("shows committed, changed and new files since the base, not what the base got since", function()
    w:write("src/f5.txt", "of the user\n")
    w:git("commit", "-qam", "user")
    local index = w:git("-C", path, "ls-files", "--stage", "--debug")
    local result = w:al("diff", id, "--json")
    assert.same({ 0, "" }, { result.code, result.stderr })
    local seen = {}
    for _, file in ipairs(al.json.parse(result.stdout).files) do
      seen[#seen + 1] = ("%s %s %d/%d%s%s"):format(file.status, file.path, file.added, file.deleted,
        file.binary and " binary" or "", file.from and " from " .. file.from or "")
    end
    assert.same({
      "A bin 0/0 binary", "A new.txt 1/0", "M src/f2.txt 1/0", "R src/moved.txt 0/0 from src/f1.txt",
    }, seen)
    assert.equal(index, w:git("-C", path, "ls-files", "--stage", "--debug"))
    local stat = w:al("diff", id, "--stat").stdout
    assert.truthy(stat:find("src/f1.txt => src/moved.txt", 1, true), stat)
    assert.truthy(stat:find("4 files, 2 lines added, 0 deleted", 1, true), stat)
  end)

  it("prints a patch, as bytes into a pipe and harmless on a terminal", function()
    local patch = w:al("diff", id).stdout
    assert.truthy(patch:find("+esc \27[31m \xff\n", 1, true))
    assert(al.fs.write { path = w.top .. "/patch", content = patch })
    w:git("apply", "--check", w.top .. "/patch")
    local seen = w:command { "script", "-qec", support.host .. " diff " .. id, "/dev/null" }.stdout
    assert.truthy(seen:find("+esc \\x1b[31m \\xff", 1, true), seen)
    assert.is_nil(seen:find("\27", 1, true))
  end)

  it("runs nothing that the repository names", function()
    for _, key in ipairs { "diff.external", "diff.x.textconv", "diff.x.command", "core.pager" } do
      w:git("config", key, "touch " .. w.top .. "/ran")
    end
    w:write(".git/info/attributes", "* diff=x\n")
    w.users_act = true -- whose own git would run it
    for _, option in ipairs { "--stat", "--json" } do assert.equal(0, w:al("diff", id, option).code) end
    assert.equal(0, w:al("diff", id).code)
    assert.falsy(w:exists(w.top .. "/ran"))
  end)

  it("shows what has landed, and says when there is nothing to show", function()
    local other = w:add "another thing"
    local result = w:al("diff", other)
    assert.equal(2, result.code)
    assert.truthy(result.stderr:find("no branch", 1, true), result.stderr)
    w:run "edit"
    assert.equal("done", w:task(other).status)
    assert.truthy(w:al("diff", other, "--stat").stdout:find("new-" .. other .. ".txt", 1, true))
  end)
end)
