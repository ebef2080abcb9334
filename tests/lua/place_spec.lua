local core = require "agentlua.core"
local place = require "agentlua.place"
local support = require "support"

describe("place", function()
  before_each(support.setup)
  after_each(support.teardown)

  local function found(start, root, dir)
    assert.same({ root = root, dir = dir or root .. "/.agentlua" }, place.find(start))
  end

  it("the main checkout, from its top and from a subdirectory", function()
    local path = support.repository()
    core.fs.mkdir(path .. "/a/b c")
    found(path, path)
    found(path .. "/a/b c", path)
    found(path .. "/a/../a", path)
  end)

  it("a relative path, and a link", function()
    local path = support.repository()
    support.git(support.dir, "-c", "core.symlinks=true", "init", "-q", "other")
    assert(support.command { "ln", "-s", path, "link" }.code == 0)
    found(support.dir .. "/link", path)
    core.fs.chdir(path)
    found(".", path)
    core.fs.chdir(support.source)
  end)

  it("a linked worktree leads to the main checkout", function()
    local path = support.repository "my repo"
    local tree = support.dir .. "/trees/topic one"
    support.git(path, "worktree", "add", "-q", "-b", "topic", tree)
    core.fs.mkdir(tree .. "/sub")
    found(tree, path)
    found(tree .. "/sub", path)
  end)

  it("a linked worktree whose pointers are relative", function()
    local path = support.repository()
    support.git(path, "worktree", "add", "-q", "-b", "topic", support.dir .. "/topic")
    support.write("topic/.git", "gitdir: ../repo/.git/worktrees/topic\n")
    found(support.dir .. "/topic", path)
  end)

  it("a bare repository is its own place, also from its worktrees", function()
    local bare = support.dir .. "/bare.git"
    support.git("/", "clone", "-q", "--bare", support.repository(), bare)
    found(bare, bare)
    found(bare .. "/refs", bare)
    support.git(bare, "worktree", "add", "-q", "-b", "topic", support.dir .. "/topic")
    found(support.dir .. "/topic", bare)
  end)

  it("a submodule is a project of its own", function()
    local path = support.repository()
    support.write("repo/.git/modules/sub/HEAD", "ref: refs/heads/main\n")
    support.write("repo/sub/.git", "gitdir: ../.git/modules/sub\n")
    support.write("repo/sub/src/x", "")
    found(path .. "/sub/src", path .. "/sub")
    found(path, path)
  end)

  it("a .git file that leads nowhere is a project of its own", function()
    for _, text in ipairs { "", "gitdir: /nosuch/place\n", "nonsense", "gitdir: \n" } do
      support.write("odd/.git", text)
      found(support.dir .. "/odd", support.dir .. "/odd")
    end
  end)

  it("a repository in a repository: the nearest", function()
    support.repository()
    local inner = support.repository "repo/inner"
    found(inner, inner)
  end)

  it("no repository: nil; a directory that is not there yet: the one around it", function()
    core.fs.mkdir(support.dir .. "/plain")
    assert.is_nil(place.find(support.dir .. "/plain"))
    assert.is_nil(place.find "/")
    local path = support.repository()
    found(path .. "/not/yet", path)
  end)
end)
