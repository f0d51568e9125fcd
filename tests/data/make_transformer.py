#!/usr/bin/env python3
"""Write transformer_values.lua: encoder and decoder blocks, stacks and both together, of PyTorch without dropout, in float64.

Usage: make_transformer.py > transformer_values.lua   (needs torch; the tests need only the table)
"""
import torch

torch.manual_seed(62)
torch.set_default_dtype(torch.float64)
D, HEADS, WIDE = 4, 2, 6


def draw(*shape, scale=8):
    return torch.randint(-2 * scale, 2 * scale + 1, shape).double().div(scale)


def flat(t):
    return "{ shape = { %s }, %s }" % (", ".join(map(str, t.shape)),
                                       ", ".join(("true" if v else "false") if isinstance(v, bool) else "%.15g" % v for v in t.detach().reshape(-1).tolist()))


def ours(name):
    """layers.0.self_attn.out_proj.weight -> layers.1.self_attn/out_proj_weight"""
    parts = name.replace("out_proj.", "out_proj_").split(".")
    parts = [str(int(p) + 1) if p.isdigit() else p for p in parts]
    return ".".join(parts[:-1]) + "/" + parts[-1]


def emit(kind, options, net, inputs, call, layers=0):
    for p in net.parameters():
        p.data = draw(*p.shape, scale=32) / 2
    net.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    x = inputs[0].requires_grad_()
    y = call(net, *inputs)
    v = draw(*y.shape)
    grads = torch.autograd.grad(y, [x] + list(net.parameters()), v)
    print("  {")
    print('    kind = "%s", options = { %s }, layers = %d,' % (kind, options, layers))
    print("    inputs = { %s }," % ", ".join("false" if t is None else flat(t) for t in inputs))
    print("    output = %s, cotangent = %s, grad = %s," % (flat(y), flat(v), flat(grads[0])))
    print("    parameters = {")
    for (name, p), g in zip(net.named_parameters(), grads[1:]):
        print('      ["%s"] = { %s, %s },' % (ours(name), flat(p), flat(g)))
    print("    },\n  },")


def encoder(**kw):
    return torch.nn.TransformerEncoderLayer(D, HEADS, WIDE, dropout=0.0, batch_first=True, **kw)


def decoder(**kw):
    return torch.nn.TransformerDecoderLayer(D, HEADS, WIDE, dropout=0.0, batch_first=True, **kw)


padding = torch.tensor([[False, False, True], [False, False, False]])
causal = torch.ones(3, 3, dtype=torch.bool).triu(1)
print("-- Made by make_transformer.py with PyTorch %s." % torch.__version__.split("+")[0])
print("-- luacheck: no max line length")
print("return {")
emit("TransformerEncoderLayer", "", encoder(), [draw(2, 3, D), None, padding], lambda net, x, m, p: net(x, src_key_padding_mask=p))
emit("TransformerEncoderLayer", 'norm_first = true, activation = "gelu", is_causal = true, layer_norm_eps = 0.01, bias = false',
     encoder(norm_first=True, activation="gelu", layer_norm_eps=0.01, bias=False), [draw(2, 3, D)], lambda net, x: net(x, src_mask=causal, is_causal=True))
emit("TransformerDecoderLayer", "", decoder(), [draw(2, 2, D), draw(2, 3, D), torch.tensor([[False, True], [False, False]]), None, None, padding],
     lambda net, x, m, tm, mm, tp, mp: net(x, m, tgt_mask=tm, memory_key_padding_mask=mp))
emit("TransformerDecoderLayer", 'norm_first = true, activation = "gelu", is_causal = true', decoder(norm_first=True, activation="gelu"),
     [draw(2, 3, D), draw(2, 2, D)], lambda net, x, m: net(x, m, tgt_mask=causal, tgt_is_causal=True))
emit("TransformerEncoder", "", torch.nn.TransformerEncoder(encoder(), 2, torch.nn.LayerNorm(D), enable_nested_tensor=False), [draw(1, 3, D), causal],
     lambda net, x, m: net(x, mask=m), 2)
emit("TransformerDecoder", "", torch.nn.TransformerDecoder(decoder(), 2, torch.nn.LayerNorm(D)), [draw(1, 2, D), draw(1, 3, D)],
     lambda net, x, m: net(x, m), 2)
emit("Transformer", "num_encoder_layers = 2, num_decoder_layers = 1", torch.nn.Transformer(D, HEADS, 2, 1, WIDE, 0.0, batch_first=True),
     [draw(2, 3, D), draw(2, 2, D), draw(3, 3), torch.tensor([[False, True], [False, False]]), draw(2, 3), padding, None, padding.roll(1, 0)],
     lambda net, s, t, sm, tm, mm, sp, tp, mp: net(s, t, sm, tm, mm, torch.zeros(2, 3).masked_fill(sp, float("-inf")), tp, torch.zeros(2, 3).masked_fill(mp, float("-inf"))))
emit("Transformer", 'num_encoder_layers = 1, num_decoder_layers = 1, norm_first = true, activation = "gelu", layer_norm_eps = 0.01, bias = false, '
     "src_is_causal = true, tgt_is_causal = true",
     torch.nn.Transformer(D, HEADS, 1, 1, WIDE, 0.0, "gelu", layer_norm_eps=0.01, batch_first=True, norm_first=True, bias=False),
     [draw(1, 3, D), draw(1, 3, D)], lambda net, s, t: net(s, t, causal, causal, src_is_causal=True, tgt_is_causal=True))
print("}")
