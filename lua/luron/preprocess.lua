--- luron.preprocess: words and numbers as ids. A lookup is a Lua object, for tensors hold no strings; what it knows goes into a
--- checkpoint by lookup:state(), and comes back by luron.preprocess.restore.
local core = require "luron.core"
local names = require "luron.names"

local preprocess = {}

-- ---- what all of them are ----------------------------------------------------------------------------------------------
local Lookup = {}
Lookup.__index = names.index(Lookup, "a lookup", "lookup", { mask_token = false, max_tokens = false, ngrams = false, output_sequence_length = false,
  standardize = false, split = false, output_mode = false })
Lookup.__name = "luron.lookup"

local function check_self(self, where)
  if getmetatable(self) ~= Lookup then core.badarg(0, where, "lookup expected, got " .. core.got(self)) end
end

local kinds = {
  StringLookup = { max_tokens = "positive integer", num_oov_indices = "integer", mask_token = "string", oov_token = "string", vocabulary = "table" },
  IntegerLookup = { max_tokens = "positive integer", num_oov_indices = "integer", mask_token = "integer", oov_token = "integer", vocabulary = "table" },
  TextVectorization = { max_tokens = "positive integer", standardize = "function, string or false", split = "function or string", ngrams = "positive integer",
    output_mode = "string", output_sequence_length = "positive integer", vocabulary = "table" },
}
local standards = {
  lower_and_strip_punctuation = function(text) return (text:lower():gsub("%p", "")) end,
  lower = string.lower,
  strip_punctuation = function(text) return (text:gsub("%p", "")) end,
}
local splits = { whitespace = "%S+", character = utf8.charpattern }
local words = { output_mode = { int = true, multi_hot = true, count = true }, standardize = standards, split = splits }

local more = {
  ["function, string or false"] = function(value) return not value or type(value) == "function" or type(value) == "string" end,
  ["function or string"] = function(value) return type(value) == "function" or type(value) == "string" end,
}

