--- Boxes of objects in pictures, with the names and numbers of torchvision.ops: `luron.boxes.box_iou(a, b)`. A box is its corners
--- (x1, y1, x2, y2) unless a format says otherwise. All but what gives ids is differentiable.
local core = require "luron.core"
local names = require "luron.names"

local boxes = {}

-- ---- arguments ---------------------------------------------------------------------------------------------------------
-- Boxes as real numbers. rank: of the tensor, nil: any.
local function boxes_of(arg, where, name, value, rank)
  local what = rank and "tensor (n, 4)" or "tensor (..., 4)"
  if not core.is_tensor(value) then core.badarg(arg, where, string.format("%s: %s expected, got %s", name, what, core.got(value))) end
  if value:dim() < 1 or value:size(-1) ~= 4 or (rank and value:dim() ~= rank) or value:dtype() == "bool" then
    core.badarg(arg, where, string.format("%s: %s expected, got %s of shape %s", name, what, value:dtype(), tostring(value:shape())))
  end
  return value:is_floating() and value or value:float()
end

local function of_length(arg, where, name, value, n)
  if not core.is_tensor(value) or value:dim() ~= 1 or value:size(1) ~= n then
    local got = core.is_tensor(value) and "shape " .. tostring(value:shape()) or core.got(value)
    core.badarg(arg, where, string.format("%s: one number for each of %d boxes expected, got %s", name, n, got))
  end
  return value:detach()
end

local function number(arg, where, name, value, most)
  if type(value) ~= "number" or not (value >= 0 and value <= most) then
    local expected = most < math.huge and "number from 0 to " .. most or "number of at least 0"
    core.badarg(arg, where, string.format("%s: %s expected, got %s", name, expected, core.got(value)))
  end
  return value
end

-- ---- what boxes measure ------------------------------------------------------------------------------------------------
local function corners(b) return b:narrow(-1, 1, 2), b:narrow(-1, 3, 2) end
local function area(b)
  local low, high = corners(b)
  return (high - low):prod(-1)
end

function boxes.box_area(b) return area(boxes_of(1, "box_area", "boxes", b)) end

-- Each of a beside each of b, (n, 1, 4) and (1, m, 4).
local function pairs_of(where, a, b)
  return boxes_of(1, where, "boxes1", a, 2):unsqueeze(2), boxes_of(2, where, "boxes2", b, 2):unsqueeze(1)
end

-- Intersections over unions, (n, m), and the unions.
local function iou(a, b)
  local low, high = corners(a)
  local other_low, other_high = corners(b)
  local both = (high:minimum(other_high) - low:maximum(other_low)):clamp(0):prod(-1)
  local all = area(a) + area(b) - both
  return both / all, all
end

-- The sides of the smallest box around each two.
local function around(a, b)
  local low, high = corners(a)
  local other_low, other_high = corners(b)
  return (high:maximum(other_high) - low:minimum(other_low)):clamp(0)
end

function boxes.box_iou(a, b) return (iou(pairs_of("box_iou", a, b))) end

function boxes.generalized_box_iou(a, b)
  a, b = pairs_of("generalized_box_iou", a, b)
  local share, all = iou(a, b)
  local whole = around(a, b):prod(-1)
  return share - (whole - all) / whole
end

local EPS = 1e-7 -- torchvision's

-- What distance_box_iou gives, and the IoU.
local function distance_iou(a, b)
  local share = iou(a, b)
  local low, high = corners(a)
  local other_low, other_high = corners(b)
  local far = ((low + high) / 2 - (other_low + other_high) / 2):square():sum(-1)
  return share - far / (around(a, b):square():sum(-1) + EPS), share
end

function boxes.distance_box_iou(a, b) return (distance_iou(pairs_of("distance_box_iou", a, b))) end

function boxes.complete_box_iou(a, b)
  a, b = pairs_of("complete_box_iou", a, b)
  local near, share = distance_iou(a, b)
  local function angle(x)
    local low, high = corners(x)
    local sides = high - low
    return (sides:select(-1, 1) / sides:select(-1, 2)):atan()
  end
  local v = (angle(a) - angle(b)):square() * (4 / math.pi ^ 2)
  return near - (v / (1 - share + v + EPS)):detach() * v
end

-- ---- boxes of boxes ----------------------------------------------------------------------------------------------------
local to_corners = {
  xyxy = function(first, second) return first, second end,
  xywh = function(corner, sides) return corner, corner + sides end,
  cxcywh = function(centre, sides) return centre - sides / 2, centre + sides / 2 end,
}
local from_corners = {
  xyxy = function(low, high) return low, high end,
  xywh = function(low, high) return low, high - low end,
  cxcywh = function(low, high) return (low + high) / 2, high - low end,
}

