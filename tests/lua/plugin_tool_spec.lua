-- luron plugin list, info, new and check; and what check finds in plugins that are wrong on purpose (tests/abi/wrong).
local source, build = os.getenv "LURON_TEST_SOURCE" or ".", os.getenv "LURON_TEST_BUILD" or "build"
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""
local command = build .. "/bin/luron"
local bar = dofile(source .. "/tests/support/bar.lua")
local luron, core = require "luron", require "luron.core"

local function run(text)
  local pipe = assert(io.popen("{ " .. text .. " ; } 2>&1"))
  local output = pipe:read "a"
  local _, _, code = pipe:close()
  return output, code
end

local function make_folder()
  local pipe <close> = assert(io.popen "mktemp -d")
  return pipe:read "l"
end

local function has(text, part) assert.is_truthy(text:find(part, 1, true), "'" .. part .. "' expected in:\n" .. text) end

describe("luron plugin", function()
  it("lists plugins and what was refused", function()
    local dir = make_folder()
    run(string.format("echo nothing > %s/broken.so", dir))
    local text, code = run(string.format("LURON_PLUGIN_PATH=%s %s plugin list", dir, command))
    assert.equal(0, code)
    has(text, "linear 1.0.0  ")
    has(text, "  layer     Linear               x W^T + b\n")
    has(text, "  optimiser AdamW ")
    has(text, "  format    csv ")
    has(text, "refused  " .. dir .. "/broken.so\n  not an ELF shared object")
    os.execute("rm -rf " .. dir)
  end)

  it("tells of a type, a plugin and a file", function()
    local text, code = run(command .. " plugin info Linear")
    assert.equal(0, code)
    has(text, luron.help "Linear")
    has(text, "plugin ABI 1.0, ")
    has(text, "compose, f64, ")
    has(run(command .. " plugin info linear"), "linear 1.0.0\n  plugin ABI 1.0, ")
    has(run(string.format("%s plugin info %s/lib/luron/plugins/noise.so", command, build)), "Dropout(p = 0.5)")
    text, code = run(command .. " plugin info Linearr")
    assert.equal(1, code)
    has(text, "luron: no plugin and no layer type 'Linearr'; did you mean 'Linear'?")
    has(run(command .. " plugin info adm"), "did you mean 'Adam' or 'Add'?")
  end)

  it("refuses wrong arguments", function()
    for _, words in ipairs { "", "nothing", "check", "new", "new a b", "new x --kind tree", "check x --seed none", "check x.so --input 3;4",
      "check x.so --options 3", "check /nonexistent.so", "info", "index", "index /nonexistent", "index -- /nonexistent" } do
      local text, code = run(command .. " plugin " .. words:gsub(";", "\\;"))
      assert.equal(1, code, words)
      assert.is_truthy(text:find "^luron: ", words .. ": " .. text)
      assert.is_nil(text:find("traceback", 1, true), text)
    end
    has(run(command .. " plugin check --help"), "--sample")
    local alone = string.format("LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua' ", build, build) -- no argparse
    assert.equal("luron: luron plugin needs the Lua module argparse (Debian: lua-argparse)\n", (run(alone .. command .. " plugin list")))
    has(run(command .. " --help"), "plugin check FILE")
  end)
end)

