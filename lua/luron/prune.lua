--- Pruning: numbers of parameters that are 0 and stay so. `local pruned = luron.prune(model)`, `pruned:l1_unstructured("weight$", 0.5)`,
--- and `pruned:apply()` after every step. Names and choices are PyTorch's (torch.nn.utils.prune). A mask is a bool tensor, true where
--- a number is kept. Gradients are masked by hooks, so that clipping and momentum see no more than what is kept.
local core = require "luron.core"
local module = require "luron.module"
local names = require "luron.names"
local patterns = require "luron.pattern"

local Pruning = {}
Pruning.__index = names.index(Pruning, "a pruning", "pruning")
Pruning.__name = "luron.pruning"

local function is_pruning(value) return getmetatable(value) == Pruning end

local function check_self(self, where)
  if not is_pruning(self) then core.badarg(0, where, "pruning expected, got " .. core.got(self)) end
end

-- ---- what is asked for ---------------------------------------------------------------------------------------------------
-- The parameters that a pattern fits, as { name, tensor }; a pattern that fits nothing is an error.
local function matching(self, where, pattern)
  local list, tried = {}, {}
  for name, tensor in self.model:named_parameters() do
    tried[#tried + 1] = name
    if patterns.fits(1, where, "", name, pattern) then list[#list + 1] = { name, tensor } end
  end
  if #list == 0 then patterns.refuse(1, where, "", pattern, tried) end
  return list
end

local function check_amount(where, amount)
  local share = math.type(amount) == "float" and amount >= 0 and amount <= 1
  if share or (math.type(amount) == "integer" and amount >= 0) then return end
  core.badarg(2, where, "amount: integer of at least 0, or share of 0.0 to 1.0, expected, got " .. core.got(amount))
end

-- How many of n that is; halves go to the even neighbour, as in Python.
local function count_of(where, amount, n, what)
  if math.type(amount) == "integer" then
    if amount > n then core.badarg(2, where, string.format("amount: %d of the %d %s that are left", amount, n, what)) end
    return amount
  end
  local low = math.floor(amount * n)
  local rest = amount * n - low
  return (rest > 0.5 or (rest == 0.5 and low % 2 == 1)) and low + 1 or low
end

-- What the choice goes by: the parameter, or what a function of it gives.
local function scores_of(where, arg, fn, name, tensor)
  if fn == nil then return tensor:detach() end
  if not module.is_callable(fn) then core.badarg(arg, where, "scores: function of a parameter expected, got " .. core.got(fn)) end
  local scores = fn(tensor, name)
  if not core.is_tensor(scores) or tostring(scores:shape()) ~= tostring(tensor:shape()) then
    core.badarg(arg, where, string.format("scores: '%s' has shape %s, they are %s", name, tensor:shape(),
      core.is_tensor(scores) and "of shape " .. tostring(scores:shape()) or core.got(scores)))
  end
  return scores:detach()
end

local function mask_of(self, name, tensor)
  return self.masks_of[name] or core.ones(table.unpack(tensor:shape())):gt(0)
end

-- ---- putting masks in place ----------------------------------------------------------------------------------------------
-- Mask the gradients of a parameter, which may be another tensor than last time (module:to).
local function hook(self, name, tensor)
  local has = self.hooks[name]
  if (has and has.tensor:is_same(tensor)) or not tensor:requires_grad() then return end
  if has then has.handle:remove() end
  local handle = tensor:register_hook(function(g) return g:masked_fill(~self.masks_of[name], 0) end)
  self.hooks[name] = { tensor = tensor, handle = handle }
end

--- Set what is pruned to 0: after every step.
function Pruning:apply()
  check_self(self, "apply")
  core.no_grad(function()
    for name, tensor in self.model:named_parameters() do
      local mask = self.masks_of[name]
      if mask then
        tensor:copy_(tensor:masked_fill(~mask, 0))
        hook(self, name, tensor)
      end
    end
  end)
  return self
end

local function put(self, masks)
  for name, mask in pairs(masks) do self.masks_of[name] = mask end
  return self:apply()
end

-- ---- choosing ------------------------------------------------------------------------------------------------------------
-- Masks for parameters, { name, tensor, scores }, without those of the numbers that are left which have the least scores,
-- taken over all of them; of equal ones the first.
local function least(self, where, amount, items)
  local masks, flat, sizes = {}, {}, {}
  for i, item in ipairs(items) do
    masks[i] = mask_of(self, item[1], item[2]):reshape(-1)
    flat[i], sizes[i] = item[3]:reshape(-1), item[2]:numel()
  end
  local kept, scores = core.cat(masks, 1), core.cat(flat, 1)
  local left = kept:nonzero():reshape(-1)
  local n = count_of(where, amount, left:numel(), "numbers")
  if n > 0 then kept = kept:index_fill(1, left[scores[left]:argsort():narrow(1, 1, n)], false) end
  local found, at = {}, 1
  for i, item in ipairs(items) do
    found[item[1]] = kept:narrow(1, at, sizes[i]):reshape(item[2]:shape()):clone()
    at = at + sizes[i]
  end
  return found
end

-- A mask without the channels along dim that have the least of `scores` (one each) among those that are not lost whole.
local function least_channels(self, where, amount, name, tensor, dim, scores)
  local mask, others = mask_of(self, name, tensor), {}
  for d = 1, tensor:dim() do others[#others + 1] = d ~= dim and d or nil end
  local left = mask:any(others):nonzero():reshape(-1)
  local n = count_of(where, amount, left:numel(), "channels")
  if n == 0 then return mask end
  return mask:index_fill(dim, left[scores[left]:argsort():narrow(1, 1, n)], false)
end

local function check_channels(where, arg, name, tensor, dim)
  local rank = tensor:dim()
  if rank < 2 then core.badarg(1, where, string.format("'%s' has shape %s: channels need at least 2 dims", name, tensor:shape())) end
  if dim == nil then dim = -1 end
  if math.type(dim) ~= "integer" or dim == 0 or dim < -rank or dim > rank then
    core.badarg(arg, where, string.format("dim: 1 to %d, or negative from the end, expected, got %s", rank, core.got(dim)))
  end
  return dim < 0 and rank + 1 + dim or dim
end

-- Add a method whose masks `choose(self, name, ...)` gives, all of them before the first is put in place.
local function method(name, choose)
  Pruning[name] = function(self, pattern, amount, ...)
    check_self(self, name)
    local list = matching(self, name, pattern)
    if name ~= "custom_from_mask" then check_amount(name, amount) end
    local args = table.pack(...)
    return put(self, core.no_grad(function() return choose(self, list, amount, table.unpack(args, 1, args.n)) end))
  end
end

-- The same for each parameter by itself.
local function each(name, choose)
  method(name, function(self, list, amount, ...)
    local masks = {}
    for _, item in ipairs(list) do masks[item[1]] = choose(self, item[1], item[2], amount, ...) end
    return masks
  end)
end

--- The numbers of least size.
each("l1_unstructured", function(self, name, tensor, amount, scores)
  return least(self, "l1_unstructured", amount, { { name, tensor, scores_of("l1_unstructured", 3, scores, name, tensor):abs() } })[name]
end)

--- Any numbers.
each("random_unstructured", function(self, name, tensor, amount)
  return least(self, "random_unstructured", amount, { { name, tensor, core.rand_like(tensor, { requires_grad = false }) } })[name]
end)

--- The channels along dim (the last) of least n-norm.
each("ln_structured", function(self, name, tensor, amount, n, dim, scores)
  local where = "ln_structured"
  if type(n) ~= "number" or n ~= n then core.badarg(3, where, "n: number expected, got " .. core.got(n)) end
  dim = check_channels(where, 4, name, tensor, dim)
  local others = {}
  for d = 1, tensor:dim() do others[#others + 1] = d ~= dim and d or nil end
  return least_channels(self, where, amount, name, tensor, dim, scores_of(where, 5, scores, name, tensor):norm(n, others))
end)

--- Any channels along dim (the last).
each("random_structured", function(self, name, tensor, amount, dim)
  dim = check_channels("random_structured", 3, name, tensor, dim)
  return least_channels(self, "random_structured", amount, name, tensor, dim, core.rand(tensor:size(dim)))
end)

--- The numbers of least size, or any, of all parameters together.
method("global_unstructured", function(self, list, amount, how, scores)
  local where = "global_unstructured"
  if how == nil then how = "l1" end
  if how ~= "l1" and how ~= "random" then core.badarg(3, where, "method: 'l1' or 'random' expected, got " .. core.got(how)) end
  for _, item in ipairs(list) do
    local name, tensor = item[1], item[2]
    item[3] = how == "l1" and scores_of(where, 4, scores, name, tensor):abs() or core.rand_like(tensor, { requires_grad = false })
  end
  return least(self, where, amount, list)
end)

--- What a mask says.
each("custom_from_mask", function(self, name, tensor, mask)
  if not core.is_tensor(mask) or tostring(mask:shape()) ~= tostring(tensor:shape()) then
    core.badarg(2, "custom_from_mask", string.format("mask: tensor of shape %s for '%s' expected, got %s", tensor:shape(), name,
      core.is_tensor(mask) and mask:shape() or core.got(mask)))
  end
  return mask_of(self, name, tensor) & mask:detach():ne(0)
end)

-- ---- the rest ------------------------------------------------------------------------------------------------------------
--- Forget masks, of the parameters that a pattern fits or of all: the zeros are in the weights, and may be trained again.
function Pruning:remove(pattern)
  check_self(self, "remove")
  self:apply()
  for _, item in ipairs(matching(self, "remove", pattern == nil and "" or pattern)) do
    local has = self.hooks[item[1]]
    if has then has.handle:remove() end
    self.masks_of[item[1]], self.hooks[item[1]] = nil, nil
  end
  return self
end

--- Copies of the masks by name of the parameter.
function Pruning:masks()
  check_self(self, "masks")
  local copies = {}
  for name, mask in pairs(self.masks_of) do copies[name] = mask:clone() end
  return copies
end

--- Put the masks into a checkpoint that is being written.
local function write(self, handle)
  for _, name in ipairs(names.sorted(self.masks_of)) do handle:set_tensor("training/prune/" .. name, self.masks_of[name]) end
end

--- Take masks by name, or those of a checkpoint that was saved with the option `prune`, in place of those that are there; all
--- or nothing.
function Pruning:load(masks)
  check_self(self, "load")
  local found, shapes = {}, {}
  if getmetatable(masks) == require("luron.checkpoint").Checkpoint then
    for _, path in ipairs(masks:tensors()) do
      local name = path:match "^training/prune/(.+)$"
      if name then found[name] = masks:tensor(path) end
    end
  elseif type(masks) == "table" and not getmetatable(masks) then
    found = masks
  else
    core.badarg(1, "load", "masks: table or checkpoint expected, got " .. core.got(masks))
  end
  local taken = {}
  for name, tensor in self.model:named_parameters() do shapes[name] = tostring(tensor:shape()) end
  for name, mask in pairs(found) do
    if not shapes[name] then core.badarg(1, "load", "there is no parameter " .. core.got(name)) end
    local got = core.is_tensor(mask) and tostring(mask:shape()) or core.got(mask)
    if not core.is_tensor(mask) or got ~= shapes[name] then
      core.badarg(1, "load", string.format("%s: mask of shape %s expected, got %s", name, shapes[name], got))
    end
    taken[name] = mask:detach():ne(0)
  end
  for name in pairs(self.masks_of) do
    if not taken[name] and self.hooks[name] then
      self.hooks[name].handle:remove()
      self.hooks[name] = nil
    end
  end
  self.masks_of = taken
  return self:apply()
end

function Pruning:__tostring()
  check_self(self, "tostring")
  local parameters, all, lost = 0, 0, 0
  for _, mask in pairs(self.masks_of) do
    parameters, all, lost = parameters + 1, all + mask:numel(), lost + (~mask):sum():item()
  end
  return string.format("pruning of %d parameters: %d of %d numbers are 0", parameters, lost, all)
end

--- A pruning of a model, of nothing so far.
local function new(model)
  if not (core.is_model(model) or core.is_layer(model) or module.is_module(model)) then
    core.badarg(1, "prune", "model, layer or instance of a class expected, got " .. core.got(model))
  end
  return setmetatable({ model = model, masks_of = {}, hooks = {} }, Pruning)
end

return { new = new, write = write, is_pruning = is_pruning }
