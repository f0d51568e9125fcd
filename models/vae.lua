--- A variational autoencoder (Kingma and Welling, 2013): the narrow place holds 20 numbers, each with how sure they are, that are
--- kept near a normal distribution. So new clothes can be drawn: normal numbers in, pictures out.
--- Reaches 247 nats a picture (error of the picture and distance of the distribution) in 5 epochs of 8 s on two cores.
---   luron models/vae.lua [--epochs 5] [--batch 128] [--lr 0.001] [--seed 1] [--threads N] [--data DIR] [--save FILE]
---     [--picture FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local pictures = require "pictures"
local luron = require "luron"
local nn = luron.nn

local HIDDEN, CODE = 400, 20
local args = options.parse("vae.lua", "A variational autoencoder learns to draw clothes.",
  { epochs = 5, batch = 128, lr = 0.001, data = true, save = "vae.h5" },
  function(parser) parser:option("--picture", "Write drawn pictures here", "vae.pgm") end)
local train, test = pictures.clothes(args)

local VAE = nn.class "VAE"
function VAE:init(hidden, code)
  self.encoder = nn.Sequential { nn.Flatten(), nn.Linear(784, hidden), nn.ReLU() }
  self.mean, self.log_var = nn.Linear(hidden, code), nn.Linear(hidden, code)
  self.decoder = nn.Sequential { nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, 784), nn.Reshape { 1, 28, 28 } }
end

--- Scores of the picture that comes back, and of its code the mean and the logarithm of the variance. The noise is drawn beside
--- the numbers that are learned, so that slopes flow through them.
function VAE:forward(x)
  local h = self.encoder(x)
  local mean, log_var = self.mean(h), self.log_var(h)
  return self.decoder(mean + luron.randn_like(mean) * (log_var * 0.5):exp()), mean, log_var
end

local model = VAE(HIDDEN, CODE)
print(string.format("%d weights", model:n_weights()))
local opt = luron.optim.Adam(model, { lr = args.lr })

--- What a picture costs: the cross entropy of its points, and the distance of its code's distribution from the normal one.
local function loss_of(x)
  local scores, mean, log_var = model(x)
  local picture = nn.bce_with_logits_loss(scores, x, { reduction = "sum" })
  local distance = (mean ^ 2 + log_var:exp() - log_var - 1):sum() * 0.5
  return (picture + distance) / #x
end

local loader = train:loader { batch = args.batch, shuffle = true }
local line, start = luron.progress(args.epochs, loader:examples()), luron.clock()
for _ = 1, args.epochs do
  line:begin()
  for x in loader do
    local loss = loss_of(x)
    opt:zero_grad()
    loss:backward()
    opt:step()
    line:step(#x, loss:item())
  end
  line:finish(string.format("test loss %.2f", options.mean_loss(model, loss_of, test)))
end
print(string.format("test loss %.3f after %.1f s", options.mean_loss(model, loss_of, test), luron.clock() - start))
pictures.write(args.picture, luron.no_grad(function() return model.decoder(luron.randn(100, CODE)):sigmoid() end), 10)
model:save(args.save, { optim = opt, epoch = args.epochs })
print("saved " .. args.save .. " and " .. args.picture)