describe("luron plugin new", function()
  local dir
  setup(function() dir = make_folder() end)
  teardown(function() os.execute("rm -rf " .. dir) end)

  for _, kind in ipairs { "activation", "layer", "loss", "optimizer" } do
    it("writes one that builds, passes the check and learns: " .. kind, function()
      local text, code = run(string.format("cd %s && %s plugin new my_%s --kind %s", dir, command, kind, kind))
      assert.equal(0, code, text)
      text, code = run(string.format("cd %s/my_%s && make CFLAGS='-O2 -Wall -Wextra -Werror' && make check", dir, kind))
      assert.equal(0, code, text)
      has(text, " passed, 0 failed")
      has(text, "after 300 steps")
    end)
  end

  it("takes both spellings of optimiser", function()
    local text, code = run(string.format("cd %s && %s plugin new spelt --kind optimiser && grep -c luron_optim_type spelt/spelt.c", dir, command))
    assert.equal(0, code, text)
  end)

  -- The layer that `plugin new` writes, with one mistake: what check says of it, each once.
  local mistakes = {
    { "no shape", "return luron_set_out_like(c, 0, x);", "return LURON_OK;", 1, "plugin 'mistaken' set no shape for output 0 in setup" },
    { "too small", "return luron_set_out_like(c, 0, x);", "return c->host->set_out(c, 0, luron_dtype(x), LURON_SHAPE(1));", 1,
      "plugin 'mistaken': forward writes " },
    { "one too far", "i < n; i++) y[i]", "i <= n; i++) y[i]", 1, "forward writes 4 bytes past the end of output 'output'" },
    { "two refusals", "return luron_set_out_like(c, 0, x);", "return luron_fail(c, LURON_E_SHAPE, \"never\");", 1,
      "it says first: layer Mistaken { size = 2, bias = true }: " },
  }
  for _, case in ipairs(mistakes) do
    it("checks one with a mistake in words: " .. case[1], function()
      if sanitized then return end
      run(string.format("cd %s && rm -rf mistaken && %s plugin new mistaken --kind layer", dir, command))
      local path = dir .. "/mistaken/mistaken.c"
      local file = assert(io.open(path))
      local code = file:read "a"
      file:close()
      local from, to = code:find(case[2], 1, true)
      file = assert(io.open(path, "w"))
      file:write(code:sub(1, from - 1), case[3], code:sub(to + 1))
      file:close()
      local text = run(string.format("cd %s/mistaken && make >/dev/null && %s plugin check mistaken.so", dir, command))
      has(text, case[5])
      local _, failures = text:gsub("\nFAIL  ", "")
      assert.equal(case[4], failures, text)
      if case[1] == "two refusals" then has(text, "; and to the guess that came furthest: layer Mistaken ") has(text, "}: never; given input ") end
    end)
  end

  it("overwrites nothing and takes no wrong name", function()
    run(string.format("mkdir -p %s/there", dir))
    for name, part in pairs { there = "cannot make the folder 'there'", Upper = "'Upper': a name of lower-case letters", ["1st"] = "'1st'", ["../up"] = "'../up'",
      linear = "there is a type Linear already, in plugin linear", relu = "there is a function nn.relu already" } do
      local text, code = run(string.format("cd %s && %s plugin new %s", dir, command, name))
      assert.equal(1, code, name)
      has(text, part)
    end
    has(run(string.format("cd %s && %s plugin new deep --dir no/such/parent", dir, command)), "nothing is overwritten")
    has(run("ls " .. dir .. "/there | wc -l"), "0")
  end)

  it("works against an installed tree", function()
    if sanitized then return end
    local prefix = dir .. "/prefix"
    local text, code = run(string.format("cmake --install %s --prefix %s", build, prefix))
    assert.equal(0, code, text)
    local plain = "env -u LUA_PATH -u LUA_CPATH"
    text, code = run(string.format("cd %s && %s %s/bin/luron plugin new installed --kind layer && cd installed && %s make check", dir, plain, prefix, plain))
    assert.equal(0, code, text)
    has(text, prefix .. "/include")
    has(text, " passed, 0 failed")
  end)
end)

