#!/usr/bin/env python3
"""Numbers of torchvision for the plugin detection, in float64 at inputs that float32 holds exactly. Yolo and YoloLoss are written here
after the papers (Redmon and Farhadi: YOLO9000, 2017; YOLOv3, 2018) and Darknet's yolo_layer.c, box by box and with none of the
plugin's code: outputs, losses, and gradients by autograd. Prints detection_reference.h, and with --lua detection_values.lua.

    python3 tests/data/make_detection.py > tests/data/detection_reference.h     # needs PyTorch 2 and torchvision
    python3 tests/data/make_detection.py --lua > tests/data/detection_values.lua
"""
import math
import sys
import textwrap

import torch
import torch.nn.functional as F
import torchvision
from torchvision import ops

from layer_values import draw, emit, leaf

torch.manual_seed(31)
torch.set_default_dtype(torch.float64)


def boxes(*shape, size=4):
    """Boxes with sides above 0."""
    corner, sides = draw(*shape, 2), draw(*shape, 2).abs() + 0.25
    return torch.cat([corner, corner + sides * size / 4], -1)


# ---- losses of boxes ---------------------------------------------------------------------------------------------------------
def iou_losses():
    kinds = {"GIoULoss": ops.generalized_box_iou_loss, "DIoULoss": ops.distance_box_iou_loss, "CIoULoss": ops.complete_box_iou_loss}
    for name, fn in kinds.items():
        for options in ({}, {"reduction": "sum", "eps": 0.125}, {"reduction": "none"}):
            for shape in ((7,), (2, 3)) if options else ((7,),):
                a, b = boxes(*shape), boxes(*shape)
                a.view(-1, 4)[0] = b.view(-1, 4)[0] + 0.125  # near each other
                b.view(-1, 4)[1] += 16  # far away
                theirs = {"reduction": "mean"} | options
                emit(name, options, [leaf(a), leaf(b)], [], [fn(a, b, **theirs)])
    flat = torch.tensor([[0, 0, 0, 1], [2, 2, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1.0]])  # without area, turned round, touching, a point
    other = torch.tensor([[0, 0, 1, 1], [0, 0, 2, 2], [1, 0, 2, 1], [0, 0, 2, 2.0]])
    for name, fn in kinds.items():
        keep = slice(0, 3) if name == "CIoULoss" else slice(0, 4)  # theirs is NaN for a point
        a, b = leaf(flat[keep].clone()), leaf(other[keep].clone())
        emit(name, {"reduction": "none"}, [a, b], [], [fn(a, b, reduction="none")])


# ---- regions of interest -----------------------------------------------------------------------------------------------------
def regions():
    x = draw(2, 2, 5, 4)
    places = torch.tensor([[0, 0.5, 1, 4.5, 5.25], [1, 2, 0, 5, 6], [1, -3, -2, 1.5, 2.5], [0, 4, 5, 9, 11], [0, 2.25, 2.5, 2.5, 3.25], [1, 20, 20, 30, 30],
                           [1, -40, -40, 60, 60]])
    bad = torch.tensor([[1, 4, 4, 2, 1], [0, 3, 3, 3, 3.0]])  # turned round, and without area
    for options in ({"output_size": [3, 2]}, {"output_size": [2, 2], "spatial_scale": 0.5, "sampling_ratio": 2, "aligned": True},
                    {"output_size": [1, 4], "aligned": True}, {"output_size": [2, 3], "spatial_scale": 1.5, "sampling_ratio": 3},
                    {"output_size": [1, 1], "sampling_ratio": 0}):
        rois = torch.cat([places, bad])
        input = leaf(x.clone())
        emit("RoIAlign", options, [input, rois], [], [ops.roi_align(input, rois, **options)])
    for options in ({"output_size": [3, 2]}, {"output_size": [2, 2], "spatial_scale": 0.5}, {"output_size": [5, 4], "spatial_scale": 1.25}):
        rois, input = torch.cat([places, bad]), leaf(x.clone())
        emit("RoIPool", options, [input, rois], [], [ops.roi_pool(input, rois, **options)])
    input = leaf(x.clone())
    emit("RoIAlign", {"output_size": [2, 2]}, [input, torch.zeros(0, 5)], [], [ops.roi_align(input, torch.zeros(0, 5), 2)])


# ---- yolo --------------------------------------------------------------------------------------------------------------------
def pairs(text):
    numbers = [float(part) for part in text.replace(",", " ").split()]
    return list(zip(numbers[::2], numbers[1::2]))


