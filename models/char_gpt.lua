--- A small GPT writes like Shakespeare: the task of char_lstm.lua with attention instead of a state. Every place of a window looks
--- back at all places before it, in two blocks of four heads. Width 64, 112,577 weights. Reaches a loss of about 1.80 on the last tenth
--- of the text in 3 epochs, a minute and a half on two cores.
---   luron models/char_gpt.lua [--epochs 3] [--batch 32] [--lr 0.003] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
---   luron models/char_gpt.lua --sample FILE [--letters 400] [--temperature 0.8]     writes with what was saved before
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local letters = require "letters"
local luron = require "luron"
local nn = luron.nn

local LENGTH, WIDTH, HEADS = 64, 64, 4
local args = options.parse("char_gpt.lua", "A small GPT learns to write like Shakespeare.",
  { epochs = 3, batch = 32, lr = 0.003, data = true, save = "char_gpt.h5" }, function(parser)
    parser:option("--sample", "Write with this checkpoint and train nothing")
    parser:option("--letters", "How much to write", "400"):convert(options.count)
    parser:option("--temperature", "How bold the guesses are", "0.8"):convert(tonumber)
  end)

local later = luron.ones(LENGTH, LENGTH):triu(1):bool() -- true where a place would look at one that comes after it

--- Each place asks (q), each answers what it is (k) and what it has to say (v); a head goes by how well q and k agree.
local Block = nn.class "Block"
function Block:init()
  self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
  self.asks, self.says = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
  self.thinks = nn.Sequential { nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH) }
end

function Block:attend(x)
  local n, t = x:size(1), x:size(2)
  local heads = self.asks(x):reshape(n, t, 3, HEADS, WIDTH // HEADS):permute(3, 1, 4, 2, 5)
  local q, k, v = heads[1], heads[2], heads[3] -- each (n, heads, t, width of a head)
  local scores = q:matmul(k:transpose(3, 4)) * (WIDTH // HEADS) ^ -0.5
  local weights = scores:masked_fill(later[{ { 1, t }, { 1, t } }], -math.huge):softmax(4)
  return self.says(weights:matmul(v):transpose(2, 3):reshape(n, t, WIDTH))
end

function Block:forward(x)
  x = x + self:attend(self.norm1(x))
  return x + self.thinks(self.norm2(x))
end

local Net = nn.class "CharGPT"
function Net:init(n)
  self.letter, self.place = nn.Embedding { n, WIDTH, weight_init = "normal(0, 0.02)" }, nn.Embedding { LENGTH, WIDTH, weight_init = "normal(0, 0.02)" }
  self.blocks = { Block(), Block() }
  self.norm, self.out = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, n)
end

--- Ids (n, t) to scores of the next letter (n, t, letters).
function Net:forward(ids)
  local x = self.letter(ids) + self.place(luron.arange(ids:size(2)))
  for _, block in ipairs(self.blocks) do x = block(x) end
  return self.out(self.norm(x))
end

--- Text from the model: each letter is drawn by its probability; the last LENGTH letters are what it sees. Probabilities to the
--- power 1 / temperature: below 1 they are surer of themselves.
local function write(model, names, n)
  local text, seen = {}, luron.tensor { { 1 } } -- letters are in order of their bytes: the first is the end of a line
  model:eval()
  luron.no_grad(function()
    for i = 1, n do
      local scores = model(seen)[1][-1] / args.temperature
      local id = scores:softmax(1):multinomial(1):reshape(1, 1)
      seen = luron.cat({ seen:narrow(2, math.max(1, seen:size(2) - LENGTH + 2), math.min(seen:size(2), LENGTH - 1)), id }, 2)
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
