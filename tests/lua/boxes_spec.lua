-- luron.boxes beside numbers of torchvision (tests/data/make_detection.py).
local luron = require "luron"
local nn, boxes = luron.nn, luron.boxes

local source = os.getenv "LURON_TEST_SOURCE" or "."
local stored = dofile(source .. "/tests/data/detection_values.lua")

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end
local function real(v, dtype) return luron.tensor(v, { dtype = dtype or "float64" }) end

-- Within tol of each other, or both NaN.
local function close(want, got, tol, name)
  if type(want) ~= "table" then
    local right = want ~= want and got ~= got or math.abs(want - got) <= tol * math.max(1, math.abs(want))
    assert.is_true(right, string.format("%s: %.17g expected, got %.17g", name, want, got))
    return
  end
  assert.equal(#want, #got, name)
  for i, value in ipairs(want) do close(value, got[i], tol, name .. " [" .. i .. "]") end
end

describe("luron.boxes", function()
  it("gives the numbers of torchvision", function()
    for i, case in ipairs(stored) do
      for _, dtype in ipairs { "float64", "float32" } do
        local arguments = { real(case.a, dtype) }
        if case.b then arguments[2] = real(case.b, dtype) end
        if case.c then arguments[3] = luron.tensor(case.c) end
        for _, more in ipairs(case.more) do arguments[#arguments + 1] = more end
        local got = boxes[case.name](table.unpack(arguments))
        close(case.y, got:totable(), dtype == "float64" and 1e-14 or 2e-6, i .. " " .. case.name)
      end
    end
  end)

  it("has gradients", function()
    local a = real { { 0.1, 0.2, 1.5, 2.5 }, { 0.3, -0.4, 2.1, 1.9 } }
    local b = real { { 0.5, 0.6, 1.1, 3.5 }, { 5, 5, 6, 7.5 }, { -1.3, 0, 0.6, 0.7 } }
    for _, name in ipairs { "box_iou", "generalized_box_iou", "distance_box_iou" } do assert(luron.gradcheck(boxes[name], a, b, { order = 2 })) end
    assert(luron.gradcheck(boxes.box_area, a))
    for _, from in ipairs { "xyxy", "xywh", "cxcywh" } do
      for _, to in ipairs { "xyxy", "xywh", "cxcywh" } do
        assert(luron.gradcheck(function(x) return boxes.box_convert(x, from, to) end, a))
      end
    end
    assert(luron.gradcheck(function(x) return boxes.clip_boxes_to_image(x, { 2, 2 }) end, a))
    local x = a:clone():requires_grad_()
    boxes.complete_box_iou(x, b):sum():backward()
    assert.is_true(x:grad():isfinite():all():item())
  end)

  it("takes whole numbers, and lists without boxes", function()
    assert.same({ 6.0 }, boxes.box_area(luron.tensor { { 0, 0, 2, 3 } }):totable())
    local none = luron.zeros(0, 4)
    assert.same({ 0, 2 }, { table.unpack(boxes.box_iou(none, luron.ones(2, 4)):shape()) })
    assert.same({ 0 }, { table.unpack(boxes.nms(none, luron.zeros(0), 0.5):shape()) })
    assert.same({ 0 }, { table.unpack(boxes.remove_small_boxes(none, 1):shape()) })
    assert.same({ 0, 4 }, { table.unpack(boxes.box_convert(none, "xywh", "cxcywh"):shape()) })
    assert.equal(0.0, nn.generalized_box_iou_loss(none, none):item())
  end)

  it("keeps boxes of other classes, whatever their coordinates", function()
    local b = real { { -5, -5, 5, 5 }, { -5, -5, 5, 5 }, { -5, -5, 5, 5 } }
    local scores = real { 0.2, 0.9, 0.9 }
    assert.same({ 2 }, boxes.nms(b, scores, 0.5):totable())
    assert.same({ 2, 3 }, boxes.batched_nms(b, scores, luron.tensor { 1, 1, 7 }, 0.5):totable())
    assert.same({ 2, 3, 1 }, boxes.nms(b, scores, 1):totable())
  end)

  it("makes rois of lists, and lists of one length", function()
    local a, b = real { { 1, 2, 3, 4 } }, real { { 5, 6, 7, 8 }, { 0, 0, 1, 1 } }
    local rois = boxes.rois { a, luron.zeros(0, 4, { dtype = "float64" }), b }
    assert.same({ { 1.0, 1, 2, 3, 4 }, { 3.0, 5, 6, 7, 8 }, { 3.0, 0, 0, 1, 1 } }, rois:totable())
    local x = luron.randn(3, 2, 8, 8, { dtype = "float64" })
    local y = nn.RoIAlign { output_size = 2, sampling_ratio = 2 }:to "float64"(x, rois)
    assert.same({ 3, 2, 2, 2 }, { table.unpack(y:shape()) })
    assert.same({ 2, 2, 4 }, { table.unpack(boxes.pad_boxes({ a, b }, 2):shape()) })
    assert.same({ { 0.0, 0, 0, 0 } }, boxes.pad_boxes({ a, b }, 3)[1]:narrow(1, 3, 1):totable())
    assert.same({ { { -1, -1, -1, -1 }, { -1, -1, -1, -1 } } }, boxes.pad_boxes({ luron.zeros(0, 4) }, 2, { fill_value = -1 }):totable())
    assert.same({ 2, 1, 4 }, { table.unpack(boxes.pad_boxes(luron.ones(2, 3, 4), 1):shape()) })
  end)

  it("says what it wants", function()
    local b = luron.ones(2, 4)
    fails("boxes: tensor (..., 4) expected, got float32 of shape (2, 5)", boxes.box_area, luron.ones(2, 5))
    fails("boxes: tensor (..., 4) expected, got 'b'", boxes.box_area, "b")
    fails("boxes2: tensor (n, 4) expected", boxes.box_iou, b, luron.ones(4))
    fails("from: 'xyxy', 'xywh' or 'cxcywh' expected, got 'yxyx'", boxes.box_convert, b, "yxyx", "xyxy")
    fails("to: 'xyxy', 'xywh' or 'cxcywh' expected, got nil", boxes.box_convert, b, "xyxy")
    fails("size: { height, width } expected", boxes.clip_boxes_to_image, b, { 3 })
    fails("size: { height, width } expected", boxes.clip_boxes_to_image, b, { -1, 3 })
    fails("scores: one number for each of 2 boxes expected, got shape (3,)", boxes.nms, b, luron.ones(3), 0.5)
    fails("iou_threshold: number from 0 to 1 expected", boxes.nms, b, luron.ones(2), 1.5)
    fails("iou_threshold: number from 0 to 1 expected", boxes.nms, b, luron.ones(2), 0 / 0)
    fails("classes: one number for each of 2 boxes expected, got nil", boxes.batched_nms, b, luron.ones(2), nil, 0.5)
    fails("0 at position 1", boxes.batched_nms, b, luron.ones(2), luron.tensor { 0, 1 }, 0.5)
    fails("min_size: number of at least 0 expected", boxes.remove_small_boxes, b, -1)
    fails("list of the boxes of each picture", boxes.rois, {})
    fails("[2]: tensor (n, 4) expected", boxes.rois, { b, 3 })
    fails("max_number: positive integer expected, got 0", boxes.pad_boxes, { b }, 0)
    fails("[2]: tensor (k, 4) expected, got shape (2, 5)", boxes.pad_boxes, { b, luron.ones(2, 5) }, 1)
    fails("luron.boxes has no 'iou'; here it is box_iou", function() return boxes.iou end)
    fails("here it is luron.boxes.nms", function() return nn.nms end)
    fails("here it is luron.boxes.pad_boxes", function() return nn.MaxNumBoundingBoxes end)
  end)
end)

describe("heads of YOLO", function()
  it("count classes from 1", function()
    local loss = nn.YoloLoss { classes = 2, anchors = "32,32", stride = 32 }
    local x = luron.randn(1, 7, 2, 2)
    local truth = luron.tensor { { { 2, 0.3, 0.3, 0.5, 0.5 }, { 0, 0, 0, 0, 0 } } }
    local moved = x:clone()
    moved[{ 1, 7 }] = moved[{ 1, 7 }] + 3 -- the logits of class 2
    assert.is_true(loss(moved, truth):item() < loss(x, truth):item())
    fails("target: class 3 of box 1 of picture 1, there are 1 to 2", loss, x, luron.tensor { { { 3, 0.3, 0.3, 0.5, 0.5 } } })
    fails("target: whole number expected in column 1, got 0.3 in row 1", loss, x, luron.tensor { { { 0.3, 0.3, 0.5, 0.5, 1 } } })
    fails("rois: image 2 in row 1, input has images 1 to 1", nn.roi_align, x, luron.tensor { { 2, 0, 0, 1, 1.0 } }, { output_size = 1 })
  end)

  it("learn the same bits in a plan and without one", function()
    local function run(compiled)
      luron.seed(3)
      local x, truth = luron.rand(4, 1, 8, 8), luron.tensor { { { 1, 0.3, 0.3, 0.5, 0.5 } } }:expand(4, 1, 5):contiguous()
      local model = nn.Sequential { nn.Conv2d(1, 6, 3, { padding = 1 }), nn.MaxPool2d(2) }
      local loss, opt = nn.YoloLoss { classes = 1, anchors = "4,4", stride = 2 }, luron.optim.SGD(model, { lr = 0.01 })
      local function step(a, b)
        opt:zero_grad()
        local value = loss(model(a), b)
        value:backward()
        opt:step()
        return value
      end
      if compiled then step = luron.compile(step) end
      local last
      for _ = 1, 6 do last = step(x, truth) end
      return last:item(), model[1].weight:detach():tobytes()
    end
    local a, b = { run(false) }, { run(true) }
    assert.same(a, b)
  end)

  it("give a true box on a border of cells to one cell, whatever form the loss has", function()
    luron.seed(1)
    for _, w in ipairs { 10, 19, 26, 52 } do
      local loss = nn.YoloLoss { classes = 1, anchors = "8,8", stride = 8 }
      for k = 1, w - 1 do
        local x, truth = luron.randn(1, 6, 1, w):requires_grad_(true), luron.tensor { { { 1, k / w, 0.5, 0.3, 0.3 } } }
        loss(x, truth):backward()
        assert.is_true(x:grad()[1][1][1][k + 1]:item() ~= 0, k .. " of " .. w)
        if k % 7 == 0 then
          luron.higher(true)
          local higher = luron.grad({ loss(x, truth) }, { x }, { create_graph = true })
          luron.higher(false)
          assert.is_true((higher:detach() - x:grad()):abs():max():item() < 1e-5)
        end
      end
    end
  end)

  it("refuse what is no list of numbers", function()
    for _, text in ipairs { "1.2.3", "10+13", "8", "8,8,8", "", "8,-8" } do
      fails("anchors: pairs of numbers above 0", nn.Yolo, { classes = 1, anchors = text, stride = 8 })
    end
    local one = luron.tensor { { 0, 0, 1, 1.0 } }
    fails("list without gaps expected, [2] is nil", luron.boxes.rois, { one, nil, one })
    fails("list without gaps expected, [2] is nil", luron.boxes.pad_boxes, { one, nil, one }, 2)
  end)
end)
