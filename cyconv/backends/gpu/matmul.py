"""Products of matrices as launches."""

from .launch import Launch, ceil_div
from .tiles import code, cut, parts_of, quads, scratch, sum_parts


def matmul(a, b, bias, c, *, transpose_a, transpose_b, accumulate, activation, alpha, work=None, tf32=False):
    M, N = c.shape
    K = a.shape[0] if transpose_a else a.shape[1]
    tile, parts, steps = cut(M, N, K, dtype=c.dtype)
    vectors = (quads(M if transpose_a else K, a), quads(K if transpose_b else N, b), quads(N, c, bias))
    text = code("matmul", tile, vectors, activation if parts == 1 else "linear", tf32,
                TRANSPOSE_A=int(transpose_a), TRANSPOSE_B=int(transpose_b))  # fmt: skip
    grid = (ceil_div(M, tile.m) * ceil_div(N, tile.n), parts)
    sums = parts_of(work, c, parts)
    if parts == 1:
        return [Launch(text, "matmul", grid, (tile.threads,),
                       (a, b, bias, c, M, N, K, steps, accumulate, float(alpha)))]  # fmt: skip
    return [
        Launch(text, "matmul", grid, (tile.threads,), (a, b, None, sums, M, N, K, steps, False, 0.0)),
        sum_parts(parts, sums, c, bias=bias, accumulate=accumulate, activation=activation, alpha=alpha),
    ]


def _scratch(operands, attributes):
    a, _, _, c = operands
    K = a.shape[0] if attributes["transpose_a"] else a.shape[1]
    parts = cut(*c.shape, K, dtype=c.dtype).parts
    return scratch(parts, c) if parts > 1 else 0


SCRATCH = {"matmul": _scratch}
