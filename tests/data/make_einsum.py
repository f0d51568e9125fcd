#!/usr/bin/env python3
"""Write einsum_reference.h: what PyTorch gives for einsum, with gradients.

Usage: make_einsum.py > einsum_reference.h   (needs torch; the tests need only the header)
"""
import torch

torch.manual_seed(22)


def tensor(t):
    if t is None:
        return "{ -1, { 0 }, NULL }"
    shape = ", ".join(str(s) for s in t.shape) or "0"
    values = ", ".join("%.17g" % v for v in t.detach().double().reshape(-1).tolist())
    return "{ %d, { %s }, %s }" % (t.dim(), shape, "(const double[]) { " + values + " }" if t.numel() else "NULL")


def eighths(*shape):
    return torch.randint(-20, 20, shape).double().div(8)


def case(equation, *shapes):
    xs = [eighths(*shape).requires_grad_() for shape in shapes]
    y = torch.einsum(equation, *xs)
    v = eighths(*y.shape)
    g = torch.autograd.grad(y, xs, v)
    pad = lambda ts: ", ".join(tensor(t) for t in list(ts) + [None] * (4 - len(ts)))
    print('    { "%s", %d, { %s },\n      %s, %s, { %s } },' % (equation, len(xs), pad(xs), tensor(y), tensor(v), pad(g)))


print("/* Made by make_einsum.py with PyTorch %s. Types: reduce_reference.h. */" % torch.__version__.split("+")[0])
print("typedef struct einsum_case { const char *equation; int n; reference_tensor x[4], y, v, g[4]; } einsum_case;")
print("static const einsum_case einsum_cases[] = {")
case("ij,jk->ik", (2, 3), (3, 4))
case("ij,jk", (2, 3), (3, 4))
case("ij,kj->ki", (2, 3), (4, 3))
case("bij,bjk->bik", (2, 3, 2), (2, 2, 3))
case("bqhd,bkhd->bhqk", (2, 3, 2, 2), (2, 2, 2, 2))
case("...ij,...jk->...ik", (2, 1, 2, 3), (2, 3, 2))
case("...ij,...jk", (2, 3), (2, 3, 2))
case("b...,b...->b", (2, 3, 2), (2, 3, 2))
case("i...,i...", (2, 3), (2, 3))
case("...->", (2, 3))
case("a...b->b...a", (2, 3, 2, 2))
case("...a->a", (2, 2, 3))
case("i,i->", (4,), (4,))
case("i,j->ij", (3,), (2,))
case("ij->ji", (2, 3))
case("ba", (2, 3))
case("bA,Ac", (2, 3), (3, 2))
case("ij->", (2, 3))
case("ij->j", (2, 3))
case("ii->i", (3, 3))
case("ii", (3, 3))
case("iij->ji", (2, 2, 3))
case("iji->j", (2, 3, 2))
case("iiii->i", (2, 2, 2, 2))
case("ii,ij->j", (3, 3), (3, 2))
case("bij,bij->bij", (2, 2, 3), (2, 2, 3))
case("bij,bi->bj", (2, 3, 2), (2, 3))
case("ij,j->i", (2, 3), (1,))
case("ij,ij->i", (2, 3), (2, 1))
case("ij,jk->ik", (2, 1), (3, 2))
case("ij,jk,kl->il", (2, 3), (3, 2), (2, 3))
case("ij,k,ki,j->k", (2, 3), (2,), (2, 2), (3,))
case("i,ij,j->", (2,), (2, 3), (3,))
case("bn,anm,bm->ba", (2, 3), (4, 3, 2), (2, 2))
case("i,i,i->i", (3,), (3,), (3,))
case("ij,kl->ijkl", (2, 2), (2, 3))
case(",->", (), ())
case("i,->i", (3,), ())
case("->", ())
case("ij,jk->ik", (2, 0), (0, 3))
case("ij,jk->ik", (0, 2), (2, 3))
case("ii->i", (0, 0))
case(" i j , j k -> i k ", (2, 3), (3, 2))
case("abcde->edcba", (1, 2, 1, 2, 2))
case("zyx,Zyx->zZ", (2, 2, 3), (3, 2, 3))
print("};")
