---@meta

---@class (exact) agentlua.WriteOptions
---@field path string
---@field content string
---@field create_only? boolean EEXIST when it is there; false by default
---@field mode? integer permissions; octal 644 by default

---@class (exact) agentlua.AppendOptions
---@field path string
---@field text string

---@class (exact) agentlua.CopyOptions
---@field from string
---@field to string never overwritten

---@class agentlua.Stat
---@field type "file"|"directory"|"other"
---@field size integer bytes
---@field mtime number wall seconds
---@field mode integer permissions
---@field inode integer
---@field device integer

---@class agentlua.Host
---@field name string
---@field pid integer
---@field cwd string
---@field cpus integer
---@field terminal boolean stdout is one

--- Files. What fails gives nil, message, code (errno names).
---@class agentlua.fs
local fs = {}

---@param path string
---@return string
---@return string message
---@return string code
function fs.read(path) end

--- Writes a file, durable and as a whole.
---@param options agentlua.WriteOptions
---@return boolean
---@return string message
---@return string code
function fs.write(options) end

---@param options agentlua.AppendOptions
---@return boolean
---@return string message
---@return string code
function fs.append(options) end

--- Names in a directory, sorted.
---@param path string
---@return string[]
---@return string message
---@return string code
function fs.list(path) end

--- Follows links.
---@param path string
---@return agentlua.Stat
---@return string message
---@return string code
function fs.stat(path) end

--- Makes a directory, and those above it.
---@param path string
---@return boolean
---@return string message
---@return string code
function fs.mkdir(path) end

--- Copies a regular file with its permissions.
---@param options agentlua.CopyOptions
---@return boolean
---@return string message
---@return string code
function fs.copy(options) end

--- Removes a file or an empty directory; false when it is not there.
---@param path string
---@return boolean
---@return string message
---@return string code
function fs.remove(path) end

---@param path string
---@return string
function fs.realpath(path) end

---@param path string
---@return boolean
---@return string message
---@return string code
function fs.chdir(path) end

--- Removes temporary files that killed processes have left.
---@param path string
function fs.sweep(path) end

--- Variables as NAME=value.
---@return string[]
function fs.environment() end

---@param options? table
---@return agentlua.Host
function fs.host(options) end
