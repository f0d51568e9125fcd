-- The docs: the reference names all there is and nothing else, what it claims is so, and every code block of README.md and
-- docs/*.md runs. Blocks of a document run in order, in a folder of their own in which core/, build/ ... are the source tree's;
-- each is a script of its own, files stay. A text block right behind a block that ran is what it prints: words have to be the
-- same, numbers nearly, "..." stands for the rest of a line.
local luron = require "luron"
local core = require "luron.core"
local nn, data = luron.nn, luron.data

local function absolute(path)
  if path:sub(1, 1) == "/" then return path end
  local pipe <close> = assert(io.popen "pwd")
  return pipe:read "l" .. "/" .. path
end

local source = absolute(os.getenv "LURON_TEST_SOURCE" or debug.getinfo(1, "S").source:match "^@(.*)/tests/lua/[^/]*$" or ".")
local own_library = assert(package.searchpath("luron.core", package.cpath))
local build = absolute(os.getenv "LURON_TEST_BUILD" or own_library:match "^(.*)/lib/lua/5.4/luron/core.so$")
local sanitize = os.getenv "LURON_TEST_SANITIZE" or ""

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- The program that runs this.
local function interpreter()
  local i = 0
  while arg and arg[i - 1] do i = i - 1 end
  local program = arg and i < 0 and arg[i] or "lua5.4"
  return program:find "/" and absolute(program) or program
end

-- Output (errors with it) and success of a command in a folder.
local function run(dir, command)
  local pipe = assert(io.popen("cd " .. quote(dir) .. " && { " .. command .. " ; } 2>&1 </dev/null", "r"))
  local output = pipe:read "a"
  return output, (pipe:close())
end

-- ---- the reference -----------------------------------------------------------------------------------------------------
-- Names in lua-api.md by receiver: documented.x.exp, documented["luron"].seed.
local function documented_names()
  local names = {}
  local function note(span)
    local receiver, name = span:match "^([%a_]+)[.:]([%w_]+)"
    if not receiver then return end
    names[receiver] = names[receiver] or {}
    names[receiver][name] = true
  end
  local text = read(source .. "/docs/lua-api.md")
  for entry in ("\n" .. text:gsub("\n%- ", "\0- ")):gmatch "%z(%- %*%*`[^%z]*)" do
    local first, rest = entry:match "^%- %*%*`(.-)`%*%*(.*)$"
    note(first)
    local second = rest:match "^,%s+`(.-)`"
    if second then note(second) end
  end
  return names
end

local function upvalue(fn, wanted)
  for i = 1, math.huge do
    local name, value = debug.getupvalue(fn, i)
    if name == wanted then return value end
    assert(name, "no upvalue " .. wanted)
  end
end

local function functions_of(t)
  local names = {}
  for name, value in pairs(t) do
    if type(name) == "string" and type(value) == "function" and name:sub(1, 1) ~= "_" then names[name] = true end
  end
  return names
end

-- What there is, by receiver.
local function public_names()
  local ds = data.tensors(luron.zeros(2))
  local path = os.tmpname()
  nn.Sequential({ nn.ReLU() }):save(path)
  local checkpoint = assert(luron.checkpoint(path))
  os.remove(path)
  local names = {
    luron = {}, nn = {}, optim = {}, data = functions_of(data), layer = functions_of(core.methods.layer), model = functions_of(core.methods.model),
    opt = functions_of(core.methods.optim), x = functions_of(core.methods.tensor), module = functions_of(nn.Module),
    ds = functions_of(upvalue(getmetatable(ds).__index, "Dataset")), loader = functions_of(getmetatable(ds:loader())),
    checkpoint = functions_of(getmetatable(checkpoint)), line = functions_of(getmetatable(luron.progress(1, 1))),
    ctx = {}, schedule = functions_of(luron.schedule), init = functions_of(nn.init), linalg = functions_of(luron.linalg),
    sparse = functions_of(luron.sparse), s = functions_of(getmetatable(luron.sparse.from_dense(luron.ones(1, 1)))),
    preprocess = functions_of(luron.preprocess), boxes = functions_of(luron.boxes), lookup = functions_of(getmetatable(luron.preprocess.StringLookup())),
    regularizer = functions_of(luron.regularizer), constraint = functions_of(luron.constraint), handle = functions_of(core.methods.hook),
  }
  names.metrics, names.metric = { is_metric = true }, functions_of(upvalue(getmetatable(luron.metrics.F1()).__index, "methods"))
  for name in pairs(upvalue(getmetatable(luron.metrics).__index, "home")) do names.metrics[name] = true end
  local linear = nn.Linear(1, 1)
  names.lr = functions_of(getmetatable(luron.schedule.ConstantLR(luron.optim.SGD(linear))))
  names.ema = functions_of(getmetatable(luron.EMA(linear)))
  names.pruned = functions_of(getmetatable(luron.prune(linear)))
  luron.op({ name = "look", forward = function(ctx, x)
    names.ctx = functions_of(getmetatable(ctx).__index)
    return x
  end, backward = function(_, g) return g end })(luron.zeros(1))
  for name in pairs(upvalue(getmetatable(luron).__index, "lazy")) do names.luron[name] = true end
  for name in pairs(luron) do names.luron[name] = true end
  names.optim.LBFGS = true -- no plugin's
  names.fit = upvalue(luron.fit, "fit_options")
  for name in pairs(nn) do
    if name ~= "init" and not core.layer_type(name) and not core.layer_function(name) then names.nn[name] = true end
  end
  local own = build .. "/lib/luron/plugins/"
  for _, kind in ipairs { "layer", "optim" } do
    for _, name in ipairs(luron.types(kind)) do
      local info = luron.type_info(kind, name)
      if info.plugin_path:sub(1, #own) == own then
        names[kind == "layer" and "nn" or "optim"][name] = true
        local _, weights = pcall(function() return #nn[name]():parameters() end) -- a function has nowhere to keep parameters
        if info.function_name and not (math.type(weights) == "integer" and weights > 0) then names.nn[info.function_name] = true end
      end
    end
  end
  for name in pairs(names.x) do -- functions of layer types become methods of tensors when they are first used
    if names.nn[name] and not core[name] then names.x[name] = nil end
  end
  for name in pairs(names.luron) do -- and functions of luron
    if names.nn[name] and not core[name] and name ~= "init" then names.luron[name] = nil end
  end
  return names
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function each_entry(visit)
  local function walk(section)
    visit(section)
    for _, item in ipairs(section) do
      if item.title then walk(item) else visit(item) end
    end
  end
  for _, part in ipairs(dofile(source .. "/docs/reference/parts.lua")) do
    walk(dofile(source .. "/docs/reference/" .. part .. ".lua"))
  end
end

local function pairs_in(value)
  if value == nil then return {} end
  return type(value[1]) == "table" and value or { value }
end

local function evaluate(expression)
  local chunk = assert(load("local luron, nn = ...\nlocal value = " .. expression .. "\nreturn value", "=" .. expression, "t"))
  local value = chunk(luron, nn)
  return luron.is_tensor(value) and value:totable() or value
end

describe("docs/lua-api.md", function()
  it("is what make_reference.lua writes", function()
    local output, ok = run(source, "LURON_PLUGIN_PATH= " .. quote(interpreter()) .. " docs/make_reference.lua --check")
    assert.is_true(ok, output)
  end)

  it("has annotations whose types are declared", function()
    local text, declared, n = read(source .. "/lua/library/luron.d.lua"), {}, 0
    assert(load(text, "=luron.d.lua", "t"))
    for name in text:gmatch "%-%-%-@[ca]l[ai]%a+ (luron%.%w+)" do declared[name] = true end
    for name in text:gsub("function luron%.[%w_]+%(", "("):gmatch "luron%.%u%w+" do
      n = n + 1
      assert.is_true(declared[name], name)
    end
    assert.is_true(n > 500, n .. " types")
  end)

  it("names all there is, and nothing else", function()
    local documented, public, wrong = documented_names(), public_names(), {}
    local function compare(these, those, what)
      for receiver, names in pairs(these) do
        for name in pairs(names) do
          if not (those[receiver] or {})[name] then wrong[#wrong + 1] = receiver .. "." .. name .. what end
        end
      end
    end
    compare(public, documented, " is not in docs/reference/")
    compare(documented, public, " is in docs/reference/ and nowhere else")
    assert.are.same({}, wrong)
    assert.is_true(#sorted(public.x) > 100 and #sorted(public.nn) > 50)
  end)

  it("says what is so", function()
    local n = 0
    each_entry(function(entry)
      for _, pair in ipairs(pairs_in(entry.is)) do
        n = n + 1
        assert.are.same(evaluate(pair[2]), evaluate(pair[1]), pair[1])
      end
      for _, pair in ipairs(pairs_in(entry.raises)) do
        n = n + 1
        local ok, message = pcall(evaluate, pair[1])
        assert.is_false(ok, pair[1])
        assert.is_truthy(tostring(message):find(pair[2], 1, true), pair[1] .. ": " .. tostring(message))
      end
    end)
    assert.is_true(n > 70, n .. " claims")
  end)
end)

-- ---- code blocks ---------------------------------------------------------------------------------------------------------
local languages = { lua = true, c = true, sh = true, python = true, text = true, json = true }

local function blocks_of(path)
  local blocks, block, n = {}, nil, 0
  for line in io.lines(path) do
    n = n + 1
    local mark = line:match "^%s*```(.*)$"
    if mark and block then
      block.text = table.concat(block, "\n") .. "\n"
      blocks[#blocks + 1], block = block, nil
    elseif mark then
      block = { language = mark, line = n }
    elseif block then
      block[#block + 1] = line
    end
  end
  assert(not block, path .. ": a code block does not end")
  return blocks
end

-- Does the output agree with what the document says?
local function agrees(said, output)
  local said_lines, lines = {}, {}
  for line in said:gmatch "[^\n]*" do said_lines[#said_lines + 1] = line:match "^(.-)%s*$" end
  for line in output:gmatch "[^\n]*" do lines[#lines + 1] = line:match "^(.-)%s*$" end
  for i = 1, math.max(#said_lines, #lines) do
    local want, got = {}, {}
    for word in (said_lines[i] or ""):gmatch "%S+" do want[#want + 1] = word end
    for word in (lines[i] or ""):gmatch "%S+" do got[#got + 1] = word end
    for k = 1, math.max(#want, #got) do
      if want[k] == "..." then break end
      local before, number, after = (want[k] or ""):match "^(%D-)(%-?%d[%d.,e+-]*)(%D*)$"
      local before2, number2, after2 = (got[k] or ""):match "^(%D-)(%-?%d[%d.,e+-]*)(%D*)$"
      local a, b = tonumber((number or ""):match "^(.-)[.,]?$"), tonumber((number2 or ""):match "^(.-)[.,]?$")
      local near = a and b and before == before2 and after == after2 and math.abs(a - b) <= 0.02 + 0.03 * math.abs(a)
      if want[k] ~= got[k] and not near then
        return false, string.format("line %d: '%s' where the document has '%s'", i, got[k] or "", want[k] or "")
      end
    end
  end
  return true
end

local function exists(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

local has_clothes = exists((os.getenv "LURON_DATA" or "/usr/share/datasets") .. "/fashion-mnist/train-images-idx3-ubyte.gz")
local python = os.getenv "LURON_TEST_PYTHON" or "/usr/bin/python3"
local python_has = {}

-- A module that the block imports and this machine's Python does not have.
local function missing_module(block)
  for list in block.text:gmatch "import ([%w_, ]+)\n" do
    for name in list:gmatch "[%w_]+" do
      if python_has[name] == nil then python_has[name] = os.execute(quote(python) .. " -c 'import " .. name .. "' >/dev/null 2>&1") == true end
      if not python_has[name] then return name end
    end
  end
end

-- A folder in which a document's commands work as they stand there.
local function make_folder()
  local pipe <close> = assert(io.popen "mktemp -d")
  local dir = pipe:read "l"
  local commands = "mkdir bin; ln -s " .. quote(build) .. " build"
  commands = commands .. "; for d in core docs lua models plugins; do ln -s " .. quote(source) .. "/$d $d; done"
  if sanitize ~= "" then -- what is built against a sanitized library has to be sanitized itself
    commands = commands .. "; printf '%s\\n' '#!/bin/sh' 'exec /usr/bin/cc -fsanitize=" .. sanitize .. " \"$@\"' >bin/cc; chmod +x bin/cc"
  end
  local output, ok = run(dir, commands)
  assert(ok, output)
  return dir
end

local function command_for(block, dir, name)
  if block.language == "c" then
    local file = block.text:match "^/%*%s*([%w_.-]+%.[ch])"
    assert(file, "the first line of a C block names its file: /* name.c: ... */")
    write(dir .. "/" .. file, block.text)
    return nil
  end
  local programs = { lua = quote(interpreter()), sh = "sh -eu", python = quote(python) }
  write(dir .. "/" .. name, block.text)
  local environment = string.format("PATH=%s:%s:$PATH LURON_PLUGIN_PATH=%s", quote(dir .. "/bin"), quote(build .. "/bin"), quote(dir))
  return environment .. " " .. programs[block.language] .. " " .. name
