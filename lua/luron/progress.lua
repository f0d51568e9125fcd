--- One line on the terminal that says how far a training is:
---   epoch 3/10  67 %  loss 0.3412  accuracy 87.9 %  61,200 examples/s  12 s left
--- On a terminal it is rewritten in place; elsewhere only its last state in an epoch is printed.
local core = require "luron.core"

local Progress = {}
Progress.__index = require("luron.names").index(Progress, "a progress", "progress", { right = false })

local function thousands(n)
  local text = string.format("%d", math.floor(n + 0.5))
  local count
  repeat
    text, count = text:gsub("^(-?%d+)(%d%d%d)", "%1,%2")
  until count == 0
  return text
end

local function duration(seconds)
  seconds = math.max(0, math.floor(seconds + 0.5))
  if seconds < 60 then return seconds .. " s" end
  if seconds < 3600 then return string.format("%d min %02d s", seconds // 60, seconds % 60) end
  return string.format("%d h %02d min", seconds // 3600, seconds % 3600 // 60)
end

--- epochs in all, examples in an epoch, and the epoch that is the first (1).
local function new(epochs, examples, first)
  for i, value in ipairs { epochs or false, examples or false } do
    if math.type(value) ~= "integer" or value < 0 then
      core.badarg(i, "progress", string.format("%s: integer of at least 0 expected, got %s", i == 1 and "epochs" or "examples", core.got(value or nil)))
    end
  end
  if first ~= nil and (math.type(first) ~= "integer" or first < 1) then core.badarg(3, "progress", "first: positive integer expected, got " .. core.got(first)) end
  local before = (first or 1) - 1
  return setmetatable({
    epochs = epochs, before = before, examples = examples, start = core.clock(), epoch_start = core.clock(), shown = -math.huge, done = 0, epoch = before, width = 0,
    seen = 0, loss_sum = 0, live = core.is_terminal(),
  }, Progress)
end

local function check_self(self, where)
  if getmetatable(self) ~= Progress then core.badarg(0, where, "progress expected, got " .. core.got(self)) end
end

--- Begin the next epoch.
function Progress:begin()
  check_self(self, "begin")
  self.epoch = self.epoch + 1
  self.seen, self.loss_sum, self.right, self.epoch_start = 0, 0, nil, core.clock()
end

local function line(self, extra)
  local now = core.clock()
  local parts = { string.format("epoch %d/%d", self.epoch, self.epochs) }
  if self.seen < self.examples then parts[#parts + 1] = string.format("%d %%", 100 * self.seen // self.examples) end
  if self.seen > 0 then
    parts[#parts + 1] = string.format("loss %.4f", self.loss_sum / self.seen)
    if self.right then parts[#parts + 1] = string.format("accuracy %.1f %%", 100 * self.right / self.seen) end
    parts[#parts + 1] = thousands(self.seen / math.max(1e-9, now - self.epoch_start)) .. " examples/s"
    local left = (now - self.start) / self.done * ((self.epochs - self.before) * self.examples - self.done)
    parts[#parts + 1] = duration(left) .. " left"
  end
  if extra then parts[#parts + 1] = extra end
  return table.concat(parts, "  ")
end

local function show(self, text, last)
  local padding = string.rep(" ", math.max(0, self.width - #text))
  if self.live then io.stdout:write("\r", text, padding, last and "\n" or "") end
  if not self.live and last then io.stdout:write(text, "\n") end
  self.width = last and 0 or #text
  io.stdout:flush()
end

--- A batch of n examples with this mean loss; `right` of them were classified correctly (nil: not counted).
function Progress:step(n, loss, right)
  check_self(self, "step")
  for i, value in ipairs { n or false, loss or false, right or 0 } do
    if type(value) ~= "number" then
      core.badarg(i, "step", string.format("%s: number expected, got %s", ({ "n", "loss", "right" })[i], core.got(value or nil)))
    end
  end
  self.seen, self.done, self.loss_sum = self.seen + n, self.done + n, self.loss_sum + loss * n
  if right then self.right = (self.right or 0) + right end
  local now = core.clock()
  if self.live and now - self.shown > 0.1 then
    self.shown = now
    show(self, line(self))
  end
end

--- End of the epoch; `extra` is put at the end of the line.
function Progress:finish(extra)
  check_self(self, "finish")
  show(self, line(self, extra), true)
end

return { new = new, thousands = thousands, duration = duration }
