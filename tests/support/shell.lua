-- shell.lua -- for specs that look at what programs print:
--   local shell = dofile(os.getenv "LURON_TEST_SOURCE" .. "/tests/support/shell.lua")
local shell = {}

--- The lines that a command prints.
function shell.lines_of(command)
  local list = {}
  local pipe <close> = assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

return shell