local function check_options(kind, options)
  options = names.options(1, kind, options, kinds[kind], more)
  for key, known in pairs(words) do
    local value, list = options[key], {}
    for name in pairs(known) do list[#list + 1] = "'" .. name .. "'" end
    table.sort(list)
    if type(value) == "string" and not known[value] then core.badarg(1, kind, string.format("%s: one of %s expected, got '%s'", key, table.concat(list, ", "), value)) end
  end
  return options
end

-- Tokens with their ids, what stands for a mask and for unknown ones first.
local function number(self, vocabulary, where)
  local front = {}
  if self.mask_token ~= nil then front[1] = self.mask_token end
  for _ = 1, self.num_oov_indices do front[#front + 1] = self.oov_token end
  self.tokens, self.id = front, {}
  self.first_oov = self.mask_token ~= nil and 2 or 1
  if self.mask_token ~= nil then self.id[self.mask_token] = 1 end
  for i, token in ipairs(vocabulary) do
    local is_token = self.kind == "IntegerLookup" and math.type(token) == "integer" or self.kind ~= "IntegerLookup" and type(token) == "string"
    if not is_token then
      local wanted = self.kind == "IntegerLookup" and "integer" or "string"
      core.badarg(1, where, string.format("vocabulary: %s expected at [%d], got %s", wanted, i, core.got(token)))
    end
    if self.id[token] then core.badarg(1, where, string.format("vocabulary: %s comes a second time at [%d]", core.got(token), i)) end
    self.tokens[#self.tokens + 1] = token
    self.id[token] = #self.tokens
  end
  if self.max_tokens and #self.tokens > self.max_tokens then
    core.badarg(1, where, string.format("vocabulary: %d tokens with those for mask and unknown ones, max_tokens is %d", #self.tokens, self.max_tokens))
  end
end

local function new(kind, options, defaults)
  local self = { kind = kind, options = options }
  for key, value in pairs(defaults) do self[key] = value end
  for key, value in pairs(options) do
    if key ~= "vocabulary" then self[key] = value end
  end
  if self.num_oov_indices < 0 then core.badarg(1, kind, "num_oov_indices: 0 or more expected, got " .. self.num_oov_indices) end
  number(self, options.vocabulary or {}, kind)
  return setmetatable(self, Lookup)
end

--- Words (a list, or a list of lists) as ids; one that is not known has that of oov_token.
function preprocess.StringLookup(options)
  return new("StringLookup", check_options("StringLookup", options), { num_oov_indices = 1, oov_token = "[UNK]" })
end

--- Integers, in lists or tensors, as ids.
function preprocess.IntegerLookup(options)
  return new("IntegerLookup", check_options("IntegerLookup", options), { num_oov_indices = 1, oov_token = -1 })
end

--- Texts as ids of their words, or as rows of which words there are.
function preprocess.TextVectorization(options)
  options = check_options("TextVectorization", options)
  local is_int = (options.output_mode or "int") == "int"
  return new("TextVectorization", options, { num_oov_indices = 1, oov_token = "[UNK]", mask_token = is_int and "" or nil, output_mode = "int",
    standardize = "lower_and_strip_punctuation", split = "whitespace" })
end

-- ---- texts -------------------------------------------------------------------------------------------------------------
-- The words of a text, and with ngrams those of up to so many words side by side.
local function words_of(self, text, where)
  if type(text) ~= "string" then core.badarg(1, where, "texts: list of strings expected, got " .. core.got(text)) end
  local standard, how, found = self.standardize, self.split, {}
  if standard then text = (standards[standard] or standard)(text) end
  if type(text) ~= "string" then core.raise(string.format("%s: standardize: a string expected from it, got %s", self.kind, core.got(text))) end
  if type(how) == "function" then
    local list = how(text)
    if type(list) ~= "table" then core.raise(string.format("%s: split: a list expected from it, got %s", self.kind, core.got(list))) end
    for i, word in ipairs(list) do
      if type(word) ~= "string" then core.raise(string.format("%s: split: a string expected at [%d], got %s", self.kind, i, core.got(word))) end
      found[i] = word
    end
  else
    for word in text:gmatch(splits[how]) do found[#found + 1] = word end
  end
  local n = #found
  for size = 2, self.ngrams or 1 do
    for at = 1, n - size + 1 do found[#found + 1] = table.concat(found, " ", at, at + size - 1) end
  end
  return found
end

-- Calls fn with every token in data.
local function each_token(self, data, where, fn)
  if self.kind == "TextVectorization" then
    for _, text in ipairs(type(data) == "table" and data or { data }) do
      for _, word in ipairs(words_of(self, text, where)) do fn(word) end
    end
  elseif core.is_tensor(data) then
    for _, token in ipairs(data:reshape(-1):totable()) do fn(token) end
  elseif type(data) == "table" and not debug.getmetatable(data) then
    for _, part in ipairs(data) do
      if type(part) == "table" then each_token(self, part, where, fn) else fn(part) end
    end
  else
    core.badarg(1, where, "data: list expected, got " .. core.got(data))
  end
end

-- ---- fitting -----------------------------------------------------------------------------------------------------------
--- The vocabulary from data: the most frequent tokens first, of equal ones the later in order, as Keras has them.
function Lookup:adapt(data)
  check_self(self, "adapt")
  local counts, list = {}, {}
  each_token(self, data, "adapt", function(token)
    local known = self.kind == "IntegerLookup" and math.type(token) == "integer" or self.kind ~= "IntegerLookup" and type(token) == "string"
    if not known then core.badarg(1, "adapt", "data: " .. (self.kind == "IntegerLookup" and "integers" or "strings") .. " expected, got " .. core.got(token)) end
    if token ~= self.mask_token and token ~= self.oov_token then
      if not counts[token] then list[#list + 1] = token end
      counts[token] = (counts[token] or 0) + 1
    end
  end)
  table.sort(list, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a > b
  end)
  local front = self.num_oov_indices + (self.mask_token ~= nil and 1 or 0)
  for i = #list, math.max((self.max_tokens or math.maxinteger) - front, 0) + 1, -1 do list[i] = nil end
  number(self, list, "adapt")
  return self
end

-- ---- use ---------------------------------------------------------------------------------------------------------------
-- The same word has the same one of several ids for unknown ones.
local function oov(self, token)
  if self.num_oov_indices == 0 then core.raise(string.format("%s: %s is not in the vocabulary, and num_oov_indices is 0", self.kind, core.got(token))) end
  local hash = 0
  if self.num_oov_indices > 1 then
    for _, byte in ipairs { tostring(token):byte(1, -1) } do hash = (hash ~ byte) * 0x100000001b3 & math.maxinteger end
  end
  return self.first_oov + hash % self.num_oov_indices
end

local function ids_of(self, data, where)
  local ids = {}
  each_token(self, data, where, function(token) ids[#ids + 1] = self.id[token] or oov(self, token) end)
  return ids
end

-- Rows of ids, padded with the mask or cut.
local function padded(self, rows)
  local length = self.output_sequence_length or 0
  if not self.output_sequence_length then
    for _, row in ipairs(rows) do length = math.max(length, #row) end
  end
  local flat = {}
  for _, row in ipairs(rows) do
    for i = 1, length do flat[#flat + 1] = row[i] or 1 end
  end
  return (#flat > 0 and core.tensor(flat) or core.zeros(0, { dtype = "int64" })):reshape(#rows, length)
end

-- Rows of how often there is each token of the vocabulary.
local function counted(self, rows)
  local n = #self.tokens
  local flat = core.zeros(#rows * n)
  local at = {}
  for i, row in ipairs(rows) do
    for _, id in ipairs(row) do at[#at + 1] = (i - 1) * n + id end
  end
  if #at > 0 then flat = flat:index_add(1, core.tensor(at), core.ones(#at)) end
  if self.output_mode == "multi_hot" then flat = flat:clamp(0, 1) end
  return flat:reshape(#rows, n)
end

--- Ids of data as an int64 tensor; TextVectorization with other modes gives rows of counts.
function Lookup:__call(data)
  check_self(self, "lookup")
  if self.kind == "TextVectorization" then
    local rows = {}
    for i, text in ipairs(type(data) == "table" and data or { data }) do rows[i] = ids_of(self, { text }, "lookup") end
    return self.output_mode == "int" and padded(self, rows) or counted(self, rows)
  end
  local ids = ids_of(self, data, "lookup")
  local flat = #ids > 0 and core.tensor(ids) or core.zeros(0, { dtype = "int64" })
  if core.is_tensor(data) then return flat:reshape(data:shape()) end
  if type(data[1]) ~= "table" then return flat end
  for i, row in ipairs(data) do
    if #row ~= #data[1] then core.badarg(1, "lookup", string.format("data: rows as long as the first, %d, expected, got %d at [%d]", #data[1], #row, i)) end
  end
  return flat:reshape(#data, #data[1])
end

--- All tokens in order of their ids.
function Lookup:vocabulary()
  check_self(self, "vocabulary")
  return table.move(self.tokens, 1, #self.tokens, 1, {})
end

function Lookup:__len()
  check_self(self, "#")
  return #self.tokens
end

--- What a checkpoint keeps: model:save(path, { preprocessing = { words = lookup:state() } }).
function Lookup:state()
  check_self(self, "state")
  local state = { kind = self.kind, vocabulary = {} }
  for key, value in pairs(self.options) do
    if type(value) == "function" then core.raise(string.format("state: %s is a function, which no file holds", key)) end
    if key ~= "vocabulary" then state[key] = value end
  end
  local front = self.num_oov_indices + (self.mask_token ~= nil and 1 or 0)
  table.move(self.tokens, front + 1, #self.tokens, 1, state.vocabulary)
  return state
end

--- A lookup from its state.
function preprocess.restore(state)
  local kind = type(state) == "table" and state.kind
  if not kinds[kind] then core.badarg(1, "restore", "state: what lookup:state() gives expected, got " .. core.got(state)) end
  local options = {}
  for key, value in pairs(state) do
    if key ~= "kind" then options[key] = value end
  end
  return preprocess[kind](options)
end

function Lookup:__tostring()
  check_self(self, "tostring")
  return string.format("%s of %d tokens", self.kind, #self.tokens)
end

return names.guard(preprocess, "luron.preprocess")
