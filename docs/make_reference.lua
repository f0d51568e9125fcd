--- Writes docs/lua-api.md and lua/library/luron.d.lua (LuaCATS) from docs/reference/ and the descriptors of the plugins.
---   luron docs/make_reference.lua            write both
---   luron docs/make_reference.lua --check    write nothing; exit 1 if one of them is not up to date
--- An entry is { signature, text, is = { expression, value }, raises = { expression, message } }; tests/lua/docs_spec.lua runs
--- what stands behind `is` and `raises`. A signature is "luron.full(value: number, sizes...: integer, options?: T): Tensor".
local luron = require "luron"

local root = (arg[0]:match "^(.*)docs/[^/]*$" or "../")
local parts = dofile(root .. "docs/reference/parts.lua")
-- Ours, in order.
local plugins = { "linear", "conv", "embedding", "recurrent", "conv_lstm", "attention", "activation", "shrink", "gate", "loss", "error_loss",
  "margin_loss", "region_loss", "sequence_loss", "distance", "adaptive", "mixture", "noise", "shape", "merge", "pool", "pad", "norm", "graph", "detection",
  "preprocess", "normalize", "optim", "hdf5", "idx", "csv",
}

-- Receivers in signatures, with their classes.
local classes = {
  { "x", "Tensor" }, { "layer", "Layer" }, { "model", "Model" }, { "module", "Module" }, { "opt", "Optimizer" }, { "ds", "Dataset" },
  { "loader", "Loader" }, { "checkpoint", "Checkpoint" }, { "line", "Progress" }, { "ctx", "OpContext" },
  { "lr", "Schedule" }, { "ema", "Average" }, { "pruned", "Pruning" }, { "s", "Sparse" }, { "lookup", "Lookup" }, { "handle", "HookHandle" },
  { "metric", "Metric" }, { "compiled", "Compiled" },
}
local class_of = {}
for _, pair in ipairs(classes) do class_of[pair[1]] = pair[2] end

-- Tables of options that more than one function takes, and functions as results.
local aliases = {
  TensorOptions = "{ dtype: string?, requires_grad: boolean? }",
  SaveOptions = "{ optim: Optimizer?, epoch: integer?, step: integer?, history: table?, loader: Loader?, ema: Average?, prune: Pruning?, "
    .. "preprocessing: table?, training: table?, keep_prev: boolean?, format: string?, trace: Model|Tensor|Tensor[]|nil }",
  FitOptions = "{ epochs: integer?, first_epoch: integer?, batch: integer?, shuffle: boolean?, loss: string|function|Layer|nil, optim: Optimizer?, "
    .. "validate: Dataset|Loader|nil, progress: boolean?, callbacks: function[]?, accumulate: integer?, clip_norm: number?, "
    .. "clip_value: number?, schedule: Schedule?, early_stop: table?, penalty: table<string, function>?, "
    .. "activity: table<string, function>?, constrain: table<string, function>?, prune: Pruning?, metrics: table? }",
  MetricOptions = "{ threshold: number?, ignore_index: integer? }",
  AverageOptions = "{ average: string?, threshold: number?, ignore_index: integer?, beta: number? }",
  AreaOptions = "{ average: string?, ignore_index: integer? }",
  KappaOptions = "{ weights: string?, threshold: number?, ignore_index: integer? }",
  ConfusionOptions = "{ normalize: string?, classes: string[]?, threshold: number?, ignore_index: integer? }",
  CyclicOptions = "{ base_lr: number|number[], max_lr: number|number[], step_size_up: number?, step_size_down: number?, mode: string?, "
    .. "gamma: number?, scale_fn: function?, scale_mode: string?, cycle_momentum: boolean?, base_momentum: number?, max_momentum: number? }",
  LBFGSOptions = "{ lr: number?, max_iter: integer?, max_eval: integer?, tolerance_grad: number?, tolerance_change: number?, "
    .. "history_size: integer?, line_search_fn: string? }",
  OneCycleOptions = "{ max_lr: number|number[], total_steps: integer?, epochs: integer?, steps_per_epoch: integer?, pct_start: number?, "
    .. "anneal_strategy: string?, cycle_momentum: boolean?, base_momentum: number?, max_momentum: number?, div_factor: number?, "
    .. "final_div_factor: number?, three_phase: boolean? }",
  PlateauOptions = "{ mode: string?, factor: number?, patience: integer?, threshold: number?, threshold_mode: string?, "
    .. "cooldown: integer?, min_lr: number|number[]|nil, eps: number?, metric: string? }",
  NamedTensors = "fun(): string?, Tensor?",
  NamedLayers = "fun(): string?, Layer?",
}

