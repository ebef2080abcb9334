---@meta agentlua.process

---@alias agentlua.Stream "pipe"|"file"|"discard"|"inherit"

--- The list part is the program and its arguments; there is no shell.
---@class (exact) agentlua.ProcessOptions
---@field [integer] string
---@field cwd? string directory; PWD is set to it
---@field env? table<string, string|boolean> variables on top of ours; false: not handed on
---@field env_only? boolean `env` is all of it
---@field launcher? string[] put in front of the program
---@field stdin? string what it reads
---@field stdin_pipe? boolean write() comes later
---@field stdout? agentlua.Stream "pipe" by default
---@field stderr? agentlua.Stream|"merge" "pipe" by default
---@field stdout_file? string path that every byte is appended to
---@field stderr_file? string path that every byte is appended to
---@field pty? boolean|agentlua.PtySize a terminal of its own, which is stdin, stdout and stderr
---@field timeout? number seconds in all; no bound by default
---@field idle? number seconds without output; no bound by default
---@field start? number seconds until the first output; no bound by default
---@field output? number bytes; no bound by default
---@field memory? number bytes; no bound by default
---@field processes? number at one time; no bound by default
---@field nice? number
---@field rlimits? agentlua.Rlimits of the process
---@field grace? number seconds between TERM and KILL, 5 by default
---@field stop? agentlua.StopStep[] instead of grace
---@field secrets? table<string, string> each value is replaced by [NAME] in all that it says
---@field contain? boolean false: without the reaper, which ends all that it started
---@field hold? (integer|boolean)[] lock descriptors that are kept until nothing of it is left

---@class (exact) agentlua.PtySize
---@field rows? integer 24 by default
---@field cols? integer 80 by default

---@class (exact) agentlua.StopStep
---@field signal integer
---@field wait number seconds

--- Each a number, or "unlimited".
---@class (exact) agentlua.Rlimits
---@field as? number|string bytes of address space
---@field core? number|string bytes
---@field cpu? number|string seconds
---@field data? number|string bytes
---@field fsize? number|string bytes
---@field memlock? number|string bytes
---@field nofile? number|string descriptors
---@field nproc? number|string processes of the user
---@field stack? number|string bytes

--- How a process ended.
---@class agentlua.ProcessResult
---@field code integer exit code; -1 without one
---@field signal integer that ended it; 0: none
---@field stdout string what nobody has read
---@field stderr string what nobody has read
---@field bound? string the bound that ended it: wall, idle, start, output, memory, processes
---@field lingered? boolean it had said all, and did not leave
---@field containment? string how what it started was ended
---@field log_error? string why a file could not be written
---@field error? string why it was not started
---@field error_code? string
---@field seconds number

---@class agentlua.process
local process = {}

--- Starts a program.
---@param options agentlua.ProcessOptions
---@return agentlua.Child
---@return string message
---@return string code
function process.spawn(options) end

--- Runs a program to its end.
---@param options agentlua.ProcessOptions
---@return agentlua.ProcessResult
---@return string message
---@return string code
function process.run(options) end

--- A program that was started.
---@class agentlua.Child
---@field native any of agentlua.core
local child = {}

--- Iterates over lines; one over 1 MiB comes cut, with `true` as second value.
---@param which? "out"|"err" "out" by default
---@return fun(): string?, boolean?
function child:lines(which) end

--- Waits for output and gives all there is; nil at the end.
---@param which? "out"|"err" "out" by default
---@return string?
function child:read(which) end

--- Queues bytes for its stdin; never waits.
---@param bytes string
function child:write(bytes) end

function child:close_stdin() end

--- Waits until nothing of the process is left.
---@return agentlua.ProcessResult
function child:wait() end

--- Begins to stop it: TERM, the grace, KILL for the whole tree.
function child:stop() end

--- Kills the whole tree now.
function child:kill() end

--- It has said all: stopped when it stays longer than `grace` (5) seconds.
---@param grace? number
function child:expect_end(grace) end

function child:pause() end

function child:resume() end

--- Sets the size of its terminal.
---@param rows integer
---@param cols integer
function child:resize(rows, cols) end

--- Whether its terminal shows what is typed.
---@return boolean
function child:echoes() end

---@return integer
function child:pid() end

--- The id that the loop signals.
---@return integer
function child:id() end

---@return boolean
function child:finished() end

function child:close() end

return process
