--- A network writes like Shakespeare: it learns to guess the next letter of 1.1 million, then its guesses are drawn one by one.
--- Embedding 64, LSTM 128, 111,873 weights. Reaches a loss of about 1.72 on the last tenth of the text, which it has not seen, in
--- 3 epochs, half a minute on two cores.
---   luron models/char_lstm.lua [--epochs 3] [--batch 32] [--lr 0.003] [--seed 1] [--threads 1] [--data DIR] [--save FILE] [--smoke]
---   luron models/char_lstm.lua --sample FILE [--letters 400] [--temperature 0.8]     writes with what was saved before
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local letters = require "letters"
local luron = require "luron"
local nn = luron.nn

local LENGTH = 64
local args = options.parse("char_lstm.lua", "An LSTM learns to write like Shakespeare.",
  { epochs = 3, batch = 32, lr = 0.003, threads = "1", data = true, save = "char_lstm.h5" }, function(parser)
    parser:option("--sample", "Write with this checkpoint and train nothing")
    parser:option("--letters", "How much to write", "400"):convert(options.count)
    parser:option("--temperature", "How bold the guesses are", "0.8"):convert(tonumber)
  end)

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

--- Text from the model: each letter is drawn by its probability and goes in as the next input. Probabilities to the power
--- 1 / temperature: below 1 they are surer of themselves.
local function write(model, names, n)
  local text, h, c = {}, nil, nil
  local id = luron.tensor { { 1 } } -- letters are in order of their bytes: the first is the end of a line
  model:eval()
  luron.no_grad(function()
    for i = 1, n do
      local scores
      scores, h, c = model(id, h, c)
      id = (scores[1][1] / args.temperature):softmax(1):multinomial(1):reshape(1, 1)
      text[i] = names[id:item()]
    end
  end)
  return table.concat(text)
end

if args.sample then
  local model, checkpoint = options.need(luron.load(args.sample))
  print(write(model, checkpoint.preprocessing.letters, args.letters))
  return
end

local train, valid, names = letters.read(args, LENGTH)
local model = Net(#names)
print(string.format("%d windows of %d letters, %d different ones; %d weights", #train, LENGTH, #names, model:n_weights()))
local opt = luron.optim.Adam(model, { lr = args.lr })
local function loss_of(x, y)
  local scores = model(x)
  return nn.cross_entropy(scores:flatten(1, 2), y:flatten())
end
local step = luron.compile(function(x, y)
  opt:zero_grad()
  local loss = loss_of(x, y)
  loss:backward()
  opt:step()
  return loss
end)

local loader = train:loader { batch = args.batch, shuffle = true, drop_last = true }
local epochs = args.smoke and 1 or args.epochs
local line, start, loss = luron.progress(epochs, loader:examples()), luron.clock(), nil
for epoch = 1, epochs do
  line:begin()
  for x, y in loader do line:step(#x, step(x, y):item()) end
  loss = letters.mean_loss(model, loss_of, valid)
  line:finish(string.format("validation loss %.4f", loss))
  model:save(args.save, { optim = opt, epoch = epoch, preprocessing = { letters = names } })
end
print(string.format("validation loss %.4f, perplexity %.2f, after %.1f s", loss, math.exp(loss), luron.clock() - start))
print(write(model, names, args.smoke and 40 or args.letters))
print("saved " .. args.save)
