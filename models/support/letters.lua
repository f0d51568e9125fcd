--- For char_lstm.lua and char_gpt.lua: tiny Shakespeare as letters to learn from.
local luron = require "luron"
local options = require "options"

local letters = {}

--- Windows of `length` letters with, for each place, the letter behind it: those of the first nine tenths of the text to learn
--- from, those of the last to test with; and the letters that occur, in order of their bytes, whose places are the ids.
function letters.read(args, length)
  local file <close> = assert(io.open(options.file(args, "tinyshakespeare", "input.txt"), "rb"))
  local used, ids = luron.frombytes(file:read(args.smoke and 20000 or "a"), "uint8"):unique()
  local names = {}
  for i, byte in ipairs(used:totable()) do names[i] = string.char(byte) end
  local function windows(part)
    local n = (#part - 1) // length
    return luron.data.tensors(part:narrow(1, 1, n * length):reshape(n, length), part:narrow(1, 2, n * length):reshape(n, length))
  end
  local first = #ids * 9 // 10
  return windows(ids:narrow(1, 1, first)), windows(ids:narrow(1, first + 1, #ids - first)), names
end

--- Mean loss of `loss_of(x, y)` over a dataset, nothing recorded.
function letters.mean_loss(model, loss_of, set)
  local sum = 0
  model:eval()
  luron.no_grad(function()
    for x, y in set:loader { batch = 256 } do sum = sum + loss_of(x, y):item() * #x end
  end)
  model:train()
  return sum / #set
end

return letters