-- ---- signatures --------------------------------------------------------------------------------------------------------
-- Split at commas (or another mark) outside brackets.
local function split(text, mark)
  local list, depth, from = {}, 0, 1
  for i = 1, #text do
    local c = text:sub(i, i)
    if c:find "[%(%{%[<]" then depth = depth + 1 end
    if c:find "[%)%}%]>]" then depth = depth - 1 end
    if c == mark and depth == 0 then
      list[#list + 1] = text:sub(from, i - 1)
      from = i + 1
    end
  end
  list[#list + 1] = text:sub(from)
  for i, item in ipairs(list) do list[i] = item:match "^%s*(.-)%s*$" end
  return list
end

local function parse(signature)
  local receiver, mark, name, inside, returns = signature:match "^([%a_]+)([.:])([%w_]+)(%b())%s*:?%s*(.*)$"
  assert(receiver, "no signature: " .. signature)
  local call = { receiver = receiver, mark = mark, name = name, params = {}, returns_text = returns }
  call.returns = returns ~= "" and split(returns, ",") or {}
  for _, text in ipairs(inside == "()" and {} or split(inside:sub(2, -2), ",")) do
    local param, kind = text:match "^([%w_.?]+):%s*(.+)$"
    assert(param, "no parameter: " .. text .. " in " .. signature)
    local vararg, optional = param:find("...", 1, true) ~= nil, param:find "%?$" ~= nil
    call.params[#call.params + 1] = { name = param:match "^[%w_]*", vararg = vararg, optional = optional, kind = kind }
  end
  return call
end

local function keys_of(kind)
  local keys = {}
  for _, field in ipairs(split((aliases[kind] or kind):sub(2, -2), ",")) do keys[#keys + 1] = field:match "^[%w_]+" end
  return "{ " .. table.concat(keys, ", ") .. " }"
end

-- The arguments as they are shown: "value, sizes...[, { dtype, requires_grad }]".
local function shown_params(call, first)
  local text, close, required = first or "", "", 0
  for i, p in ipairs(call.params) do
    if not p.optional and not p.vararg then required = i end -- what stands before it is given, if as nil
  end
  for i, p in ipairs(call.params) do
    local optional = p.optional and i > required
    local comma = text ~= "" and ", " or ""
    local name = (p.kind:find "^{" or p.kind == "TensorOptions") and keys_of(p.kind) or p.name .. (p.vararg and "..." or "")
    text = text .. (optional and "[" or "") .. comma .. name
    close = close .. (optional and "]" or "")
  end
  return "(" .. text .. close .. ")"
end

-- ---- Markdown ----------------------------------------------------------------------------------------------------------
-- Fill a paragraph to the width of the file, the lines after the first indented; what is in backticks stays on one line.
local function fill(text, indent)
  local words, line, lines = {}, "", {}
  local margin
  margin, text = text:match "^(%s*)(.*)$"
  for piece, code in (text .. "``"):gmatch "([^`]*)(`[^`]*`)" do
    for space, word in piece:gmatch "(%s*)(%S*)" do
      if space ~= "" or #words == 0 then words[#words + 1] = word elseif word ~= "" then words[#words] = words[#words] .. word end
    end
    if code ~= "``" then words[#words] = words[#words] .. code end
  end
  for _, word in ipairs(words) do
    if line ~= "" and line ~= "-" and #line + #word + #indent >= 120 then -- nothing stands alone behind the mark of a list
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line:match "^(.-)%s*$"
  return margin .. table.concat(lines, "\n" .. indent)
end

-- Fill the paragraphs of a text; code and tables stay as they are.
local function fill_text(text)
  local out, paragraph, in_code = {}, {}, false
  local function flush()
    if #paragraph > 0 then out[#out + 1] = fill(table.concat(paragraph, " "), paragraph[1]:find "^%- " and "  " or "") end
    paragraph = {}
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local fence = line:find "^```" ~= nil
    if fence or in_code or line == "" or line:find "^[|<]" then
      flush()
      out[#out + 1] = line
      if fence then in_code = not in_code end
    else
      if line:find "^%- " then flush() end -- an entry of a list
      paragraph[#paragraph + 1] = line:match "^%s*(.-)$"
    end
  end
  flush()
  return table.concat(out, "\n")
end

-- { a, b } or a list of such pairs, as a list.
local function pairs_in(value)
  if value == nil then return {} end
  return type(value[1]) == "table" and value or { value }
end

local function examples(entry)
  local texts = {}
  for _, pair in ipairs(pairs_in(entry.is)) do texts[#texts + 1] = string.format("`%s` is `%s`.", pair[1], pair[2]) end
  for _, pair in ipairs(pairs_in(entry.raises)) do texts[#texts + 1] = string.format("`%s` raises `%s`.", pair[1], pair[2]) end
  return texts
end

-- Short ones only: an expression that is a function's whole life helps nobody.
local function shown_examples(entry)
  local texts = {}
  for _, text in ipairs(examples(entry)) do
    if not text:find "%(function" then texts[#texts + 1] = text end
  end
  return texts
end

local function entry_markdown(entry, both)
  local call = parse(entry[1])
  local head = string.format("**`%s%s%s%s`**", call.receiver, call.mark, call.name, shown_params(call))
  if both then head = head .. string.format(", `luron.%s%s`", call.name, shown_params(call, "x")) end
  if call.returns_text ~= "" then head = head .. string.format(" → `%s`", (call.returns_text:gsub("Named%a+", "iterator"))) end
  local text = entry[2]:gsub("([^.!?])$", "%1.")
  return fill("- " .. head .. ": " .. table.concat({ text, table.unpack(shown_examples(entry)) }, " "), "  ")
end

local function section_markdown(out, section, level)
  out(string.rep("#", level) .. " " .. section.title .. "\n")
  if section.text then out(fill_text(section.text) .. "\n") end
  for _, text in ipairs(shown_examples(section)) do out("- " .. text) end
  if #shown_examples(section) > 0 then out "" end
  for _, field in ipairs(section.fields or {}) do out(fill(string.format("- **`%s`**: %s", field[1], field[3]), "  ")) end
  if section.fields then out "" end
  local entries = false
  for _, item in ipairs(section) do
    if item.title then
      if entries then out "" end
      section_markdown(out, item, level + 1)
    else
      out(entry_markdown(item, section.both))
      entries = true
    end
  end
  if entries then out "" end
end

-- ---- types of plugins --------------------------------------------------------------------------------------------------
local function describe(kind, name)
  local info, text = assert(luron.type_info(kind, name)), require("luron.core").help(name)
  local what = { kind = kind, name = name, doc = info.doc, fn = info.function_name, plugin = info.plugin, is_loss = info.is_loss }
  what.options, what.inputs = {}, {}
  local known = {}
  for _, option in ipairs(info.options) do known[option] = true end
  for line in text:gmatch "[^\n]+" do
    local option, option_kind, rest = line:match "^  ([%w_]+)%s+(%l+), (.*)$"
    local port, note = line:match "^  input ([%w_]+)(.*)$"
    if port then
      what.inputs[#what.inputs + 1] = { name = port, optional = note:find("(optional)", 1, true) ~= nil, doc = note:match ": (.*)$" }
    elseif known[option] then
      local o = { name = option, kind = option_kind, required = rest:find "^required" ~= nil }
      local facts, doc = rest:match "^(.-): (.*)$"
      facts = facts or rest
      o.default, o.choices, o.doc = facts:match "^default (.-)%f[;\0]", facts:match "one of (.-)%f[;\0]", doc
      local low, high = facts:match "from (%S+) to (%S+)"
      o.low, o.high = tonumber(low), tonumber(high)
      what.options[#what.options + 1] = o
    end
  end
  assert(#what.options == #info.options, name .. ": the help text has other options than the descriptor")
  local _, weights = pcall(function() return #luron.nn[name]():parameters() end)
  if math.type(weights) == "integer" and weights > 0 then what.fn = nil end -- a function has nowhere to keep parameters
  return what
end

-- Types by plugin: those above in their order, then others by name.
local function types_of(kind)
  local rank, list = {}, {}
  for i, plugin in ipairs(plugins) do rank[plugin] = i end
  for i, name in ipairs(luron.types(kind)) do
    list[i] = describe(kind, name)
    list[i].place = string.format("%02d %s %03d", rank[list[i].plugin] or 99, list[i].plugin, i)
  end
  table.sort(list, function(a, b) return a.place < b.place end)
  return list
end

local function range_text(o)
  if not o.low then return "" end
  if o.high >= 1e9 then return o.low > 0 and o.low < 1e-9 and ", above 0" or string.format(", at least %.10g", o.low) end
  return string.format(", %.10g to %.10g", o.low, o.high)
end

local function option_markdown(o)
  local text = string.format("  - `%s` %s%s", o.name, o.kind, o.required and ", required" or ", default `" .. o.default .. "`")
  text = text .. range_text(o) .. (o.choices and "; one of `" .. o.choices:gsub(", ", "`, `") .. "`" or "")
  return fill(text .. (o.doc and ": " .. o.doc or ""), "    ")
end

local function type_markdown(out, what)
  local call = { params = {} }
  for _, o in ipairs(what.options) do call.params[#call.params + 1] = { name = o.name, optional = not o.required, kind = o.kind } end
  local head
  if what.kind == "optim" then
    head = string.format("**`optim.%s(parameters[, options])`**", what.name)
  elseif what.kind == "format" then
    head = "**`" .. what.name .. "`**"
  else
    head = string.format("**`nn.%s%s`**", what.name, shown_params(call))
    local names = {}
    for _, port in ipairs(what.inputs) do
      if not port.optional then names[#names + 1] = port.name end
    end
    if what.fn then head = head .. string.format(", `nn.%s(%s)`", what.fn, table.concat(names, ", ")) end
  end
  out(fill("- " .. head .. ": " .. what.doc .. ".", "  "))
  for _, o in ipairs(what.options) do out(option_markdown(o)) end
  for _, port in ipairs(what.inputs) do
    if port.doc then out(fill(string.format("  - input `%s`%s: %s", port.name, port.optional and " (optional)" or "", port.doc), "    ")) end
  end
end

local titles = {
  linear = "Linear", conv = "Convolution", embedding = "Embeddings", recurrent = "Recurrent", conv_lstm = "Recurrent, of images", attention = "Attention",
  activation = "Activations", shrink = "Activations that shrink, and others", gate = "Activations of several numbers", loss = "Losses",
  error_loss = "Losses of numbers", margin_loss = "Losses by margins", region_loss = "Losses of masks", sequence_loss = "Losses of sequences",
  distance = "Distances", adaptive = "Adaptive softmax", mixture = "Mixtures", noise = "Noise",
  shape = "Shape", merge = "Merging", pool = "Pooling", pad = "Padding and resizing", norm = "Normalisation",
  normalize = "Normalisation without statistics", graph = "Graphs", detection = "Detection", preprocess = "Preprocessing",
}

local function types_markdown(out)
  out "## Layer types\n"
  local last
  for _, what in ipairs(types_of "layer") do
    if what.plugin ~= last then out((last and "\n" or "") .. "### " .. (titles[what.plugin] or what.plugin) .. "\n") end
    last = what.plugin
    type_markdown(out, what)
  end
  out "\n## Optimiser types\n"
  for _, what in ipairs(types_of "optim") do type_markdown(out, what) end
  out "\n## File formats\n"
  for _, what in ipairs(types_of "format") do type_markdown(out, what) end
end

local function read(path)
  local file <close> = io.open(path, "r")
  return file and file:read "a"
end

local function status_markdown(out)
  out "\n## Status codes\n"
  out "The third result of what gives `nil, message, code`, and the names in `luron.status`.\n"
  out "| code | number | meaning |\n| --- | --- | --- |"
  for name, value, text in assert(read(root .. "core/include/luron/plugin.h")):gmatch 'X%(([%u_]+), (%-%d+), "(.-)"%)' do
    assert(luron.status[name] == tonumber(value), name)
    out(string.format("| `%s` | %s | %s |", name, value, text))
  end
end

local function markdown(sections)
  local lines = {}
  local function out(line) lines[#lines + 1] = line end
  out "<!-- Written by docs/make_reference.lua from docs/reference/: change those. -->"
  out(assert(read(root .. "docs/reference/intro.md")))
  for _, section in ipairs(sections) do section_markdown(out, section, 2) end
  types_markdown(out)
  status_markdown(out)
  return table.concat(lines, "\n"):gsub("\n\n\n+", "\n\n") .. "\n"
end

-- ---- LuaCATS -----------------------------------------------------------------------------------------------------------
local function full_type(kind)
  for _, pair in ipairs(classes) do kind = kind:gsub("%f[%w_.]" .. pair[2] .. "%f[^%w_]", "luron." .. pair[2]) end
  kind = kind:gsub("%f[%w_.]Node%f[^%w_]", "luron.Node")
  for name in pairs(aliases) do kind = kind:gsub("%f[%w_.]" .. name .. "%f[^%w_]", "luron." .. name) end
  return kind
end

local function declaration(out, call, text, receiver, mark, first)
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do out("--- " .. line) end
  local names = {}
  if first then
    out("---@param " .. first .. " luron.Tensor")
    names[1] = first
  end
  for i, p in ipairs(call.params) do
    if p.vararg then -- Lua has no parameters behind it: their types join
      local kinds = { full_type(p.kind) }
      for k = i + 1, #call.params do kinds[#kinds + 1] = full_type(call.params[k].kind) end
      out("---@param ... " .. table.concat(kinds, "|") .. (p.name ~= "" and " " .. p.name or ""))
      names[#names + 1] = "..."
      break
    end
    out(string.format("---@param %s%s %s", p.name, p.optional and "?" or "", full_type(p.kind)))
    names[#names + 1] = p.name
  end
  for _, value in ipairs(call.returns) do
    local words = split(value, " ")
    out("---@return " .. full_type(words[1]) .. (words[2] and " " .. table.concat(words, " ", 2) or ""))
  end
  out(string.format("function %s%s%s(%s) end\n", receiver, mark, call.name, table.concat(names, ", ")))
end

local function section_cats(out, section)
  for _, item in ipairs(section) do
    if item.title then
      section_cats(out, item)
    else
      local call = parse(item[1])
      declaration(out, call, item[2], class_of[call.receiver] or call.receiver, call.mark)
      if section.both then declaration(out, call, item[2], "luron", ".", "x") end
    end
  end
end

local lua_kinds = {
  integer = "integer", number = "number", boolean = "boolean", string = "string", choice = "string", integers = "integer|integer[]", dim = "integer",
  id = "integer", initialiser = "string", numbers = "number|number[]",
}

local function options_type(what, with_inputs)
  local fields = {}
  for _, o in ipairs(what.options) do
    local optional = o.required and "" or (o.kind == "integers" or o.kind == "numbers") and "|nil" or "?"
    fields[#fields + 1] = o.name .. ": " .. lua_kinds[o.kind] .. optional
  end
  for _, port in ipairs(with_inputs and what.inputs or {}) do
    if port.optional then fields[#fields + 1] = port.name .. ": luron.Tensor?" end
  end
  return #fields > 0 and "{ " .. table.concat(fields, ", ") .. " }"
end

local function layer_cats(out, what, tensor_methods)
  out("--- " .. what.doc)
  local names = {}
  for _, o in ipairs(what.options) do
    out(string.format("---@param %s%s %s %s", o.name, o.required and "" or "?", lua_kinds[o.kind], o.doc or ""))
    names[#names + 1] = o.name
  end
  out "---@return luron.Layer"
  if #names > 0 then out("---@overload fun(options: " .. options_type(what) .. "): luron.Layer") end
  out(string.format("function nn.%s(%s) end\n", what.name, table.concat(names, ", ")))
  local lazy = require("luron.lazy").told(what.name)
  if lazy then out(string.format("--- %s.\n---@param ... any\n---@return luron.Layer\nfunction nn.Lazy%s(...) end\n", lazy, what.name)) end
  if not what.fn then return end
  local call, own = { name = what.fn, params = {}, returns = { "Tensor" } }, not tensor_methods[what.fn]
  for _, port in ipairs(what.inputs) do
    if not port.optional then call.params[#call.params + 1] = { name = port.name, kind = "Tensor" } end
  end
  local options = options_type(what, true)
  if options then call.params[#call.params + 1] = { name = "options", optional = true, kind = options } end
  declaration(out, call, what.doc, "nn", ".")
  if own then declaration(out, call, what.doc, "luron", ".") end
  if what.is_loss or #what.inputs > 1 or not own then return end
  table.remove(call.params, 1)
  declaration(out, call, what.doc, "Tensor", ":")
end

local operators = {
  "add(luron.Tensor|number): luron.Tensor", "sub(luron.Tensor|number): luron.Tensor", "mul(luron.Tensor|number): luron.Tensor",
  "div(luron.Tensor|number): luron.Tensor", "idiv(luron.Tensor|number): luron.Tensor", "mod(luron.Tensor|number): luron.Tensor",
  "pow(luron.Tensor|number): luron.Tensor", "unm: luron.Tensor", "band(luron.Tensor|boolean): luron.Tensor",
  "bor(luron.Tensor|boolean): luron.Tensor", "bxor(luron.Tensor|boolean): luron.Tensor", "bnot: luron.Tensor",
  "concat(string): string", "len: integer",
}
local calls = {
  Layer = "fun(...: luron.Tensor|luron.Node|table): luron.Tensor ...", Model = "fun(...: luron.Tensor|luron.Node): luron.Tensor ...",
  Module = "fun(...: any): any", Loader = "fun(): luron.Tensor, luron.Tensor", Lookup = "fun(data: any): luron.Tensor",
  Compiled = "fun(...: any): luron.Tensor? ...",
}
local fields = {
  Tensor = { "[integer|string|table] luron.Tensor|number" },
  Layer = { "weight luron.Tensor?", "bias luron.Tensor?" },
  Model = { "[integer] luron.Layer" },
  Optimizer = { "groups table[]" },
  Dataset = { "classes string[]?", "tensors luron.Tensor[]", "name string?" },
  Checkpoint = { "epoch integer?", "step integer?", "history table?", "preprocessing table", "training table", "path string" },
}

local function cats(sections)
  local lines = {}
  local function out(line) lines[#lines + 1] = line end
  out "---@meta luron"
  out "-- Written by docs/make_reference.lua: what an editor with the Lua language server shows and checks."
  out ""
  local shown = { "CyclicOptions", "FitOptions", "LBFGSOptions", "NamedLayers", "NamedTensors", "OneCycleOptions", "PlateauOptions", "SaveOptions",
    "TensorOptions", "MetricOptions", "AverageOptions", "AreaOptions", "KappaOptions", "ConfusionOptions" }
  for _, name in ipairs(shown) do
    out("---@alias luron." .. name .. " " .. full_type(aliases[name]))
  end
  out "\n---@class luron.Node\nlocal Node = {}\n"
  for _, pair in ipairs(classes) do
    local name = pair[2]
    out("---@class luron." .. name)
    for _, field in ipairs(fields[name] or {}) do out("---@field " .. field) end
    for _, operator in ipairs(name == "Tensor" and operators or {}) do out("---@operator " .. operator) end
    if calls[name] then out("---@overload " .. calls[name]) end
    if name == "Dataset" or name == "Loader" or name == "Lookup" then out "---@operator len: integer" end
    out("local " .. name .. " = {}\n")
  end
  out "---@class luron.init\nlocal init = {}\n\n---@class luron.nn\n---@field Module luron.Module\n---@field init luron.init\nlocal nn = {}\n"
  out "---@class luron.optim\nlocal optim = {}\n"
  out "---@class luron.data\nlocal data = {}\n"
  out "---@class luron.schedule\nlocal schedule = {}\n"
  out "---@class luron.metrics\nlocal metrics = {}\n"
  out "---@class luron.linalg\nlocal linalg = {}\n\n---@class luron.sparse\nlocal sparse = {}\n"
  out "---@class luron.preprocess\nlocal preprocess = {}\n\n---@class luron.boxes\nlocal boxes = {}\n"
  out "---@class luron.regularizer\nlocal regularizer = {}\n\n---@class luron.constraint\nlocal constraint = {}\n"
  out "---@class luron\n---@field version string\n---@field abi_major integer\n---@field status table<string, integer>"
  out "---@field nn luron.nn\n---@field optim luron.optim\n---@field data luron.data\n---@field schedule luron.schedule\n---@field metrics luron.metrics"
  out "---@field linalg luron.linalg\n---@field sparse luron.sparse\n---@field preprocess luron.preprocess\n---@field boxes luron.boxes"
  out "---@field regularizer luron.regularizer\n---@field constraint luron.constraint\nlocal luron = {}\n"
  for _, section in ipairs(sections) do section_cats(out, section) end
  local tensor_methods = require("luron.core").methods.tensor
  for _, what in ipairs(types_of "layer") do layer_cats(out, what, tensor_methods) end
  for _, what in ipairs(types_of "optim") do
    out("--- " .. what.doc)
    out "---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table"
    out("---@param options? " .. options_type(what) .. "\n---@return luron.Optimizer")
    out("function optim." .. what.name .. "(parameters, options) end\n")
  end
  out "return luron"
  return table.concat(lines, "\n") .. "\n"
end

-- ---- writing -----------------------------------------------------------------------------------------------------------
-- The texts of NAME.md, each below its section's title, put into the sections of NAME.lua: luron.help shows none of them, so they
-- are no part of the modules that it reads.
local function add_texts(part, section)
  local texts, title = {}, nil
  for line in (read(root .. "docs/reference/" .. part .. ".md") or ""):gmatch "([^\n]*)\n" do
    title = line:match "^## (.*)" or title
    if title and texts[title] then table.insert(texts[title], line) else texts[title or error(part .. ".md: no title")] = {} end
  end
  local function walk(item)
    local lines = texts[item.title]
    item.text, texts[item.title] = lines and table.concat(lines, "\n"):match "^%s*(.-)%s*$", nil
    for _, inner in ipairs(item) do
      if inner.title then walk(inner) end
    end
  end
  walk(section)
  assert(not next(texts), part .. ".md: no section " .. tostring(next(texts)))
  return section
end

local sections = {}
for i, part in ipairs(parts) do sections[i] = add_texts(part, dofile(root .. "docs/reference/" .. part .. ".lua")) end
local files = { ["docs/lua-api.md"] = markdown(sections), ["lua/library/luron.d.lua"] = cats(sections) }
local stale = {}
for path, text in pairs(files) do
  if read(root .. path) ~= text then stale[#stale + 1] = path end
end
table.sort(stale)
if arg[1] == "--check" then
  if #stale > 0 then
    io.stderr:write("not up to date: ", table.concat(stale, ", "), "; run luron docs/make_reference.lua\n")
    os.exit(1)
  end
  return
end
for _, path in ipairs(stale) do
  local file <close> = assert(io.open(root .. path, "w"))
  assert(file:write(files[path]))
  print("wrote " .. path)
end
