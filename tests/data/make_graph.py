#!/usr/bin/env python3
"""Write graph_reference.h: the layers of the plugin `graph` by the formulas of their papers, over dense adjacency matrices
in float64, with gradients by PyTorch's autograd.

Usage: make_graph.py > graph_reference.h   (needs torch; the tests need only the header)
"""
import torch
import torch.nn.functional as F

torch.manual_seed(61)
N, IN = 5, 3
# Node 2 has a loop of its own, 0 to 1 comes twice, node 4 has no edge.
EDGES = torch.tensor([[0, 0, 1, 2, 3, 2, 1, 3], [1, 1, 2, 2, 0, 3, 0, 2]])
MANY = torch.zeros(N, N, dtype=torch.float64).index_put_((EDGES[1], EDGES[0]), torch.ones(8, dtype=torch.float64), accumulate=True)


def eighths(*shape):
    return torch.randint(-16, 17, shape).double().div(8)


def gcn(o, x, p, w):
    a = torch.zeros(N, N, dtype=torch.float64).index_put((EDGES[1], EDGES[0]), w, accumulate=True)
    if o.get("normalize", True):
        if o.get("add_self_loops", True):
            a = a + torch.diag(torch.where(MANY.diagonal() > 0, 0.0, 2.0 if o.get("improved") else 1.0).double())
        d = a.sum(1)
        d = torch.where(d == 0, 0.0, torch.where(d == 0, 1.0, d) ** -0.5)
        a = d[:, None] * a * d
    return a @ (x @ p["weight"].T) + p.get("bias", 0)


def sage(o, x, p, w):
    if o.get("aggr") == "max":
        rows = torch.where(MANY[:, :, None] > 0, x[None], -torch.inf).amax(1)
        a = torch.where(MANY.sum(1, True) > 0, rows, 0.0)
    else:
        a = MANY @ x
        if o.get("aggr") != "sum":
            a = a / MANY.sum(1, True).clamp(min=1)
    y = a @ p["weight_l"].T + p.get("bias", 0)
    if o.get("root_weight", True):
        y = y + x @ p["weight_r"].T
    return F.normalize(y, dim=1) if o.get("normalize") else y


def gin(o, x, p, w):
    return (1 + (p["eps"] if "eps" in p else o.get("eps", 0))) * x + MANY @ x


def attend(o, h, score, p):
    """h (N, heads, out), score (targets, sources, heads)"""
    many = MANY
    if o.get("add_self_loops", True):
        many = many - torch.diag(many.diagonal()) + torch.eye(N)
    share = many[:, :, None] * score.exp()
    share = share / (share.sum(1, True) + 1e-300)
    y = torch.einsum("tsh,shc->thc", share, h)
    y = y.reshape(N, -1) if o.get("concat", True) else y.mean(1)
    return y + p.get("bias", 0)


def gat(o, x, p, w):
    h = (x @ p["weight"].T).reshape(N, o.get("heads", 1), -1)
    score = (h * p["att_dst"]).sum(2)[:, None] + (h * p["att_src"]).sum(2)[None]
    return attend(o, h, F.leaky_relu(score, o.get("negative_slope", 0.2)), p)


def gatv2(o, x, p, w):
    shape = (N, o.get("heads", 1), -1)
    h = (x @ p["weight"].T + p["bias_l"]).reshape(shape)
    to = h if o.get("share_weights") else (x @ p["weight_r"].T + p["bias_r"]).reshape(shape)
    score = (F.leaky_relu(to[:, None] + h[None], o.get("negative_slope", 0.2)) * p["att_src"]).sum(3)
    return attend(o, h, score, p)


