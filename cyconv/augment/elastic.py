"""Elastic deformation (Ronneberger, Fischer, Brox 2015, section 3.1): random displacements on a coarse grid,
and a smooth surface through them."""

from functools import lru_cache

import numpy as np


def displacements(size, generator, std=10.0, grid=3):
    """(rows, columns): by how many pixels each pixel moves, two float32 arrays of `size` (H, W).

    generator: a numpy.random.Generator. std: of the Gaussian displacements at the nodes, in pixels. grid: the
    nodes on each axis, the first and last on the borders. Between them: natural cubic splines on both axes.
    """
    nodes = std * generator.standard_normal((2, grid, grid)).astype(np.float32)
    down, across = (spline(n, grid) for n in size)
    return tuple(down @ plane @ across.T for plane in nodes)


@lru_cache(maxsize=32)
def spline(size, nodes):
    """The matrix (size, nodes) that takes values at equidistant nodes to the natural cubic spline through
    them, at `size` places from the first node to the last.

    Between the nodes i and i + 1, with t = 0..1, u = 1 - t, and second derivatives m (0 at both ends):
        s = u y_i + t y_(i+1) + ((u^3 - u) m_i + (t^3 - t) m_(i+1)) / 6
    """
    y = np.eye(nodes)
    m = np.zeros((nodes, nodes))
    if nodes > 2:  # m_(i-1) + 4 m_i + m_(i+1) = 6 (y_(i-1) - 2 y_i + y_(i+1))
        inner = nodes - 2
        system = 4 * np.eye(inner) + np.eye(inner, k=1) + np.eye(inner, k=-1)
        m[1:-1] = np.linalg.solve(system, 6 * (y[:-2] - 2 * y[1:-1] + y[2:]))
    place = np.linspace(0, nodes - 1, size)
    i = np.minimum(place.astype(int), nodes - 2)
    t = (place - i)[:, None]
    u = 1 - t
    curve = ((u**3 - u) * m[i] + (t**3 - t) * m[i + 1]) / 6
    matrix = (u * y[i] + t * y[i + 1] + curve).astype(np.float32)
    matrix.setflags(write=False)
    return matrix
