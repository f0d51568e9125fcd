--- A small GPT writes like Shakespeare: the task of char_lstm.lua with attention instead of a state. Every place of a window looks
--- back at all places before it, in two blocks of four heads. Width 64, 112,577 weights. Reaches a loss of about 1.80 on the last tenth
--- of the text in 3 epochs, a minute and a half on two cores.
---   luron models/char_gpt.lua [--epochs 3] [--batch 32] [--lr 0.003] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
---   luron models/char_gpt.lua --sample FILE [--letters 400] [--temperature 0.8]     writes with what was saved before
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local letters = require "letters"
local luron = require "luron"
local nn = luron.nn

local LENGTH, WIDTH, HEADS = 64, 64, 4
local args = letters.parse("char_gpt.lua", "A small GPT learns to write like Shakespeare.")

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

--- A letter in, scores of what follows out: the model sees the last LENGTH letters.
local function reader(model)
  local seen
  return function(id)
    seen = seen and luron.cat({ seen:narrow(2, math.max(1, seen:size(2) - LENGTH + 2), math.min(seen:size(2), LENGTH - 1)), id }, 2) or id
    return model(seen)
  end
end

letters.run(args, LENGTH, Net, reader)