-- What has to be said of each; `only`: and of nothing else.
local wrong = {
  { "slope", "layer WrongWave: gradients: {}: gradient of input 'input', element ", only = true },
  { "stores", "backward does not add to the gradient of parameter 'bias'" },
  { "writes_past", "forward writes 4 bytes past the end of output 'output'" },
  { "forgets_bias", "each gradient alone: { size = 2 }: the gradient of parameter 'bias' is another when the others are not wanted", only = true },
  { "state_in_eval", "forward changes state 'calls', which only forward may, in training" },
  { "offset", "option 'size': its member at offset 8 with 8 bytes lies outside the options struct of 4 bytes", only = true },
  { "frees_in", "backward reads input 'input' although LURON_LAYER_FREES_IN says that it does not" },
  { "tail", "when the run is cut into pieces of 3: element i may depend on element i alone" },
  { "counting_optim", "save and resume: {}: goes on otherwise after saving and loading" },
  { "race", "when the pieces of parallel_for come in another order: results would depend on the threads" },
  { "writes_far", sanitized and "layer WrongScale: " or ": reads or writes outside its tensors: killed by signal " },
  { "writes_input", "layer WrongScale: strict mode: layer WrongScale { size = 2 }: plugin 'wrong': forward changes input 'input'" },
  { "crashes", sanitized and "layer WrongWave: strict mode: " -- a sanitizer ends with a status
    or "NULL is read or written: what is absent, or what a flag of the type says is not read: killed by signal 11 (SIGSEGV)" },
  { "small_scratch", "bytes past the end of the scratch memory" },
  { "hangs", "nothing for 10 seconds", timeout = 10 },
  { "exits", "the process ended as if all were well: a plugin never exits", only = true },
  { "trusts_ids", "ids: an id that is none is read or written with: ", only = true },
  { "recorded", "training and eval: {}: other outputs where no gradient is wanted", only = true },
  { "gemm_last", "forward changes output 'output' behind the gemm, though LURON_LAYER_GEMM_LAST is set", only = true },
  { "both", "forward_backward gives other bits in a gradient than forward and backward do", only = true },
  { "keeps_buffer", "statics: data that can change: buffer", only = true },
  { "prints", "silence: a plugin prints nothing; it printed seven", only = true },
  { "ignores_weight", "gradient of input 'input', element ", only = true },
  { "composes_bias", "compose gives " },
  { "first_rows", "gradient of parameter 'weight', in a direction through its elements ", only = true },
  { "flat_below_3", ", backward 0", only = true },
  { "overflows", "layer WrongGate: far from 0: {}: NaN comes from x = 89 (float32)", only = true },
  { "naive_softmax", "layer WrongSoftmax: far from 0: {}: NaN comes from inputs 100", only = true },
  { "float_input", "layer WrongDoubles: float32: { size = ", only = true },
  { "float_step", "optimiser WrongStep: float32: {}: step 1: change of the parameters, element ", only = true },
}
local wrong_too = { -- the like of them, in the long form
  { "first_weight", "gradient of input 'input', element ", only = true },
  { "squares_weight", "gradient of input 'input', element ", only = true },
  { "flat_above_2", ", backward 0", only = true },
  { "flat_above_3", ", backward 0", only = true },
  { "float_weight", "layer WrongDoubles: float32: { size = ", only = true },
}
if bar.is_long then table.move(wrong_too, 1, #wrong_too, #wrong + 1, wrong) end

describe("luron plugin check", function()
  local dir
  setup(function() dir = make_folder() end)
  teardown(function() os.execute("rm -rf " .. dir) end)

  local function build_wrong(name)
    local compile = "${CC:-cc} -O2 -Wall -Wextra -Werror -shared -fPIC -I%s/core/include -o %s/%s.so %s/tests/abi/wrong/%s.c -lm"
    local text, code = run(compile:format(source, dir, name, source, name))
    assert.equal(0, code, text)
  end

  it("finds what is wrong", function()
    local line, failures = bar.begin("R15", "misbehaving plugins, luron plugin check", 1), 0
    for _, case in ipairs(wrong) do
      build_wrong(case[1])
      local text, code = run(string.format("%s plugin check %s/%s.so --seed %d --timeout %d", command, dir, case[1], line.seed, case.timeout or 120))
      local findings, named = 0, false
      for finding in text:gmatch "FAIL[^\n]*" do
        findings = findings + 1
        named = named or finding:find(case[2], 1, true) ~= nil
      end
      if not (named and code == 1 and (findings == 1 or not case.only)) then
        failures = failures + 1
        print(case[1], code, text)
      end
    end
    assert.equal(0, line:finish(#wrong, failures))
  end)

  it("finds nothing where nothing is wrong", function()
    for _, name in ipairs { "right", "gemm_right", "own_gradient_right", "both_right" } do
      build_wrong(name)
      for seed = 1, 3 do
        local text, code = run(string.format("%s plugin check %s/%s.so --seed %d", command, dir, name, seed))
        assert.equal(0, code, text)
      end
    end
    local text, code = run(string.format("cd %s && %s plugin check right.so --type WrongScale --options '{ size = 4 }' --input 3,4", dir, command))
    assert.equal(0, code, text)
    has(text, "such as { size = 4 } on (3, 4)")
    text, code = run(string.format("%s plugin check %s/right.so --options '{ size = 4 }' --input 3,5", command, dir))
    assert.equal(1, code)
    has(text, "no options and inputs found that it takes")
    text, code = run(string.format("%s plugin check %s/right.so --type Nothing", command, dir))
    assert.equal(1, code)
    has(text, "has no type 'Nothing'")
  end)

  it("holds gradients that are no derivatives on purpose against compose", function()
    build_wrong "own_gradient"
    local check = string.format("%s plugin check %s/%%s.so --options '{ half = true }'", command, dir)
    local text, code = run(check:format "own_gradient")
    assert.equal(1, code)
    has(text, "second derivatives: { half = true }: the gradient of input 'input' by compose differs from that by backward")
    text, code = run(check:format "own_gradient_right")
    assert.equal(0, code, text)
  end)

  it("lets all of our own pass", function()
    local line, failures, n = bar.begin("R15", "our own plugins, luron plugin check", 1), 0, 0
    local samples = { csv = "a,b\n1,2\n3,x\n", idx = "\0\0\x0c\2" .. string.pack(">I4I4i4i4i4i4", 2, 2, 1, -2, 3, 1 << 30),
      cifar = "\7" .. ("\1\2\3"):rep(1024) }
    for name, bytes in pairs(samples) do
      local file <close> = assert(io.open(dir .. "/sample." .. name, "wb"))
      file:write(bytes)
    end
    -- Under a sanitizer these take minutes, and their own tests run there.
    local slow = sanitized and { attention = true, conv = true, conv_lstm = true, distance = true, graph = true, margin_loss = true, merge = true, norm = true,
      optim = true, pad = true, pool = true, recurrent = true, detection = true, sequence_loss = true, shrink = true } or {}
    -- Of preprocess there all but the two layers that are made of eleven others.
    local made_of_others = { RandAugment = true, AugMix = true }
    for _, file in ipairs(luron.plugins()) do
      local name = file.path:match "([^/]+)%.so$"
      if slow[name] then goto continue end
      local sample = samples[name] and string.format("--sample %s/sample.%s", dir, name) or ""
      for _, type_name in ipairs(sanitized and name == "preprocess" and core.types "layer" or {}) do
        if core.type_info("layer", type_name).plugin == name and not made_of_others[type_name] then sample = sample .. " --type " .. type_name end
      end
      local text, code = run(string.format("%s plugin check %s --seed %d %s", command, file.path, line.seed, sample))
      n = n + tonumber(text:match "(%d+) passed" or 0)
      if code ~= 0 then
        failures = failures + 1
        print(name, code, (text:gsub("[^\n]*ok  [^\n]*\n", "")))
      end
      ::continue::
    end
    assert.is_true(n > (sanitized and 300 or 3000), n .. " checks")
    assert.equal(0, line:finish(n, failures))
  end)
end)
