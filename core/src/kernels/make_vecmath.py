"""The polynomials of vecmath_f32.h: minimax by Lawson's iteration (least squares with weights that grow where the
error is largest) on Chebyshev nodes in double, rounded to float32 one coefficient after the other.

    python3 make_vecmath.py        prints the table (numpy, mpmath)
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 40


def fit(target, weight, low, high, powers, nodes=4000):
    """Coefficients c of sum c_i x^powers_i near target on [low, high]; the error is weighed by weight(x)."""
    x = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
    y = np.array([float(target(mp.mpf(v))) for v in x])
    w0 = np.array([float(weight(mp.mpf(v))) for v in x])
    done, todo, rest = [], list(powers), y.copy()
    while todo:
        w = np.ones(nodes)
        a = np.stack([x ** p for p in todo], 1)
        for _ in range(60):
            s = np.sqrt(w) * w0
            c = np.linalg.lstsq(a * s[:, None], rest * s, rcond=None)[0]
            e = np.abs((a @ c - rest) * w0)
            w *= e / e.max() + 1e-3
            w /= w.sum()
        done.append(np.float32(c[0]))
        rest = rest - float(done[-1]) * x ** todo[0]
        todo = todo[1:]
    error = np.abs((sum(float(c) * x ** p for c, p in zip(done, powers)) - y) * w0).max()
    return done, error


def show(name, result):
    coefficients, error = result
    print(f"/* {name}: weighed error {error:.1e} */")
    print("{" + ", ".join(float(c).hex() + "f" for c in coefficients) + "}")


def erf_log(t):
    return -mp.log(mp.erfc(t)) / t


if __name__ == "__main__":
    half = float(mp.log(2) / 2) * 1.0001
    # expm1(r) = r + r^2 P(r); error relative to exp(r)
    show("exp", fit(lambda r: (mp.expm1(r) - r) / r ** 2, lambda r: r ** 2 / mp.exp(r), -half, half, range(5)))
    # log(1 + f) = f - f^2 / 2 + f^3 P(f)
    show("log", fit(lambda f: (mp.log(1 + f) - f + f ** 2 / 2) / f ** 3, lambda f: f ** 3 / mp.log(1 + f),
                    2 ** -0.5 - 1, 2 ** 0.5 - 1, range(8)))
    # erf(x) = x + x P(s), s = x^2
    show("erf", fit(lambda s: mp.erf(mp.sqrt(s)) / mp.sqrt(s) - 1, lambda s: 1 / (mp.erf(mp.sqrt(s)) / mp.sqrt(s)),
                    1e-9, 0.925 ** 2, range(7)))
    # erf(t) = 1 - exp(-t P(t)); an error d of t P(t) is one of d erfc(t)
    show("erf, above", fit(erf_log, lambda t: t * mp.erfc(t) / mp.erf(t), 0.9, 3.93, range(7)))
    # sin(r) = r + r s P(s), cos(r) = 1 - s / 2 + s^2 Q(s), s = r^2
    turn = float(mp.pi / 4) * 1.0002
    show("sin", fit(lambda s: (mp.sin(mp.sqrt(s)) / mp.sqrt(s) - 1) / s, lambda s: s / (mp.sin(mp.sqrt(s)) / mp.sqrt(s)),
                    1e-9, turn ** 2, range(4)))
    show("cos", fit(lambda s: (mp.cos(mp.sqrt(s)) - 1 + s / 2) / s ** 2, lambda s: s ** 2 / mp.cos(mp.sqrt(s)),
                    1e-9, turn ** 2, range(4)))
    # asin(x) = x + x s P(s), sinh and tan alike; atan(t) = t + t s P(s)
    for name, f, most, n in (("asin", mp.asin, 0.5, 5), ("sinh", mp.sinh, 1, 4), ("tan", mp.tan, turn, 6), ("atan", mp.atan, 1, 8)):
        show(name, fit(lambda s: (f(mp.sqrt(s)) / mp.sqrt(s) - 1) / s, lambda s: s / (f(mp.sqrt(s)) / mp.sqrt(s)), 1e-9, most ** 2, range(n)))