end

-- Why a block cannot run here; files that skipped blocks would have written are missed by later ones.
local function reason_to_skip(block, missing)
  local module = block.language == "python" and missing_module(block)
  if module then return python .. " has no " .. module end
  for file in pairs(missing) do
    if block.text:find(file, 1, true) then return file .. " was not written: dataset-fashion-mnist is absent" end
  end
  if block.text:find "fashion_mnist" and not has_clothes then
    for file in block.text:gmatch 'save%("([^"]+)"' do missing[file] = true end
    return "dataset-fashion-mnist is absent"
  end
end

-- ---- links within a page -----------------------------------------------------------------------------------------------
local function contents_of(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The anchors that GitHub makes of the headings, in order.
local function anchors_of(text)
  local list = {}
  for heading in ("\n" .. text:gsub("\n```.-\n```", "\n")):gmatch "\n#+ ([^\n]+)" do
    list[#list + 1] = heading:lower():gsub("[^%w_\x80-\xff -]", ""):gsub(" ", "-")
  end
  return list
end

describe("links", function()
  for _, path in ipairs { "README.md", "docs/tutorial.md", "docs/tutorial.zh.md", "docs/plugins.md", "docs/embedding.md", "docs/file-format.md",
    "docs/performance.md" } do
    it("within " .. path .. " lead somewhere", function()
      local text, there, linked = contents_of(source .. "/" .. path), {}, {}
      local anchors = anchors_of(text)
      for _, anchor in ipairs(anchors) do there[anchor] = true end
      for anchor in text:gmatch "%]%(#([^)]+)%)" do
        linked[anchor] = true
        assert.is_true(there[anchor] ~= nil, anchor)
      end
      for _, anchor in ipairs(anchors) do -- the contents of a page with numbered sections have all of them
        if anchor:find "^%d+-" then assert.is_true(linked[anchor] ~= nil, anchor .. " is not in the contents") end
      end
    end)
  end
end)

-- A translation has the same code, which runs once.
describe("docs/tutorial.zh.md", function()
  it("has the code of docs/tutorial.md", function()
    local original, translated = blocks_of(source .. "/docs/tutorial.md"), blocks_of(source .. "/docs/tutorial.zh.md")
    assert.are.equal(#original, #translated)
    for i, block in ipairs(original) do
      assert.are.equal(block.language, translated[i].language)
      assert.are.equal(block.text, translated[i].text)
    end
  end)
end)

-- The model in model.h5 of file-format.md.
local example = nn.Sequential { nn.Linear(3, 4), nn.ReLU() }

describe("docs/file-format.md", function()
  it("shows the architecture that is written", function()
    for _, block in ipairs(exists(source .. "/docs/file-format.md") and blocks_of(source .. "/docs/file-format.md") or {}) do
      if block.language == "json" then assert.are.same(core.json_decode(example:json()), core.json_decode(block.text)) end
    end
  end)
end)

local function documents()
  local pipe <close> = assert(io.popen("cd " .. quote(source) .. " && ls README.md docs/*.md"))
  local list = {}
  for path in pipe:lines() do
    if not path:find "%.zh%.md$" then list[#list + 1] = path end
  end
  return list
end

for _, path in ipairs(documents()) do
  describe(path, function()
    local blocks, missing, dir = blocks_of(source .. "/" .. path), {}, nil
    setup(function()
      dir = make_folder()
      example:save(dir .. "/model.h5")
    end)
    teardown(function() os.execute("rm -rf " .. quote(dir)) end)

    it("marks its code blocks", function()
      for _, block in ipairs(blocks) do assert.is_true(languages[block.language], string.format("%s:%d: '%s'", path, block.line, block.language)) end
    end)

    for i, block in ipairs(blocks) do
      if languages[block.language] and block.language ~= "text" and block.language ~= "json" then
        it(string.format("line %d: the %s block works", block.line, block.language), function()
          local reason = reason_to_skip(block, missing)
          if reason then
            pending(reason)
            return
          end
          local command = command_for(block, dir, "try." .. block.language)
          if not command then return end
          local output, ok = run(dir, command)
          assert.is_true(ok, output)
          local said = blocks[i + 1]
          if said and said.language == "text" then
            local same, difference = agrees(said.text, output)
            assert.is_true(same, (difference or "") .. "\n" .. output)
          end
        end)
      end
    end
  end)
end
