local support = require "support"

describe("a new worktree", function()
  local w
  before_each(function()
    w = support.new()
    w:write(".gitignore", "*.env\n.env*\nnode_modules/\nbuild/\n")
    w:git("commit", "-qam", "ignore")
    w:config "attempts = 1"
  end)
  after_each(function() w:close() end)

  local function files_of(name)
    local id = w:add(name)
    local result = w:run_lines [[
      find . -type f ! -path './.git*' ! -path './src/*' ! -path './.agentlua/*' | sort >$MARK; exit 1]]
    return w:command { "cat", w.top .. "/mark" }.stdout, w:task(id), result
  end

  it("has the ignored files that .worktreeinclude and `copy` choose, and no others", function()
    w:write(".worktreeinclude", "node_modules/\nsrc/*.env\nuntracked.txt\n")
    for _, path in ipairs { ".env", "x.env", "src/a.env", "node_modules/a/b.js", "build/big", "untracked.txt" } do
      w:write(path, "1\n")
    end
    w:git("config", "status.showUntrackedFiles", "all")
    local seen, task = files_of "a thing"
    assert.equal("./.env\n./node_modules/a/b.js\n", seen)
    assert.truthy(w:exists(task.worktree.path .. "/src/a.env"))
    assert.equal("", w:git("-C", task.worktree.path, "status", "--porcelain"))
    -- Copies that are as they were need no saving.
    w:write("../" .. task.worktree.path:match "repo%.worktrees/.*" .. "/.env", "changed\n")
    w:al("discard", task.id)
    assert.equal(".env", w:git("diff-tree", "-r", "--name-only", task.worktree.base_commit,
      "refs/agentlua/saved/" .. task.id8 .. "/1"))
    assert.equal("1\n", w:read ".env")
  end)

  it("gets at most save_limit bytes, which is said once", function()
    w:config "attempts = 1, save_limit = 100"
    w:write(".worktreeinclude", "build/\n")
    for i = 1, 5 do w:write("build/" .. i, ("x"):rep(40)) end
    local seen, _, result = files_of "a thing"
    assert.equal("./build/1\n./build/2\n", seen)
    assert.equal(1, select(2, result.stderr:gsub("are not copied", "")))
    assert.equal(3, w:events("copy_skipped")[1].files)
  end)
end)
