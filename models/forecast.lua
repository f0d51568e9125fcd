--- What comes next? An LSTM looks at the last values of a series and guesses the change to the next one. A forecast is worth
--- something if it is better than saying the last value again, which stands beside it.
---   airline   monthly passengers 1949-1960, learns 8 years, guesses 4: some 50 % below the naive error; 1 s
---   sunspots  monthly, 1749-1983, learns the first 70 %: some 7 % below; 1 s
---   pm25      hourly dust in Beijing with the weather, learns 2010, guesses 2011: some 5 % below; 2 s on two cores
---   luron models/forecast.lua [--set airline] [--epochs N] [--seed 1] [--threads 1] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local luron = require "luron"
local nn, data = luron.nn, luron.data

local args = options.parse("forecast.lua", "An LSTM forecasts the next value of a series.",
  { threads = "1", data = true, save = "forecast.h5" }, function(parser)
    parser:option("--set", "The series", "airline"):choices { "airline", "sunspots", "pm25" }
    parser:option("--epochs", "Passes over the training part (default: as many as the series needs)"):convert(options.count)
  end)

--- A series (t, features), of which the first one is to be forecast.
local function read(file, columns)
  local rows = options.need(data.csv(options.file(args, "timeseries", file), { columns = columns }))
  return rows.data, rows
end

--- Two years of Beijing's hours: dust, weather, and the direction of the wind in four columns. Missing dust is as it was before.
local function read_pollution()
  local x, rows = read("pollution.csv.gz", "pm2.5,DEWP,TEMP,PRES,cbwd,Iws,Is,Ir")
  local first, n = 25, 2 * 8760
  x = x:narrow(1, first, n):clone()
  local last, dust = 0.0, x:select(2, 1):totable()
  for i, value in ipairs(dust) do
    if value ~= value then dust[i] = last end
    last = dust[i]
  end
  x:select(2, 1):copy_(luron.tensor(dust))
  return luron.cat({ x:narrow(2, 1, 4), rows.ids.cbwd:narrow(1, first, n):one_hot(4), x:narrow(2, 5, 3) }, 2)
end

local set = ({
  airline = { file = "airline-passengers.csv", columns = "Passengers", window = 13, learn = 96, epochs = 100, batch = 8, lr = 0.005, log = true, grows = true },
  sunspots = { file = "monthly-sunspots.csv", columns = "Sunspots", window = 24, learn = 1974, epochs = 20, batch = 32, lr = 0.005 },
  pm25 = { read = read_pollution, window = 24, learn = 8760, epochs = 5, batch = 64, lr = 0.001 },
})[args.set]
local raw = (set.read or read)(set.file, set.columns)
local values = set.log and raw:log() or raw -- passengers grow by a share of what they are, not by a number
local scale = options.scale_of(values:narrow(1, 1, set.learn))
local z = options.scaled(values, scale)

--- Windows of the series, and the change from the last value of each to the one behind it.
local n, features = z:size(1) - set.window, z:size(2)
local places = luron.arange(n):reshape(n, 1) + luron.arange(0, set.window - 1)
local x = z:index_select(1, places:flatten()):reshape(n, set.window, features)
local target = z:select(2, 1)
local last = target:narrow(1, set.window, n)
if set.grows then x = x - last:reshape(n, 1, 1) end -- what comes is higher than all before: seen from the last value it is not
local change = (target:narrow(1, set.window + 1, n) - last):unsqueeze(2)
local all, cut = data.tensors(x, change), set.learn - set.window
local train, test = all:range(cut), all:range(cut + 1, n)
if args.smoke then train = train:range(80) end

local Net = nn.class "Forecast"
function Net:init(inputs) self.lstm, self.out = nn.LSTM(inputs, 32), nn.Linear(32, 1) end
function Net:forward(seen) return self.out((self.lstm(seen)):select(2, -1)) end

local model = Net(features)
print(string.format("%s: %d windows of %d to learn from, %d to guess; %d weights", args.set, #train, set.window, #test, model:n_weights()))
local opt = luron.optim.Adam(model, { lr = set.lr })
local start = luron.clock()
luron.fit(model, train, {
  epochs = args.smoke and 2 or args.epochs or set.epochs, batch = set.batch, loss = "mse_loss", optim = opt, progress = args.set == "pm25",
})

--- Root of the mean square error in the series' own unit.
local function error_of(guess)
  guess = guess * scale.std[1]:item() + scale.mean[1]:item()
  if set.log then guess = guess:exp() end
  return (guess - raw:select(2, 1):narrow(1, set.learn + 1, #test)):square():mean():item() ^ 0.5
end
local before = last:narrow(1, cut + 1, #test)
local error = error_of(before + luron.no_grad(function() return model(test:batch(1, #test)):squeeze(2) end))
local naive = error_of(before)
print(string.format("error %.3f; that of the last value again %.3f: %.1f %% below, after %.1f s", error, naive, 100 * (1 - error / naive),
  luron.clock() - start))
model:save(args.save, { optim = opt, preprocessing = { mean = scale.mean:totable(), std = scale.std:totable(), log = set.log or false } })
print("saved " .. args.save)
