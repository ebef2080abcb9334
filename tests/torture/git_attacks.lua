-- What a hostile agent can plant in its worktree and in the repository that the worktree belongs to,
-- so that git runs a program of the agent.
--
-- Every vector has a command of an unguarded git that does run it; otherwise it would prove nothing that
-- the product does not. `$C` in a text stands for the program.

local core = require "agentlua.core"
local support = require "support"

local vectors = {}

--- name; what is planted: config (of the repository) and also more of it, tree (files of the worktree),
--- hooks, plant (a function); cat: the program copies its input; git or tempt: what runs it, after
--- `before`; stops: operations that may fail, but run nothing.
local function vector(v, more)
  for option, value in pairs(more or {}) do v[option] = value end
  if v.also then v.config = v.config .. "\n" .. v.also end
  vectors[#vectors + 1] = v
end

local monitor = "[core]\n\tfsmonitor = $C"
local all = "* diff=evil filter=evil merge=evil"

vector { name = "core.fsmonitor", config = monitor, git = { "status" } }
vector {
  name = "core.fsmonitor of the worktree alone", config = "[extensions]\n\tworktreeConfig = true",
  plant = function(w) w:append(w.admin .. "/config.worktree", monitor) end, git = { "status" },
}
for _, section in ipairs { "include", 'includeIf "gitdir:/**"' } do
  vector { name = section .. ", path", tree = { ["planted.cfg"] = monitor }, git = { "status" }, plant = function(w)
    w:append(w.path .. "/.git/config", ("[%s]\n\tpath = %s/planted.cfg"):format(section, w.tree))
  end }
end
vector {
  name = "core.hooksPath", git = { "checkout", "-q", "-b", "x" }, plant = function(w)
    for _, name in ipairs { "post-checkout", "reference-transaction", "post-index-change" } do
      w:program(name, w.name .. "-evil")
    end
    w:append(w.path .. "/.git/config", ("[core]\n\thooksPath = %s/%s-evil"):format(support.dir, w.name))
  end,
}

local function hook(names, command, more)
  vector({ name = "hooks: " .. table.concat(names, ", "), hooks = names, git = command, each = names }, more)
end
hook({ "post-checkout" }, { "checkout", "-q", "-b", "x" })
hook({ "pre-commit", "prepare-commit-msg", "commit-msg", "post-commit" }, { "commit", "-q", "--allow-empty", "-mx" })
hook({ "pre-merge-commit", "post-merge" }, { "merge", "-q", "--no-edit", "main" })
hook({ "reference-transaction" }, { "update-ref", "refs/heads/x", "HEAD" })
hook({ "post-index-change" }, { "add", "-A" })
hook({ "post-rewrite" }, { "commit", "-q", "--amend", "-mx" })
hook({ "pre-rebase" }, { "rebase", "-q", "main" }, { before = { "stash" } })
hook({ "pre-auto-gc" }, { "gc", "--auto", "-q" }, {
  config = "[gc]\n\tauto = 1\n\tautoDetach = false\n[maintenance]\n\tauto = true\n\tautoDetach = false",
  plant = function(w) -- git guesses the number of objects from the directory 17
    for i = 1, 3 do support.write(w.name .. "/.git/objects/17/" .. ("0"):rep(37) .. i, "") end
  end,
})

local function driver(name, key, command, more)
  local config = ('[%s "evil"]\n\t%s = $C'):format(name:match "^%a+", key)
  local tree = { [".gitattributes"] = all }
  vector({ name = name .. " and .gitattributes", tree = tree, git = command, config = config }, more)
end
driver("diff.evil.textconv", "textconv", { "diff" }, { cat = true })
driver("diff.evil.command", "command", { "diff" })
driver("filter.evil.clean", "clean", { "add", "-A" }, { cat = true })
driver("filter.evil.smudge", "smudge", { "checkout", "--", "file.txt" }, { cat = true })
driver("filter.evil.process", "process", { "add", "-A" })
local commit = { "commit", "-q", "-a", "-mx" }
driver("merge.evil.driver", "driver", { "merge", "-q", "main" }, { before = commit })
vector {
  name = "core.attributesFile", tree = { ["planted.attributes"] = all }, git = { "diff" }, cat = true,
  config = '[diff "evil"]\n\ttextconv = $C', plant = function(w)
    w:append(w.path .. "/.git/config", "[core]\n\tattributesFile = " .. w.tree .. "/planted.attributes")
  end,
}
vector {
  name = "info/attributes", git = { "add", "-A" }, cat = true, config = '[filter "evil"]\n\tclean = $C',
  plant = function(w) w:append(w.path .. "/.git/info/attributes", all) end,
}
vector { name = "diff.external", config = "[diff]\n\texternal = $C", git = { "diff" } }

local function setting(name, command, more)
  vector({ name = name, git = command, config = ("[%s]\n\t%s = $C"):format(name:match "^(.*)%.(%a+)$") }, more)
end
setting("core.sshCommand", { "ls-remote", "ssh://example.invalid/x" })
setting("core.gitProxy", { "ls-remote", "git://example.invalid/x" })
setting("core.editor", { "commit", "--allow-empty" })
setting("sequence.editor", { "rebase", "-i", "HEAD~1" }, { before = { "stash" } })
local ask = { "credential", "fill", input = "protocol=https\nhost=example.invalid\n\n" }
setting("core.askPass", ask)
setting("credential.helper", ask)
setting("gpg.program", { "commit", "-q", "--allow-empty", "-mx" }, { also = "[commit]\n\tgpgSign = true" })
setting("gpg.ssh.program", { "tag", "-a", "-mx", "x" }, { config = '[gpg "ssh"]\n\tprogram = $C',
  also = "[gpg]\n\tformat = ssh\n[tag]\n\tgpgSign = true\n[user]\n\tsigningKey = /dev/null",
})
setting("gpg.ssh.defaultKeyCommand", { "commit", "-q", "--allow-empty", "-mx" }, {
  config = '[gpg "ssh"]\n\tdefaultKeyCommand = $C', also = "[gpg]\n\tformat = ssh\n[commit]\n\tgpgSign = true",
})
setting("trailer.evil.command", { "interpret-trailers", input = "text\n" }, {
  config = '[trailer "evil"]\n\tkey = Evil\n\tcommand = $C',
})
setting("difftool.evil.cmd", { "difftool", "-y" }, {
  config = '[difftool "evil"]\n\tcmd = $C', also = "[diff]\n\ttool = evil",
})

-- git starts these for a terminal only.
local function in_terminal(text)
  return function(w)
    local env = { GIT_PAGER = false, PAGER = false, TERM = "xterm" }
    local command = ("git -C '%s' %s"):format(w.tree, text)
    return support.command { "script", "-qec", command, "/dev/null", stdin = "q\n", env = env }
  end
end
setting("interactive.diffFilter", nil, { cat = true, tempt = in_terminal "add -p" })
vector { name = "core.pager", config = "[core]\n\tpager = $C", tempt = in_terminal "log" }
vector {
  name = "pager.<command>", tempt = in_terminal "status",
  config = "[pager]\n\tstatus = $C\n\tdiff = $C\n\tworktree = $C\n\tfor-each-ref = $C\n\tmerge = $C",
}

vector {
  name = "alias.<command>", git = { "planted" }, config = "[alias]\n\tplanted = !$C\n\tstatus = !$C\n\tadd = !$C\n"
    .. "\tworktree = !$C\n\tmerge = !$C\n\tvar = !$C\n\tmerge-tree = !$C\n\tupdate-ref = !$C\n\tls-files = !$C",
}

-- ---- of more than one part ------------------------------------------------------------------------

vector {
  name = "log.showSignature over a commit that says it is signed", git = { "log", "-1" },
  config = "[gpg]\n\tprogram = $C\n[log]\n\tshowSignature = true\n[merge]\n\tverifySignatures = true",
  plant = function(w)
    local signature = "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n"
    local text = support.git(w.tree, "cat-file", "commit", "HEAD"):gsub("\n\n", signature, 1) .. "\n"
    local made = w:git { "hash-object", "-t", "commit", "-w", "--stdin", input = text }.stdout
    support.git(w.tree, "update-ref", "HEAD", made:match "%x+")
  end,
}

-- A repository of its own in the worktree, of which the worktree knows an older commit.
local function submodule(w)
  local sub = w.tree .. "/sub"
  support.git(w.tree, "init", "-q", "sub")
  for _, name in ipairs { "one", "two" } do
    support.write(w.at .. "/sub/file", name .. "\n")
    support.git(sub, "add", "file")
    support.git(sub, "-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "-m", name)
  end
  local older = support.git(sub, "rev-parse", "HEAD~1")
  support.git(w.tree, "update-index", "--add", "--cacheinfo", "160000," .. older .. ",sub")
  return sub
end
local kept = { ["worktree_remove of the agent's"] = true }
local modules = { [".gitmodules"] = '[submodule "sub"]\n\tpath = sub\n\turl = ./sub' }
vector {
  name = "submodule.<name>.update", tree = modules, plant = submodule, stops = kept,
  config = '[submodule "sub"]\n\turl = ./sub\n\tactive = true\n\tupdate = !$C',
  git = { "submodule", "update", "--no-fetch", "sub" },
}
vector { name = "core.fsmonitor of a submodule", tree = modules, stops = kept, git = { "status" }, plant = function(w)
  w:append(submodule(w) .. "/.git/config", monitor)
end }
vector {
  name = "a filter of a submodule", tree = modules, stops = kept, git = { "status" }, cat = true,
  plant = function(w)
    local sub = submodule(w)
    w:append(sub .. "/.git/config", '[filter "evil"]\n\tclean = $C')
    w:append(sub .. "/.git/info/attributes", all)
    support.write(w.at .. "/sub/file", "TWO\n")
  end,
}

local unread = { -- for want of that content
  diff = true, worktree_add = true, worktree_remove = true, ["worktree_add of a branch"] = true,
  ["worktree_remove again"] = true, ["land, squash"] = true, recover_landing = true, ["land, merge"] = true,
}

-- A commit of a file whose content is "promised" by a remote: who reads it fetches it.
local function promised(name, config)
  local function plant(w)
    support.write(w.at .. "/lost.txt", "lost\n")
    support.git(w.tree, "add", "lost.txt")
    support.git(w.tree, "commit", "-q", "-m", "lost")
    w.lost = support.git(w.tree, "rev-parse", "HEAD:lost.txt")
    support.git(w.tree, "update-index", "--skip-worktree", "lost.txt") -- nobody makes it anew
    core.fs.remove(w.tree .. "/lost.txt")
    support.command { "rm", "-f", w.path .. "/.git/objects/" .. w.lost:gsub("^..", "%0/") }
    w:append(w.path .. "/.git/config", '[remote "evil"]\n\tpromisor = true\n\t' .. config)
  end
  local function tempt(w) return w:git { "cat-file", "-p", w.lost } end
  vector { name = "promised objects, " .. name, plant = plant, tempt = tempt, stops = unread }
end
promised("core.sshCommand", "url = ssh://example.invalid/x\n[core]\n\tsshCommand = $C")
promised("core.gitProxy", "url = git://example.invalid/x\n[core]\n\tgitProxy = $C")
promised("remote.<name>.uploadpack", "url = /\n\tuploadpack = $C")
promised("an ext:: remote", "url = ext::$C\n[protocol \"ext\"]\n\tallow = always")

setting("core.alternateRefsCommand", nil, {
  plant = function(w)
    w.other = support.repository(w.name .. "-other")
    w:append(w.path .. "/.git/objects/info/alternates", w.other .. "/.git/objects")
  end,
  tempt = function(w) return w:git { "fetch", w.other } end,
})

-- A git directory of the agent's own.
local function hostile(w)
  local other = support.repository(w.name .. "-other")
  w:append(other .. "/.git/config", monitor)
  return other .. "/.git"
end
vector {
  name = "a .git file that names another repository", git = { "status" }, stops = kept, plant = function(w)
    support.write(w.at .. "/.git", "gitdir: " .. hostile(w) .. "\n")
  end,
}
vector {
  name = "a .git file that names a repository with a filter", git = { "status" }, stops = kept, cat = true,
  plant = function(w)
    local other = hostile(w)
    w:append(other .. "/config", '[filter "evil"]\n\tclean = $C')
    w:append(other .. "/info/attributes", all)
    support.write(w.at .. "/.git", "gitdir: " .. other .. "\n")
    support.write(w.at .. "/file.txt", "two\n") -- as long as the committed one, so that it is read
  end,
}
local lost = {
  save = true, commit_leftovers = true, ["commit_leftovers again"] = true, ["land, merge"] = true,
  ["worktree_remove of the agent's"] = true,
}
vector {
  name = "a commondir that names another repository", git = { "status" }, stops = lost, plant = function(w)
    local other = hostile(w)
    support.write(w.name .. "/.git/worktrees/" .. w.admin:match "[^/]+$" .. "/commondir", other .. "\n")
  end,
}
vector {
  name = "a git directory among the files",
  plant = function(w)
    w.nested = w.tree .. "/nested"
    support.command { "cp", "-R", hostile(w), w.nested }
    w:append(w.nested .. "/config", "[core]\n\tbare = false\n\tworktree = " .. w.tree)
  end,
  tempt = function(w) return w:git { "status", dir = w.nested } end,
}

return vectors
