-- bar.lua -- the bars of reliability as numbers, as bar.h does for C:
--   local bar = dofile(source .. "/tests/support/bar.lua").begin("R21", "generated calls", 1)
--   assert.equal(0, bar:finish(n, failures))
local build = os.getenv "LURON_TEST_BUILD"

local Bar = {}
Bar.__index = Bar

--- Leave the line of the check; returns `failures`.
function Bar:finish(n, failures)
  local line = string.format("%s\t%d\t%d\t%.1f\t%d\t%s\n", self.id, n, failures, os.time() - self.began, self.seed, self.what)
  if not build then return failures end
  os.execute(string.format("mkdir -p '%s/bars'", build))
  local file <close> = assert(io.open(string.format("%s/bars/%s %s", build, self.id, (self.what:gsub("/", "-"))), "w"))
  file:write(line)
  return failures
end

return {
  is_long = os.getenv "LURON_TEST_LONG" == "1",
  begin = function(id, what, usual) return setmetatable({ id = id, what = what, seed = tonumber(os.getenv "LURON_TEST_SEED") or usual, began = os.time() }, Bar) end,
}
