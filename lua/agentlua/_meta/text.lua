---@meta

---@class agentlua.text
local text = {}

--- Lower case words with dashes between them.
---@param value string
---@return string
function text.slug(value) end

--- A slug to compare names by.
---@param value string
---@return string
function text.match_slug(value) end

--- 8 hex digits of an id.
---@param id string
---@return string
function text.id8(id) end

---@param pattern string
---@param path string
---@return boolean
function text.glob(pattern, path) end

--- Without what acts on a terminal.
---@param value string
---@return string
function text.printable(value) end

--- In hex.
---@param value string
---@return string
function text.sha256(value) end

---@return string
function text.uuid() end

---@param pair string[] two texts
---@return integer
function text.edit_distance(pair) end
