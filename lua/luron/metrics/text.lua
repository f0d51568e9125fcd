--- Metrics of sequences: how many are to be put in, taken out or changed to make what was said what is so.
local core = require "luron.core"
local inputs = require "luron.metrics.inputs"

-- A string by letters or words, a list, or a tensor of ids, as a tensor of numbers: `seen` has one for each that is none itself.
local function numbers(self, value, seen)
  if core.is_tensor(value) then return value:to("int64"):reshape(-1) end
  local list = {}
  if type(value) == "string" and self.kind.by_words then
    for word in value:gmatch "%S+" do list[#list + 1] = word end
  elseif type(value) == "string" then
    if not utf8.len(value) then inputs.fail(self, "a text that is not UTF-8") end
    for _, code in utf8.codes(value) do list[#list + 1] = code end
  else
    if type(value) ~= "table" then inputs.fail(self, "text, tensor of ids, or list of these expected in a list, got %s", core.got(value)) end
    for i, item in ipairs(value) do list[i] = item end
  end
  for i, item in ipairs(list) do
    if type(item) ~= "number" then
      if not seen[item] then seen.n = seen.n + 1 seen[item] = -seen.n end
      list[i] = seen[item]
    end
  end
  return #list == 0 and core.zeros(0, { dtype = "int64" }) or core.tensor(list, { dtype = "int64" })
end

-- Levenshtein's distance, a row at a time: with what is put in left out, each is the least of two; then those to the left, a step more each.
local function distance(a, b)
  local places = core.arange(0, #b)
  local row = places:clone()
  if #b == 0 then return #a end
  for i = 1, #a do
    local changed = row:narrow(1, 1, #b) + b:ne(a:narrow(1, i, 1)):to "int64"
    row = core.cat({ core.full(i, 1, { dtype = "int64" }), (row:narrow(1, 2, #b) + 1):minimum(changed) }, 1)
    row = (row - places):cummin(1) + places
  end
  return row[-1]:item()
end

local function is_list(value) return type(value) == "table" and not getmetatable(value) and (type(value[1]) ~= "number" or value[1] == nil) end

local function update(self, pred, target)
  for name, value in pairs { pred = pred, target = target } do
    if type(value) ~= "string" and type(value) ~= "table" and not core.is_tensor(value) then
      inputs.fail(self, "%s: text, tensor of ids, or list of these expected, got %s", name, core.got(value))
    end
  end
  if not (is_list(pred) and is_list(target)) then pred, target = { pred }, { target } end
  if #pred ~= #target then inputs.fail(self, "target has %d sequences, pred %d", #target, #pred) end
  local state = self.state
  for i = 1, #pred do
    local seen = { n = 0 }
    local a, b = numbers(self, pred[i], seen), numbers(self, target[i], seen)
    state.edits, state.length, state.n = (state.edits or 0) + distance(a, b), (state.length or 0) + #b, state.n + 1
  end
end

local function rate(self) return self.state.edits / self.state.length end

return {
  EditDistance = { name = "edit_distance", mode = "min", update = update, value = function(self) return self.state.edits / self.state.n end },
  WER = { name = "wer", mode = "min", by_words = true, update = update, value = rate },
  CER = { name = "cer", mode = "min", update = update, value = rate },
}
