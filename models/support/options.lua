--- What the scripts in models/ have in common: their options, where their data are, and what they say where these are not.
--- A script finds this file beside itself:  package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local argparse = require "argparse"
local luron = require "luron"

local options = {}
local script -- name of the one that runs

-- As the shell takes it for one word.
local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- A whole number from 1 on.
function options.count(text)
  local n = math.tointeger(tonumber(text))
  if n and n >= 1 then return n end
  return nil, string.format("'%s' is no whole number from 1 on", text)
end

-- A folder that is there, or can be made, is worth more than a message behind a long training.
local function make_folder(option, folder)
  if not os.execute("mkdir -p -- " .. quoted(folder)) then options.stop("--" .. option .. ": " .. folder .. " is no folder, and none can be made there") end
end

--- The script's options, read, seeded and with threads set. `defaults` gives the usual value of each common option that the
--- script takes beside --seed, --threads and --smoke: { epochs =, batch =, lr =, data = true, save = FILE or true (none) };
--- `more(parser)` adds its own.
function options.parse(name, what, defaults, more)
  script = name
  local parser = argparse(name, what)
  if defaults.epochs then parser:option("--epochs", defaults.epochs_are or "Passes over the training set", tostring(defaults.epochs)):convert(options.count) end
  if defaults.batch then parser:option("--batch", "Examples a step", tostring(defaults.batch)):convert(options.count) end
  if defaults.lr then parser:option("--lr", "Learning rate", tostring(defaults.lr)):convert(tonumber) end
  parser:option("--seed", "Seed of the random numbers", "1"):convert(math.tointeger)
  parser:option("--threads", "Threads" .. (defaults.threads and "" or " (default: all)"), defaults.threads):convert(options.count)
  if defaults.data then parser:option("--data", "Folder with the data (default: LURON_DATA, Debian's, data/)") end
  if defaults.save then parser:option("--save", "Write a checkpoint here", defaults.save ~= true and defaults.save or nil) end
  if defaults.save then parser:option("--out", "Folder of the files that it writes (default: the current one)") end
  parser:flag("--smoke", "A short run, to see that it works")
  if more then more(parser) end
  local args = parser:parse()
  if args.smoke and args.save and args.save == defaults.save then args.save = "smoke_" .. args.save end -- that of a whole run stays
  if args.out then
    make_folder("out", args.out)
    for _, file in ipairs { "save", "picture" } do -- those that name no folder
      if args[file] and not args[file]:find "/" then args[file] = args.out .. "/" .. args[file] end
    end
  end
  for _, file in ipairs { "save", "picture" } do
    local folder = args[file] and args[file]:match "^(.+)/"
    if folder then make_folder(file, folder) end
  end
  luron.seed(args.seed)
  if args.threads then
    local ok, message = pcall(luron.threads, args.threads)
    if not ok then parser:error("option '--threads': " .. message:match "%((.*)%)") end
  end
  return args
end

--- End the script, with a message; exit status 3 says that there are no data.
function options.stop(message, status)
  io.stderr:write(script, ": ", message, "\n")
  os.exit(status or 1)
end

--- Is the file there, as it is or packed?
function options.exists(path)
  for _, ending in ipairs { "", ".gz" } do
    local file <close> = io.open(path .. ending, "rb")
    if file then return true end
  end
  return false
end

-- Where a data set comes from that a package of Debian's holds.
local packages = { ["fashion-mnist"] = "dataset-fashion-mnist" }

--- The folder that holds `file`, or it packed, of the data set `set` ("mnist"): --data itself or the set's folder in it where that is given,
--- else the set's folder in LURON_DATA, in Debian's /usr/share/datasets, or in data/. Without one the script ends and says so.
function options.folder(args, set, file)
  local places, from = {}, os.getenv "LURON_DATA"
  if args.data then
    places = { args.data .. "/" .. set, args.data }
  else
    for _, root in ipairs { from or false, "/usr/share/datasets", "data" } do
      if root then places[#places + 1] = root .. "/" .. set end
    end
  end
  for _, place in ipairs(places) do
    if options.exists(place .. "/" .. file) then return place end
  end
  local package_has = packages[set] and "; Debian's package " .. packages[set] .. " has the files" or ""
  options.stop(string.format("no %s in %s: --data DIR or LURON_DATA names the folder%s", file, table.concat(places, ", "), package_has), 3)
end

--- Likewise the path of the file.
function options.file(args, set, file) return options.folder(args, set, file) .. "/" .. file end

--- One file out of a .tgz, for the system's tar knows that format: the path of a copy, which the script removes.
function options.unpack(archive, member)
  local path = os.tmpname()
  local done = os.execute(string.format("tar -xzOf %s %s > %s", quoted(archive), quoted(member), quoted(path)))
  if not done then
    os.remove(path)
    options.stop(string.format("%s: tar cannot take %s out of it", archive, member))
  end
  return path
end

--- What it is, or the end of the script with its message: for readers that give nil, message.
function options.need(value, message, ...)
  if not value then options.stop(message) end
  return value, message, ...
end

--- Mean over a dataset of `loss_of(x, y)`, the mean of a batch, nothing recorded.
function options.mean_loss(model, loss_of, set)
  local sum = 0
  model:eval()
  luron.no_grad(function()
    for x, y in set:loader { batch = 500 } do sum = sum + loss_of(x, y):item() * #x end
  end)
  model:train()
  return sum / #set
end

--- Mean and deviation of each column (NaN left out), to bring a table's columns to one size: { mean =, std = }.
function options.scale_of(x)
  local is_there = ~x:isnan()
  local n = is_there:sum(1):float():maximum(1)
  local filled = luron.where(is_there, x, 0)
  local mean = filled:sum(1) / n
  local var = (luron.where(is_there, x - mean, 0) ^ 2):sum(1) / n
  local std = var:sqrt()
  return { mean = mean, std = std:masked_fill(std:eq(0), 1) }
end

--- The columns of x by that scale, missing numbers in the middle.
function options.scaled(x, scale)
  local z = (x - scale.mean) / scale.std
  return z:masked_fill(z:isnan(), 0)
end

return options
