--- A network writes like Shakespeare: it learns to guess the next letter of 1.1 million, then its guesses are drawn one by one.
--- Embedding 64, LSTM 128, 111,873 weights. Reaches a loss of about 1.72 on the last tenth of the text, which it has not seen, in
--- 3 epochs, half a minute on two cores.
---   luron models/char_lstm.lua [--epochs 3] [--batch 32] [--lr 0.003] [--seed 1] [--threads 1] [--data DIR] [--save FILE] [--smoke]
---   luron models/char_lstm.lua --sample FILE [--letters 400] [--temperature 0.8]     writes with what was saved before
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local letters = require "letters"
local luron = require "luron"
local nn = luron.nn

local args = letters.parse("char_lstm.lua", "An LSTM learns to write like Shakespeare.", "1")

local Net = nn.class "CharLSTM"
function Net:init(n)
  self.embedding, self.lstm, self.out = nn.Embedding(n, 64), nn.LSTM(64, 128), nn.Linear(128, n)
end

--- Ids (n, t) to scores of the next letter (n, t, letters); the states after the last letter come too.
function Net:forward(ids, h, c)
  local y
  y, h, c = self.lstm(self.embedding(ids), h, c)
  return self.out(y), h, c
end

--- A letter in, scores of what follows out: the states hold what came before.
local function reader(model)
  local h, c
  return function(id)
    local scores
    scores, h, c = model(id, h, c)
    return scores
  end
end

letters.run(args, 64, Net, reader)
