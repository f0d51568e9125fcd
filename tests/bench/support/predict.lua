--- The program that cold_start.lua starts: a checkpoint, one prediction, the end.
local luron = require "luron"
local model = assert(luron.load(arg[1]))
model:eval()
local scores = luron.no_grad(function() return model(luron.ones(1, 784)) end)
print(string.format("%.4f", scores:max():item()))