--- From a format to another: "xyxy", "xywh" (the first corner, width, height) and "cxcywh" (the centre, width, height).
function boxes.box_convert(b, from, to)
  b = boxes_of(1, "box_convert", "boxes", b)
  for i, format in ipairs { from or false, to or false } do
    if not to_corners[format] then
      core.badarg(i + 1, "box_convert", string.format("%s: 'xyxy', 'xywh' or 'cxcywh' expected, got %s", i == 1 and "from" or "to",
        type(format) == "string" and "'" .. format .. "'" or core.got(format or nil)))
    end
  end
  if from == to then return b:clone() end
  return core.cat({ from_corners[to](to_corners[from](corners(b))) }, -1)
end

--- What lies within a picture. size: { height, width }.
function boxes.clip_boxes_to_image(b, size)
  b = boxes_of(1, "clip_boxes_to_image", "boxes", b)
  local height, width
  if type(size) == "table" and #size == 2 then height, width = size[1], size[2] end
  if type(height) ~= "number" or type(width) ~= "number" or not (height >= 0 and width >= 0) then
    core.badarg(2, "clip_boxes_to_image", "size: { height, width } expected, got " .. core.got(size))
  end
  local columns = {}
  for i = 1, 4 do columns[i] = b:narrow(-1, i, 1):clamp(0, i % 2 == 1 and width or height) end
  return core.cat(columns, -1)
end

-- ---- which boxes -------------------------------------------------------------------------------------------------------
--- The ids of boxes with sides of at least `least`.
function boxes.remove_small_boxes(b, least)
  local low, high = corners(boxes_of(1, "remove_small_boxes", "boxes", b, 2))
  number(2, "remove_small_boxes", "min_size", least, math.huge)
  return (high - low):detach():ge(least):all(-1):nonzero():select(2, 1)
end

local function suppress(where, b, scores, classes, threshold, last)
  b = boxes_of(1, where, "boxes", b, 2):detach()
  scores = of_length(2, where, "scores", scores, b:size(1)):to(b:dtype())
  if last == 4 then classes = of_length(3, where, "classes", classes, b:size(1)) end
  number(last, where, "iou_threshold", threshold, 1)
  local keep = core.layer_type "NonMaxSuppression" { iou_threshold = threshold }:to(b:dtype())(b, scores, classes)
  return keep:narrow(1, 1, keep:ge(1):sum():item())
end

--- The ids of boxes that stay, the best first: those of which no better one that stays has a higher IoU than the threshold.
function boxes.nms(b, scores, threshold) return suppress("nms", b, scores, nil, threshold, 3) end

--- The same among the boxes of each class. classes: ids from 1.
function boxes.batched_nms(b, scores, classes, threshold) return suppress("batched_nms", b, scores, classes, threshold, 4) end

-- ---- boxes of many pictures --------------------------------------------------------------------------------------------
local function list_of(where, list)
  if core.is_tensor(list) and list:dim() == 3 then
    local parts = {}
    for i = 1, list:size(1) do parts[i] = list:select(1, i) end
    list = parts
  end
  if type(list) ~= "table" or debug.getmetatable(list) or #list == 0 then
    core.badarg(1, where, "list of the boxes of each picture, or tensor (n, k, numbers), expected, got " .. core.got(list))
  end
  for key in next, list do
    if math.type(key) ~= "integer" or key < 1 or key > #list then core.badarg(1, where, string.format("list without gaps expected, got a key %s", core.got(key))) end
  end
  for i = 1, #list do
    if list[i] == nil then core.badarg(1, where, string.format("list without gaps expected, [%d] is nil: give luron.zeros(0, 4)", i)) end
  end
  return list
end

--- The boxes of each picture, (k, 4), as nn.RoIAlign and nn.RoIPool take them: (all, 5), the picture, from 1, and the box.
function boxes.rois(list)
  local rows = {}
  for i, b in ipairs(list_of("rois", list)) do
    b = boxes_of(1, "rois", string.format("[%d]", i), b, 2)
    rows[i] = core.cat({ core.full(i, b:size(1), 1, { dtype = b:dtype() }), b }, 2)
  end
  return core.cat(rows, 1)
end

--- Of each picture exactly n boxes (Keras's MaxNumBoundingBoxes): the first n, or filled up with rows of fill_value, which is 0.
function boxes.pad_boxes(list, n, options)
  options = names.options(3, "pad_boxes", options, { fill_value = "number" })
  if math.type(n) ~= "integer" or n < 1 then core.badarg(2, "pad_boxes", "max_number: positive integer expected, got " .. core.got(n)) end
  local padded, width = {}, nil
  for i, b in ipairs(list_of("pad_boxes", list)) do
    if not core.is_tensor(b) or b:dim() ~= 2 or b:size(2) ~= (width or b:size(2)) then
      local got = core.is_tensor(b) and "shape " .. tostring(b:shape()) or core.got(b)
      core.badarg(1, "pad_boxes", string.format("[%d]: tensor (k, %s) expected, got %s", i, width or "numbers", got))
    end
    width = b:size(2)
    local count = math.min(b:size(1), n)
    padded[i] = b:narrow(1, 1, count):pad({ { 0, n - count }, { 0, 0 } }, options.fill_value or 0)
  end
  return core.stack(padded, 1)
end

return names.guard(boxes, "luron.boxes")
