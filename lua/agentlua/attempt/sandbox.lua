-- agentlua.attempt.sandbox: with sandbox = "bwrap" agents, and the checks that run what they wrote, see the machine
-- read-only but for the worktree of their task, what git needs for commits on its branch, the agent's own state
-- and a /tmp of their own. They keep the network. Configured but not to be had is refused, never weaker.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local place = require "agentlua.place"
local process = require "agentlua.process"
local resource = require "agentlua.resource"
local shared = require "agentlua.state"

local M = {}

local base = {
  "bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
  "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--setenv", "TMPDIR", "/tmp",
}

--- Refuses to start when the sandbox that is configured does not work here. Raises ENOSANDBOX.
function M.check(project)
  if project.config.sandbox ~= "bwrap" then return end
  local argv = table.move(base, 1, #base, 1, {})
  argv[#argv + 1], argv.timeout = "true", 10
  local result, message = process.run(argv)
  if result and result.code == 0 then return end
  local why = result and result.stderr:gsub("\n.*", "") or message
  errors.usage("ENOSANDBOX", ("sandbox = \"bwrap\" does not work here: %s; %s, or say sandbox = \"none\""):format(why,
    result and "let this user make user namespaces (kernel.unprivileged_userns_clone, "
      .. "kernel.apparmor_restrict_unprivileged_userns)" or "install bubblewrap"))
end

local function bind(argv, how, path) table.move({ how, path, path }, 1, 3, #argv + 1, argv) end

local function expand(path) return (path:gsub("^~", os.getenv "HOME" or "~")) end

-- What of the repository commits on the branch of a worktree write.
local function git_binds(argv, project, known)
  local common = project:repo().at.common_dir
  local branch_dir = known.branch:match "^(.*)/" or ""
  local writable = { common .. "/objects", common .. "/refs/heads/" .. branch_dir, known.git_dir }
  writable[#writable + 1] = common .. "/logs/refs/heads/" .. branch_dir
  for _, path in ipairs(writable) do
    core.fs.mkdir(path)
    bind(argv, "--bind", path)
  end
  -- Pointers and settings say where git looks; hooks come with the common directory, which is read-only.
  for _, path in ipairs { known.git_dir .. "/commondir", known.git_dir .. "/gitdir", known.path .. "/.git" } do
    bind(argv, "--ro-bind", path)
  end
end

--- What is put in front of a command that works on a task in `cwd`; an empty list without a sandbox.
---@param program string
---@param state string[]? paths, "~" for the home, that the command may write beside
function M.launcher(run, task, cwd, program, state)
  local project = run.project
  if project.config.sandbox ~= "bwrap" then return {} end
  local argv = table.move(base, 1, #base, 1, {})
  for _, path in ipairs { -- also where they are below /tmp
    os.getenv "HOME" or "", shared.dir(), resource.config_dir(), project.root, project:repo().at.common_dir,
    resource.host() or "", program,
  } do
    if path:find "^/." then bind(argv, "--ro-bind-try", path) end
  end
  local tree
  for _, known in ipairs { task.worktree or {}, task.analysis_worktree or {} } do
    local inside = known.path and (cwd == known.path or place.below(cwd, known.path))
    if inside and known.git_dir then tree = known end
  end
  bind(argv, "--bind", tree and tree.path or cwd)
  if tree then git_binds(argv, project, tree) end
  for _, path in ipairs(state or {}) do
    bind(argv, "--bind-try", expand(path))
  end
  bind(argv, "--bind", run:control_path()) -- agentlua task ask and the like, from inside
  for _, kind in ipairs { "plans", "decisions" } do -- agentlua task plan, agentlua decision
    local dir = project:papers(kind)
    errors.check(core.fs.mkdir(dir))
    bind(argv, "--bind", dir)
  end
  return table.move({ "--chdir", cwd, "--" }, 1, 3, #argv + 1, argv)
end

return M
