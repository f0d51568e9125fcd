--- Workload (e): the next letter of a text (seeded bytes without a file): one-hot 65, LSTM 128, 32 windows of 64, Adam.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

local LENGTH, BATCH, HIDDEN = 64, 32, 128
local Net = nn.class "CharLSTM"
function Net:init(letters)
  self.lstm, self.out = nn.LSTM { input_size = letters, hidden_size = HIDDEN }, nn.Linear(HIDDEN, letters)
end

function Net:forward(x) return self.out((self.lstm(x))) end

-- The text as ids from 1 on, those bytes that occur in their order.
local function letters_of(bytes)
  local seen, ids, n, list = {}, {}, 0, {}
  for i = 1, #bytes do seen[bytes:byte(i)] = true end
  for value = 0, 255 do
    if seen[value] then
      n = n + 1
      ids[value] = n
    end
  end
  for i = 1, #bytes do list[i] = ids[bytes:byte(i)] end
  return luron.tensor(list), n
end

local function text(given)
  local has, why = worker.has "LSTM"
  if not has then return nil, why end
  local bytes
  if given.text then
    local file = assert(io.open(given.text, "rb"))
    bytes = file:read(200000)
    file:close()
  else
    bytes = luron.randint(40, 104, 200000):to "uint8":tobytes()
  end
  worker.write(given.work .. "/text.u8", bytes) -- for the peers
  local ids, letters = letters_of(bytes)
  local windows = luron.arange(1, LENGTH + 1):reshape(1, LENGTH + 1)
  return { text = ids, letters = letters, windows = windows - 1, starts = ids:narrow(1, 1, #ids - LENGTH) }
end

-- Windows of text that begin at ids: one-hot letters, and the letters that follow each of them.
local function batch_of(data, starts)
  local n = #starts
  local window = data.text:index_select(1, (starts:reshape(n, 1) + data.windows):reshape(-1)):reshape(n, LENGTH + 1)
  return luron.one_hot(window:narrow(2, 1, LENGTH), data.letters):float(), window:narrow(2, 2, LENGTH):reshape(-1)
end

local function loss(model, x, y)
  local scores = model(x)
  return nn.cross_entropy(scores:reshape(#y, scores:size(3)), y)
end

local tokens = LENGTH * BATCH
worker.run {
  name = "lstm", order = 6, title = "(e) LSTM 128, 32 x 64 letters, Adam",
  figures = { { name = "step", unit = "us" } },
  steps = { quick = 2, full = 6, smoke = 1 },
  flops = tokens * 2 * 3 * (4 * HIDDEN * HIDDEN + HIDDEN * 65), -- the one-hot input is a lookup
  start = worker.training {
    batch = BATCH, warm_up = 4, data = text, batch_of = batch_of, loss = loss,
    model = function(data) return Net(data.letters) end,
    weights = function(net) -- in PyTorch's order
      local l = net.lstm
      return { l.weight_ih_l0, l.weight_hh_l0, l.bias_ih_l0, l.bias_hh_l0, net.out.weight, net.out.bias }
    end,
    evaluate = function(model, data)
      local x, y = batch_of(data, luron.arange(1, 100) * 1000)
      return { loss = luron.no_grad(function() return loss(model, x, y) end):item() }
    end,
    optimizer = function(model) return luron.optim.Adam(model, { lr = 0.002 }) end,
  },
}
