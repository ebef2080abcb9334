---@meta agentlua.project

---@class (exact) agentlua.OpenOptions
---@field dir? string the current directory by default
---@field options? agentlua.LoopOptions instead of those of the command line
---@field look? boolean a task directory that somebody has named must be there

---@class agentlua.project
local project = {}

--- Opens the project of a directory. Raises ENOREPO, ENOPROJECT, EUNTRUSTED, ECONFIG.
---@param opts? agentlua.OpenOptions
---@return agentlua.Project
function project.open(opts) end

--- The worktree of a task; for `local tree <close>`.
---@class agentlua.Tree
---@field path string
---@field branch string
---@field base string
---@field base_commit string
---@field at? agentlua.At nil: git knows none there
---@field field? string of the task that remembers it
---@field closed? boolean
local tree = {}

function tree:close() end

---@class (exact) agentlua.WorktreeOptions
---@field throwaway? boolean for reading; cleanup() removes it, it is never landed

---@class (exact) agentlua.SavedOptions
---@field n? integer the newest by default
---@field kind? "saved"|"checkpoint"
---@field path? string absolute; the task's own by default

--- What became of a task: the result of land(), give_up() and analysed().
---@class agentlua.Outcome
---@field status agentlua.Status
---@field reason? string
---@field refused? boolean
---@field promoted? boolean analysed without an agent
---@field trouble? boolean something beside the task has failed

---@class (exact) agentlua.LoopSpec
---@field from agentlua.Status|agentlua.Status[] the preferred one first
---@field to agentlua.Status while it is worked on
---@field work fun(task: agentlua.Task, run: agentlua.TaskRun): agentlua.Outcome? does one task
---@field jobs? integer tasks at once, when fewer than the run may have

---@class agentlua.LoopResult
---@field reason string drained, max_tasks, stopped, deadlock, failures, budget, limit, error, dry_run
---@field code integer exit code
---@field counts? table<string, integer>
---@field run? string id

---@alias agentlua.PromptName string

--- A repository with an .agentlua directory. Methods raise errors with a `code`.
---@class agentlua.Project
---@field root string main checkout
---@field dir string its .agentlua
---@field tasks_dir string
---@field config agentlua.Config
---@field options agentlua.LoopOptions
---@field store agentlua.Store
---@field events agentlua.EventLog
---@field agents table<string, agentlua.LoadedBackend> that were asked for
---@field prompts table<string, any> that were asked for
---@field run? agentlua.Run that goes on
---@field identity? string of git
local p = {}

--- Claims tasks and has each worked on, until nothing can run. A list is several loops side by side, the preferred
--- one first.
---@param opts agentlua.LoopSpec|agentlua.LoopSpec[]
---@return agentlua.LoopResult
function p:loop(opts) end

--- True when an agent does a task; else perform() does it.
---@param task agentlua.Task
---@return boolean
function p:needs_agent(task) end

--- Does a task that needs no agent.
---@param task agentlua.Task
---@param run agentlua.TaskRun
---@return agentlua.Outcome
function p:perform(task, run) end

--- Analysed without an agent; nil when one is needed.
---@param task agentlua.Task
---@return agentlua.Outcome?
function p:promote(task) end

--- What an agent is told to do. Raises ENOPROMPT, EPROMPT.
---@param task agentlua.Task
---@return string
function p:task_prompt(task) end

--- The directory that a task is worked on in.
---@param task agentlua.Task
---@param tree agentlua.Tree
---@return string
function p:working_dir(task, tree) end

--- True when an agent has said something with its analysis; else what it is told.
---@param task agentlua.Task
---@param result agentlua.Result
---@return boolean
---@return string? feedback
function p:accept_analysis(task, result) end

--- Ends a task that has nothing to land: it is done.
---@param task agentlua.Task
---@return agentlua.Outcome
function p:finish(task) end

--- Runs a program as an attempt of a task.
---@param task agentlua.Task
---@param run agentlua.TaskRun
---@param path string
---@param cwd string
---@return agentlua.Result
function p:run_program(task, run, path, cwd) end

--- Runs the `post_script` of a task that is done.
---@param task agentlua.Task
---@param files? table[] what was landed
---@param result agentlua.Outcome gets `trouble`
function p:after_done(task, files, result) end

--- A file that a task names.
---@param task agentlua.Task
---@param name string
---@param top string the checkout to look in
---@return string path
---@return string message
function p:task_file(task, name, top) end

--- The directory that a task is worked on in, below a checkout.
---@param task agentlua.Task
---@param top string
---@return string path
---@return string message
function p.directory_of(task, top) end

--- Whether a file of a worktree is changed by its work.
---@param tree agentlua.Tree
---@param name string
---@return boolean
function p:is_changed(tree, name) end

---@return agentlua.Task[]
function p:failed_tasks() end

---@return agentlua.Task[]
function p:tasks_in_review() end

--- The worktree of a task: the one it has, else a new one at the base.
---@param task agentlua.Task
---@param opts? agentlua.WorktreeOptions
---@return agentlua.Tree
function p:worktree(task, opts) end

--- Text of a prompt for a task. Raises ENOPROMPT, EPROMPT.
---@param name agentlua.PromptName
---@param task agentlua.Task
---@param vars? table<string, any> more names
---@return string
function p:prompt(name, task, vars) end

--- What prompts may name for a task.
---@param task agentlua.Task
---@param vars? table<string, any>
---@return table<string, any>
function p:prompt_names(task, vars) end

--- The backend that does a task now.
---@param task? agentlua.Task
---@return agentlua.LoadedBackend
function p:agent(task) end

