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

  -- The git directory of a checkout elsewhere, and a linked worktree of it.
  local function elsewhere()
    local path = support.repository "my repo"
    support.git(path, "init", "-q", "--separate-git-dir", support.dir .. "/else where")
    support.git(path, "worktree", "add", "-q", "-b", "topic", support.dir .. "/topic")
    return path, support.dir .. "/topic"
  end
  local function lost(topic)
    local at = place.find(topic)
    assert.equal(support.dir .. "/else where", at.root)
    assert.truthy(at.lost:find("-C CHECKOUT", 1, true), at.lost)
    assert.truthy(at.lost:find("config core.worktree CHECKOUT", 1, true), at.lost)
  end

  it("a linked worktree of a checkout whose git directory is elsewhere leads to the checkout that is named", function()
    local path, topic = elsewhere()
    found(path, path)
    lost(topic)
    for _, named in ipairs { path, "../my repo", path .. "/", path .. "/../my repo" } do
      support.git(path, "config", "core.worktree", named)
      found(topic, path)
    end
  end)

  it("a checkout that is named is believed only when it leads back", function()
    local path, topic = elsewhere()
    local other = support.repository "other"
    for _, named in ipairs { other, support.dir, support.dir .. "/nowhere" } do
      support.git(path, "config", "core.worktree", named)
      lost(topic)
    end
    support.git(path, "config", "--unset", "core.worktree")
    support.git(path, "config", "tool.worktree", path)
    lost(topic)
  end)

  it("a linked worktree of a submodule, also where each checkout has its own settings", function()
    local path = support.repository()
    local lib = support.repository "lib"
    support.git(path, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", lib, "sub")
    support.git(path .. "/sub", "worktree", "add", "-q", "-b", "topic", support.dir .. "/topic")
    found(support.dir .. "/topic", path .. "/sub")
    support.git(path .. "/sub", "sparse-checkout", "set", "--no-cone", "/*")
    assert.truthy(core.fs.read(path .. "/.git/modules/sub/config.worktree"):find "worktree")
    found(support.dir .. "/topic", path .. "/sub")
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