def decoded(x, anchors, classes, stride, scale_xy=1.0):
    """Of each box: centre, size, logit of the objectness, logits of classes, as parts of the picture."""
    n, _, h, w = x.shape
    out = {}
    for i in range(n):
        for a, (width, height) in enumerate(anchors):
            for row in range(h):
                for column in range(w):
                    t = x[i, a * (5 + classes):(a + 1) * (5 + classes), row, column]
                    bx = (column + scale_xy * torch.sigmoid(t[0]) - (scale_xy - 1) / 2) / w
                    by = (row + scale_xy * torch.sigmoid(t[1]) - (scale_xy - 1) / 2) / h
                    out[i, a, row, column] = (torch.stack([bx, by, width / (stride[1] * w) * torch.exp(t[2]), height / (stride[0] * h) * torch.exp(t[3])]), t)
    return out


def head(x, anchors, classes, stride=(32, 32), scale_xy=1.0, softmax=False):
    rows = decoded(x, pairs(anchors), classes, stride, scale_xy)
    n = x.shape[0]
    box = torch.stack([torch.cat([b[:2] - b[2:] / 2, b[:2] + b[2:] / 2]) for b, _ in rows.values()]).view(n, -1, 4)
    obj = torch.stack([torch.sigmoid(t[4]) for _, t in rows.values()]).view(n, -1)
    kinds = torch.stack([torch.softmax(t[5:], 0) if softmax else torch.sigmoid(t[5:]) for _, t in rows.values()]).view(n, -1, classes)
    return [box, obj, kinds]


def shape_iou(w, h, anchor):
    both = min(w, anchor[0]) * min(h, anchor[1])
    return both / (w * h + anchor[0] * anchor[1] - both)


def yolo_loss(x, target, anchors, classes, stride=(32, 32), scale_xy=1.0, softmax=False, other_anchors="", ignore_thresh=0.5, reduction="mean"):
    n, _, h, w = x.shape
    here = pairs(anchors)
    every = [(a / (stride[1] * w), b / (stride[0] * h)) for a, b in here + pairs(other_anchors)]
    rows = decoded(x, here, classes, stride, scale_xy)
    losses = []
    for i in range(n):
        truths = [t.tolist() for t in target[i] if t[0] >= 0]
        owner = {}
        for t in truths:
            best = max(range(len(every)), key=lambda k: shape_iou(t[3], t[4], every[k]))
            if best < len(here):
                owner[best, min(int(t[2] * h), h - 1), min(int(t[1] * w), w - 1)] = t
        total = torch.zeros(())
        for (image, a, row, column), (box, t) in rows.items():
            if image != i:
                continue
            mine = owner.get((a, row, column))
            if mine is None:
                corners = torch.cat([box[:2] - box[2:] / 2, box[:2] + box[2:] / 2])[None]
                theirs = [[u[1] - u[3] / 2, u[2] - u[4] / 2, u[1] + u[3] / 2, u[2] + u[4] / 2] for u in truths]
                best = ops.box_iou(corners, torch.tensor(theirs)).max().item() if truths else 0
                if best <= ignore_thresh:
                    total = total + F.softplus(t[4])
                continue
            kind, cx, cy, bw, bh = mine
            big = 2 - bw * bh
            for logit, goal in ((t[0], cx * w - column), (t[1], cy * h - row)):
                goal = torch.tensor((goal + (scale_xy - 1) / 2) / scale_xy)
                total = total + big * F.binary_cross_entropy_with_logits(logit, goal)
            total = total + big * ((t[2] - math.log(bw / every[a][0])) ** 2 + (t[3] - math.log(bh / every[a][1])) ** 2) / 2
            total = total + F.softplus(-t[4])
            if softmax:
                total = total + F.cross_entropy(t[5:], torch.tensor(int(kind)))
            else:
                total = total + F.binary_cross_entropy_with_logits(t[5:], F.one_hot(torch.tensor(int(kind)), classes).double(), reduction="sum")
        losses.append(total)
    y = torch.stack(losses)
    return {"mean": y.mean, "sum": y.sum, "none": lambda: y}[reduction]()