CASES = [
    (gcn, "GCNConv", {}, ("weight", "bias"), False),
    (gcn, "GCNConv", {"improved": True, "bias": False}, ("weight",), True),
    (gcn, "GCNConv", {"add_self_loops": False}, ("weight", "bias"), True),
    (gcn, "GCNConv", {"normalize": False}, ("weight", "bias"), True),
    (sage, "SAGEConv", {}, ("weight_l", "bias", "weight_r"), False),
    (sage, "SAGEConv", {"aggr": "max", "normalize": True}, ("weight_l", "bias", "weight_r"), False),
    (sage, "SAGEConv", {"aggr": "sum", "root_weight": False, "bias": False}, ("weight_l",), False),
    (gin, "GINConv", {"eps": 0.5}, (), False),
    (gin, "GINConv", {"train_eps": True}, ("eps",), False),
    (gat, "GATConv", {"heads": 2}, ("weight", "att_src", "att_dst", "bias"), False),
    (gat, "GATConv", {"heads": 3, "concat": False, "negative_slope": 0.5}, ("weight", "att_src", "att_dst", "bias"), False),
    (gat, "GATConv", {"add_self_loops": False}, ("weight", "att_src", "att_dst", "bias"), False),
    (gatv2, "GATv2Conv", {"heads": 2}, ("weight", "att_src", "bias", "weight_r", "bias_l", "bias_r"), False),
    (gatv2, "GATv2Conv", {"heads": 2, "concat": False, "share_weights": True}, ("weight", "att_src", "bias", "bias_l"), False),
]
SLOTS = {"GCNConv": ("weight", "bias"), "SAGEConv": ("weight_l", "bias", "weight_r"),
         "GINConv": ("eps",), "GATConv": ("weight", "att_src", "att_dst", "bias"),
         "GATv2Conv": ("weight", "att_src", "", "bias", "weight_r", "bias_l", "bias_r")}


def made(name, o, out):
    wide = o.get("heads", 1) * out
    if name.startswith("weight"):
        return eighths(wide, IN)
    if name == "eps":
        return eighths(1)
    if name.startswith("att"):
        return eighths(o.get("heads", 1), out)
    return eighths(out if name == "bias" and not o.get("concat", True) else wide)


def listed(t):
    return "{ %s }" % ", ".join("%.17g" % a for a in t.detach().reshape(-1).tolist())


def text(name, o):
    sizes = "" if name == "GINConv" else '\\"in_channels\\": 3, \\"out_channels\\": 2, '
    return sizes + ", ".join('\\"%s\\": %s' % (k, '\\"%s\\"' % v if isinstance(v, str) else str(v).lower()) for k, v in o.items())


def main():
    print("/* Made by make_graph.py with PyTorch %s: layers by their formulas over dense adjacency matrices, in float64. */" % torch.__version__.split("+")[0])
    print("#define GRAPH_NODES %d\n#define GRAPH_EDGES %d\nstatic const double graph_edges[] = %s;" % (N, EDGES.shape[1], listed(EDGES)))
    rows = []
    for k, (run, name, o, names, weighted) in enumerate(CASES):
        x, w = eighths(N, IN).requires_grad_(), (eighths(8).abs() + 0.25).requires_grad_()
        p = {n: made(n, o, 2).requires_grad_() for n in names}
        y = run(o, x, p, w if weighted else torch.ones(8, dtype=torch.float64))
        v = eighths(*y.shape)
        wanted = [x] + ([w] if weighted else []) + list(p.values())
        grads = dict(zip([id(t) for t in wanted], torch.autograd.grad(y, wanted, v)))
        for label, t in [("x", x), ("y", y), ("v", v), ("gx", grads[id(x)])] + ([("w", w), ("gw", grads[id(w)])] if weighted else []) + \
                [pair for n in names for pair in ((n, p[n]), ("g_" + n, grads[id(p[n])]))]:
            print("static const double graph_%d_%s[] = %s;" % (k, label, listed(t)))
        of = lambda label: "graph_%d_%s" % (k, label)
        slots = [(of(n), of("g_" + n)) if n in names else ("NULL", "NULL") for n in SLOTS[name]]
        rows.append('    { "%s", "{%s}", %d, %s, %s, %s, %s, %s, %s,\n      { %s }, { %s } },' % (
            name, text(name, o).rstrip(", "), y.shape[1], of("x"), of("w") if weighted else "NULL", of("y"), of("v"), of("gx"), of("gw") if weighted else "NULL",
            ", ".join(s[0] for s in slots), ", ".join(s[1] for s in slots)))
    print("static const struct {\n    const char *type, *options;\n    int64_t wide;\n    const double *x, *w, *y, *v, *gx, *gw, *param[7], *grad[7]; /* by slot; NULL: none */\n} graph_cases[] = {")
    print("\n".join(rows) + "\n};")


main()
