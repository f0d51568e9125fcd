-- What has to stay true of the source tree and of the build: directions of dependency, lengths, what start-up opens.
local source, build = os.getenv "LURON_TEST_SOURCE", os.getenv "LURON_TEST_BUILD"
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

local lines_of = dofile(os.getenv "LURON_TEST_SOURCE" .. "/tests/support/shell.lua").lines_of

local function files(pattern) return lines_of(string.format("find %s/%s -type f 2>/dev/null | sort", source, pattern)) end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function includes(path)
  local list = {}
  for name in read(path):gmatch '#%s*include%s*[<"]([^>"]+)[>"]' do list[#list + 1] = name end
  return list
end

describe("dependencies point one way:", function()
  local plugin_may = { hdf5 = { ["hdf5.h"] = true }, idx = { ["zlib.h"] = true }, csv = { ["zlib.h"] = true }, cifar = { ["zlib.h"] = true } }
  local libc = {}
  local names = "assert ctype errno fcntl float inttypes limits locale math pthread stdarg stdbool stddef stdint stdio stdlib string strings unistd"
  for name in names:gmatch "%S+" do
    libc[name .. ".h"] = true
  end

  it("a plugin includes luron/plugin.h, libc, its own files and the library of its job", function()
    local n = 0
    for _, path in ipairs(files "plugins/*/*.[ch]") do
      local plugin = path:match "plugins/([^/]+)/"
      for _, name in ipairs(includes(path)) do
        local own = io.open(path:match "^(.*)/" .. "/" .. name)
        if own then own:close() end
        local allowed = name == "luron/plugin.h" or libc[name] or own or (plugin_may[plugin] or {})[name]
        assert.is_truthy(allowed, path .. " includes " .. name)
        n = n + 1
      end
    end
    assert.is_true(n > 30)
  end)

  it("core includes no Lua, no HDF5, and OpenMP and JSON in the files for them alone", function()
    local only = { ["omp.h"] = "parallel%.c$", ["jansson.h"] = "/[%w_]*json%.c$" }
    for _, path in ipairs(files "core") do
      for _, name in ipairs(includes(path)) do
        assert.is_nil(name:match "^lua" and not name:match "^luron" or nil, path .. " includes " .. name)
        assert.is_nil(name:match "hdf5" or name:match "zlib", path .. " includes " .. name)
        -- checkpoint.c writes and reads the options of optimisers
        if only[name] then assert.is_truthy(path:match(only[name]) or path:match "/checkpoint[%w_]*%.c$", path .. " includes " .. name) end
      end
    end
  end)

  it("the Lua module sees public headers alone", function()
    for _, path in ipairs(files "lua/binding") do
      for _, name in ipairs(includes(path)) do assert.is_nil(name:match "internal" or name:match "%.%./", path .. " includes " .. name) end
    end
  end)

  it("no plugin links to libluron", function()
    for _, path in ipairs(lines_of("ls " .. build .. "/lib/luron/plugins/*.so")) do
      for _, line in ipairs(lines_of("readelf -d " .. path)) do
        if line:match "NEEDED" then assert.is_nil(line:match "libluron", path .. ": " .. line) end
      end
    end
  end)

  it("luron.core does not link liblua, and nothing is unloaded", function()
    local module = table.concat(lines_of("readelf -d " .. build .. "/lib/lua/5.4/luron/core.so"), "\n")
    assert.is_nil(module:match "liblua")
    assert.matches("NODELETE", module)
    assert.matches("NODELETE", table.concat(lines_of("readelf -d " .. build .. "/lib/libluron.so"), "\n"))
  end)
end)

describe("the source", function()
  it("has no reduction clause, no fast maths, no abort or exit or print in libraries", function()
    for _, folder in ipairs { "core/src", "plugins", "lua/binding" } do
      for _, path in ipairs(files(folder)) do
        local text = read(path):gsub("/%*.-%*/", ""):gsub('"[^"\n]*"', '""')
        for _, word in ipairs { "reduction%s*%(", "fast%-math", "[^_%w]abort%s*%(", "[^_%w]exit%s*%(", "[^_%w]v?printf%s*%(", "fprintf%s*%(%s*std",
          "[^_%w]puts%s*%(", "[^_%w]alloca%s*%(" } do
          assert.is_nil(text:match(word), path .. " has " .. word)
        end
      end
    end
  end)

  it("keeps to the lengths that can be read", function()
    for _, folder in ipairs { "core/src", "plugins", "lua/binding", "lua/luron", "lua/cli" } do
      for _, path in ipairs(files(folder)) do
        local _, n = read(path):gsub("\n", "")
        assert.is_true(n <= 600, string.format("%s has %d lines", path, n))
      end
    end
    local _, n = read(source .. "/README.md"):gsub("\n", "")
    assert.is_true(n <= 150, "README.md has " .. n .. " lines")
  end)

  it("has every op in the list of its file, so that models and traces know it", function()
    local n = 0
    local apart = { ["ops_sparse.c"] = true } -- on the three tensors of a matrix, which fit together: no file could be trusted with them
    for _, path in ipairs(files "core/src/ops_*.c") do
      local text = apart[path:match "[^/]*$"] and "" or read(path)
      local list = text:match "const luron__op %*const luron__ops_[%w_]+%[%] = (%b{})" or ""
      for name in text:gmatch "static const luron__op op_(%w+) = {" do
        assert.is_truthy(list:find("&op_" .. name .. ",", 1, true), path .. ": op_" .. name .. " is in no list")
        n = n + 1
      end
    end
    assert.is_true(n > 30, n .. " ops")
  end)

  it("says the version in one place", function()
    local version = read(source .. "/core/include/luron/version.h"):match '"(%d+%.%d+%.%d+)"'
    assert.equal(version, require "luron".version)
    assert.matches("## " .. version:gsub("%.", "%%."), read(source .. "/CHANGELOG.md"))
    for _, path in ipairs { "CMakeLists.txt", "core/CMakeLists.txt", "lua/cli/main.c" } do
      assert.is_nil(read(source .. "/" .. path):match(version:gsub("%.", "%%.")), path .. " repeats the version")
    end
  end)
end)

describe("the library", function()
  it("exports what core/libluron.symbols lists, in the form of Debian's symbols files", function()
    if sanitized then return end
    local listed, exported, wrong = {}, {}, {}
    for line in io.lines(source .. "/core/libluron.symbols") do
      local name = line:match "^ ([%w_]+)@LURON_0 %d+%.%d+%.%d+$"
      if name then listed[name] = true end
    end
    for _, line in ipairs(lines_of("nm -D --defined-only " .. build .. "/lib/libluron.so")) do
      local name = line:match "%x+ %u ([%w_]+)"
      exported[name] = true
      if not listed[name] then wrong[#wrong + 1] = name .. " is not in the list (a new function: add it with this version)" end
    end
    for name in pairs(listed) do
      if not exported[name] then wrong[#wrong + 1] = name .. " is gone: programs that use it no longer start (a new SOVERSION)" end
    end
    table.sort(wrong)
    assert.are.same({}, wrong)
    assert.matches("libluron%.so%.0]", table.concat(lines_of("readelf -d " .. build .. "/lib/libluron.so"), "\n"))
  end)
end)

describe("start-up", function()
  it("opens no plugin and not libhdf5, and a layer opens its own plugin alone", function()
    local script = "local l = require 'luron'; %s for line in io.lines '/proc/self/maps' do "
      .. "local f = line:match '([^/]+%%.so[%%d.]*)$'; if f then print(f) end end"
    local function opened(code)
      local set = {}
      for _, name in ipairs(lines_of(string.format('%s/bin/luron -e "%s"', build, script:format(code)))) do set[name] = true end
      return set
    end
    local nothing = opened ""
    assert.is_true(nothing["libluron.so.0.1.0"] or nothing["libluron.so.0"] or nothing["libluron.so"])
    local layer = opened "l.nn.Linear(2, 3)"
    assert.is_true(layer["linear.so"])
    for name in pairs(layer) do
      assert.is_nil(name:match "hdf5", name .. " was opened")
      if not nothing[name] then assert.equal("linear.so", name) end
    end
  end)
end)