def yolos():
    two = "16,24, 48.5,20"
    for options in ({"anchors": two, "classes": 3, "stride": [8, 16]}, {"anchors": "30 40", "classes": 2, "softmax": True, "scale_xy": 1.25}):
        count = len(pairs(options["anchors"])) * (5 + options["classes"])
        x = leaf(draw(2, count, 2, 3))
        emit("Yolo", options, [x], [], head(x, **options))
    none = [-1, 7, 7, 7, 7]
    truth = torch.tensor([[[1, 0.5, 0.25, 0.25, 0.5], [2, 0.875, 0.75, 0.625, 0.25], none], [none, [0, 1, 0, 0.125, 0.75], [1, 1, 0.0625, 0.25, 0.5]]])
    crowd = torch.tensor([[[0, 0.5, 0.5, 0.5, 0.5], [2, 0.5625, 0.5625, 0.4375, 0.5], [1, 0.125, 0.9375, 1, 1]], [none, none, none]])
    for options in ({"anchors": two, "classes": 3, "stride": [8, 16]},
                    {"anchors": two, "classes": 3, "stride": [8, 16], "reduction": "none", "ignore_thresh": 0.125},
                    {"anchors": two, "classes": 3, "stride": [8, 16], "softmax": True, "other_anchors": "8,8, 12,30, 30,30", "reduction": "sum"},
                    {"anchors": "16 16 30,60", "classes": 4, "stride": [32, 32], "scale_xy": 1.5, "ignore_thresh": 0.25}):
        for target in (truth, crowd):
            count = len(pairs(options["anchors"])) * (5 + options["classes"])
            x = leaf(draw(2, count, 2, 3, scale=4) / 2)
            emit("YoloLoss", options, [x, target], [], [yolo_loss(x, target, **options)])
    x = leaf(draw(1, 7, 2, 2))
    emit("YoloLoss", {"anchors": "9,9", "classes": 2}, [x, torch.zeros(1, 0, 5)], [], [yolo_loss(x, torch.zeros(1, 0, 5), "9,9", 2)])


# ---- functions of boxes, for Lua: ids from 1 ---------------------------------------------------------------------------------
def lua(value):
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(map(lua, value)) + " }"
    if isinstance(value, float):
        return "0/0" if math.isnan(value) else ("-" if value < 0 else "") + "math.huge" if math.isinf(value) else repr(value)
    return str(value)


def functions():
    print("-- Made by make_detection.py with PyTorch %s and torchvision %s; do not edit." % (torch.__version__.split("+")[0], torchvision.__version__.split("+")[0]))
    print("return {")
    def put(name, more="", **fields):
        text = "{ name = %r, more = { %s }, %s }," % (name, more, ", ".join("%s = %s" % (k, lua(v)) for k, v in fields.items()))
        print(textwrap.fill(text, 160, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
    a, b = boxes(5), boxes(3)
    a[3] = torch.tensor([1, 1, 1, 1.0])  # a point
    b[1] = a[0]
    put("box_area", a=a, y=ops.box_area(a))
    for name in ("box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"):
        put(name, a=a, b=b, y=getattr(ops, name)(a, b))
    points = torch.tensor([[1, 1, 1, 1.0]])
    put("box_iou", a=points, b=points, y=ops.box_iou(points, points))  # NaN
    forms = ("xyxy", "xywh", "cxcywh")
    for one in forms:
        for other in forms:
            put("box_convert", a=a, y=ops.box_convert(a, one, other), more='"%s", "%s"' % (one, other))
    wide = boxes(6) * 4
    put("clip_boxes_to_image", a=wide, y=ops.clip_boxes_to_image(wide, (3, 5)), more="{ 3, 5 }")
    put("remove_small_boxes", a=a, y=(ops.remove_small_boxes(a, 0.75) + 1), more="0.75")
    near = boxes(40, size=16)
    scores = draw(40).abs().round()  # many are equal
    kinds = torch.randint(1, 4, (40,))
    for threshold in (0.0, 0.25, 0.5, 1.0):
        put("nms", a=near, b=scores, y=ops.nms(near, scores, threshold) + 1, more=repr(threshold))
        put("batched_nms", a=near, b=scores, c=kinds, y=ops.batched_nms(near, scores, kinds, threshold) + 1, more=repr(threshold))
    odd = near[:6].clone()
    odd[0] = odd[1]
    odd[2] = torch.tensor([3, 3, 1, 1.0])  # turned round
    odd[3, 0] = math.nan
    odd[4] = torch.tensor([2, 2, 2, 2.0])
    some = torch.tensor([0.5, 0.5, math.nan, 0.25, 1, 0.125])
    put("nms", a=odd, b=some, y=ops.nms(odd, some, 0.5) + 1, more="0.5")
    print("}")


if "--lua" in sys.argv:
    functions()
else:
    print("/* Made by make_detection.py with PyTorch %s and torchvision %s; do not edit. */" % (torch.__version__.split("+")[0], torchvision.__version__.split("+")[0]))
    print("static const layer_values detection_cases[] = {")
    iou_losses()
    regions()
    yolos()
    print("};")
