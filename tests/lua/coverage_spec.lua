-- Every function that the headers of core export is bound to Lua, or left out for a reason.
local source = os.getenv "LURON_TEST_SOURCE" or "."

local skipped = {
  luron_tensor_touch = "Lua never gets at the memory of a tensor",
  luron_plugin_add = "for plugins linked into a program in C",
  luron_layer_from_json = "Lua gives options as tables",
  luron_optim_set_scalar = "the state of an optimiser changes by steps and checkpoints alone",
  luron_optim_set_steps = "the state of an optimiser changes by steps and checkpoints alone",
  luron_optim_add_model = "Lua collects the parameters of models, layers and classes alike",
}

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

local function list(pattern)
  local pipe <close> = assert(io.popen("ls " .. source .. pattern))
  local paths = {}
  for path in pipe:lines() do paths[#paths + 1] = path end
  assert(#paths > 0, pattern)
  return paths
end

describe("the binding", function()
  it("uses every exported function, or says why not", function()
    local binding = {}
    for _, path in ipairs(list "/lua/binding/*.c") do binding[#binding + 1] = read(path) end
    local text, missing, n = table.concat(binding, "\n"), {}, 0
    for _, path in ipairs(list "/core/include/luron/*.h") do
      for name in read(path):gmatch "LURON_API[^;(]-[%s*](luron_[%w_]+)%s*%(" do
        if not name:find "##" then
          n = n + 1
          local used = text:find("%f[%w_]" .. name .. "%f[^%w_]") or text:find("ENTRY%(" .. name:sub(7) .. "%)")
          if not used and not skipped[name] then missing[#missing + 1] = name end
          if used and type(skipped[name]) == "string" then missing[#missing + 1] = name .. " is bound and on the list of those that are not" end
        end
      end
    end
    assert.is_true(n > 150, n .. " functions found")
    assert.are.same({}, missing)
  end)

  it("has the functions made from lists", function()
    local core = require "luron.core"
    local header, n = read(source .. "/core/include/luron/plugin.h"), 0
    for _, map in ipairs { "UNARY", "BINARY", "COMPARE" } do
      local body = header:gsub("\\\n", " "):match("#define LURON_" .. map .. "_MAP%(X%)([^\n]*)")
      for name in body:gmatch "X%((%w+)%)" do
        n = n + 1
        assert.is_function(core[name], name)
        assert.is_function(core.methods.tensor[name], name)
      end
    end
    assert.is_true(n > 40, n .. " names")
  end)
end)

-- Every check that counts itself (tests/support/bar.h, bar.lua) stands in the table of docs/reliability.md, with its seed and
-- its file; and nothing else does.
describe("docs/reliability.md", function()
  it("has every check", function()
    local checks, n = {}, 0
    local function found(path, id, what, seed)
      if id == "R0" then return end
      n, checks[string.format("%s %s", id, what)] = n + 1, string.format("%s in %s", seed, path)
    end
    for _, folder in ipairs { "core", "plugins", "abi", "reliability", "lua" } do
      local pipe <close> = assert(io.popen("ls " .. source .. "/tests/" .. folder .. "/*.c " .. source .. "/tests/" .. folder .. "/*.lua 2>/dev/null"))
      for path in pipe:lines() do
        local text, name = read(path), folder .. "/" .. path:match "[^/]*$"
        for id, what, seed in text:gmatch 'begin%("(R%d+)", "([^"]+)", (%d+)%)' do found(name, id, what, seed) end
        for id, a, b, seed in text:gmatch 'begin%("(R%d+)", [%w_]+ %? "([^"]+)" : "([^"]+)", (%d+)%)' do
          found(name, id, a, seed)
          found(name, id, b, seed)
        end
        for id in text:gmatch 'begin%("(R%d+)", what, usual%)' do -- a function of the file's own
          for what, seed in text:gmatch '[^%w_.]bar%("([^"]+)", (%d+)%)' do found(name, id, what, seed) end
        end
      end
    end
    assert.is_true(n > 40, n .. " checks")
    local listed = {}
    for id, what, seed, file in read(source .. "/docs/reliability.md"):gmatch "\n| (R%d+) | ([^|]+) | [^|]+ | [^|]+ | (%d+) | `([^`]+)` |" do
      listed[string.format("%s %s", id, what)] = string.format("%s in %s", seed, file)
    end
    assert.are.same(checks, listed)
  end)
end)

describe("docs/plugins.md", function()
  it("has the functions of map in the order of the header", function()
    local names = {}
    for name in read(source .. "/core/include/luron/plugin.h"):match("#define LURON_UNARY_MAP%(X%)(.-)\nenum"):gmatch "X%((%w+)%)" do names[#names + 1] = name end
    local text = read(source .. "/docs/plugins.md"):match("`LURON_MAP_` and (.-)%."):gsub("%s+", " "):gsub(" or ", ", ")
    assert.equal(table.concat(names, ", "), text)
  end)
end)