--- The backends that may do a task, the preferred one first.
---@param task? agentlua.Task
---@return agentlua.LoadedBackend[]
function p:agents_for(task) end

--- The first backend whose account is not limited; else the first, its limit and account.
---@param task? agentlua.Task
---@param held? table<string, agentlua.Limit>
---@return agentlua.LoadedBackend
---@return agentlua.Limit?
---@return string? account
function p:free_agent(task, held) end

--- The model that was asked for, of the agent that it was asked of.
---@param task agentlua.Task
---@param backend agentlua.LoadedBackend
---@return string?
function p:model_of(task, backend) end

--- Makes the checks of config.lua in a worktree.
---@param task agentlua.Task
---@param tree agentlua.Tree
---@return boolean
---@return string? feedback which check failed and its output
function p:verify(task, tree) end

--- Lands the work of a worktree on its base; the task is done.
---@param task agentlua.Task
---@param tree agentlua.Tree
---@return agentlua.Outcome
function p:land(task, tree) end

--- Ends work that did not succeed: back, to a person, or failed. The worktree stays.
---@param task agentlua.Task
---@param tree? agentlua.Tree
---@param result agentlua.Result
---@return agentlua.Outcome
function p:give_up(task, tree, result) end

--- Ends an analysis.
---@param task agentlua.Task
---@param result agentlua.Result
---@return agentlua.Outcome
function p:analysed(task, result) end

--- Puts a claimed task back.
---@param task agentlua.Task
---@param patch? agentlua.Task
---@return agentlua.Outcome
function p:put_back(task, patch) end

--- Moves a task and logs it.
---@param task agentlua.Task
---@param to agentlua.Status
---@param patch? agentlua.Task
---@return agentlua.Outcome
function p:move(task, to, patch) end

--- Appends an event to the log.
---@param kind string
---@param fields? table<string, any>
function p:event(kind, fields) end

--- Puts the worktree of a task away; what only it has is saved first.
---@param task agentlua.Task
---@param tree agentlua.Tree
---@param tip? string the branch goes when it is there
---@return boolean?
function p:cleanup(task, tree, tip) end

--- Saves the worktree of a task as it is now.
---@param task agentlua.Task
---@return { n: integer, ref: string, commit: string, skipped: string[] }
function p:checkpoint(task) end

--- Makes a worktree of what was kept.
---@param task agentlua.Task
---@param opts agentlua.SavedOptions
---@return { path: string, branch?: string, commit: string, ref: string, adopted: boolean }
function p:restore(task, opts) end

--- What is kept of a task, oldest first.
---@param task agentlua.Task
---@param kind? "saved"|"checkpoint"
---@return { kind: string, n: integer, ref: string, commit: string, time: number }[]
function p:saved_list(task, kind) end

--- The repository. Raises ENOREPO, EOWNER.
---@return agentlua.Repo
function p:repo() end

--- The branch that work starts from and lands on, and its commit. Raises ENOBASE, ENOCOMMIT.
---@return string branch
---@return string commit
function p:base() end

--- Refuses a pattern for branches that makes none here. Raises ECONFIG.
function p:check_branches() end

--- Directory of the project's plans or decisions.
---@param kind "plans"|"decisions"
---@return string
function p:papers(kind) end

--- Paths, relative to a checkout, that are never part of an agent's work.
---@return string[]
function p:state_paths() end

--- Fills {id8}, {slug} and {id} of a pattern in.
---@param pattern string
---@param task agentlua.Task
---@return string
function p:expand(pattern, task) end

---@return string
function p:worktrees_dir() end

--- Which ignored files of the main checkout a worktree needs, for `repo:copies` and `repo:unchanged_copies`.
---@param path string
---@return agentlua.CopiesOptions
function p:copies_for(path) end

--- Copies ignored files that are wanted to a worktree.
---@param path string
function p:copy_files(path) end

---@param path string
---@param empty table[]
function p:report_submodules(path, empty) end

--- A handle for a worktree that is known to be ours.
---@param known table<string, any>
---@return agentlua.Tree
function p:tree_at(known) end

--- A handle for the worktree that a task remembers in a field; nil when there is none.
---@param task agentlua.Task
---@param field string
---@return agentlua.Tree?
---@return string message
---@return string code EFOREIGN
function p:remembered_tree(task, field) end

---@param tree agentlua.Tree
---@return agentlua.At
function p:checkout_of(tree) end

--- Saves on `ref` what only the worktree has, then removes it.
---@param tree agentlua.Tree
---@param ref string
---@param tip? string
---@param whole? boolean
---@return boolean gone
---@return { commit: string, skipped: string[] } saved
---@return string? reason why it stays
function p:put_away(tree, ref, tip, whole) end

---@param id string
---@param kind string
---@param first? integer
---@param name? string
---@return string ref
---@return integer n
function p:new_saved_ref(id, kind, first, name) end

--- The ref that holds a commit while it lands.
---@param task agentlua.Task
---@return string
function p:pending_ref(task) end

--- The work is on the base: the task is done.
---@param task agentlua.Task
---@param tree agentlua.Tree
---@param commit string
---@param tip? string
---@param by? string who says so
---@return agentlua.Outcome
function p:landed(task, tree, commit, tip, by) end

--- Puts away the worktree for reading that a task still has because its analysis was cut off.
---@param task agentlua.Task
function p:drop_analysis(task) end

--- Finishes or drops what a dead runner left of a task.
---@param task agentlua.Task
---@return agentlua.Status
function p:recover_task(task) end

--- Finishes the landings of tasks that nobody works on.
function p:recover_refs() end

--- Removes what killed processes have left.
function p:sweep() end

--- Ends the reviews that are over.
function p:settle_reviews() end

return project
