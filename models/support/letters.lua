--- For char_lstm.lua and char_gpt.lua: tiny Shakespeare as letters, a network that learns to guess the next one, and text that
--- is drawn from its guesses.
local luron = require "luron"
local options = require "options"
local nn = luron.nn

local letters = {}

--- The options of such a script.
function letters.parse(name, what, threads)
  return options.parse(name, what, { epochs = 3, batch = 32, lr = 0.003, threads = threads, data = true, save = name:gsub("lua$", "h5") }, function(parser)
    parser:option("--sample", "Write with this checkpoint and train nothing")
    parser:option("--letters", "How much to write", "400"):convert(options.count)
    parser:option("--temperature", "How bold the guesses are", "0.8"):convert(tonumber)
  end)
end

-- Windows of `length` letters with, for each place, the letter behind it: those of the first nine tenths of the text to learn
-- from, those of the last to test with; and the letters that occur, in order of their bytes, whose places are the ids.
local function read(args, length)
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

-- Train Net(number of letters), whose first result are scores (n, t, letters) of the next letter at each place, and save it
-- after each epoch: the model, and the letters.
local function learn(args, length, Net)
  local train, valid, names = read(args, length)
  local model = Net(#names)
  print(string.format("%d windows of %d letters, %d different ones; %d weights", #train, length, #names, model:n_weights()))
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
    loss = options.mean_loss(model, loss_of, valid)
    line:finish(string.format("validation loss %.4f", loss))
    model:save(args.save, { optim = opt, epoch = epoch, preprocessing = { letters = names } })
  end
  print(string.format("validation loss %.4f, perplexity %.2f, after %.1f s", loss, math.exp(loss), luron.clock() - start))
  print("saved " .. args.save)
  return model, names
end

-- Text: each letter is drawn by its probability. Probabilities to the power 1 / temperature: below 1 they are surer of themselves.
local function write(next_scores, names, n, temperature)
  local text, id = {}, luron.tensor { { 1 } } -- letters are in order of their bytes: the first is the end of a line
  for i = 1, n do
    id = (next_scores(id)[1][-1] / temperature):softmax(1):multinomial(1):reshape(1, 1)
    text[i] = names[id:item()]
  end
  return table.concat(text)
end

--- What such a script does: train a Net, or load the one that --sample names, and write with it. `reader(model)` gives a function
--- of the next letter (1, 1) to scores (1, t, letters), the last of which are of the letter behind it.
function letters.run(args, length, Net, reader)
  local model, names
  if args.sample then
    local checkpoint
    model, checkpoint = options.need(luron.load(args.sample))
    names = (checkpoint.preprocessing or {}).letters
    if getmetatable(model) ~= Net or not names then options.stop(args.sample .. ": a checkpoint of another script: --sample takes what this one has saved") end
  else
    model, names = learn(args, length, Net)
  end
  model:eval()
  print(luron.no_grad(write, reader(model), names, args.smoke and 40 or args.letters, args.temperature))
end

return letters
