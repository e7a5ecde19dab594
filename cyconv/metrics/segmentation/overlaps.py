"""How the cells of a segmentation S overlap those of the truth T: Rand and information scores."""

import numpy as np


class Overlap:
    """The pixels n_ij that cell i of S and cell j of T share, over the pixels of cells of T ("foreground").

    truth, found: numbered cells of one shape, 0 on borders. Border pixels of T do not count at all. A border
    pixel of S that lies in a cell of T belongs to no cell: it counts as a cell of its own, of one pixel.

    Attributes: both, found, truth: the shared pixels n_ij > 0, the sizes s_i and t_j, each without the single
    pixels; singles: how many of those; n: the pixels in all.
    """

    def __init__(self, truth, found):
        j, i, counts = shared_pixels(truth, found)
        self.n, self.singles = int(counts.sum()), int(counts[i == 0].sum())
        self.both = counts[i > 0].astype(np.float64)
        self.found = _present(np.bincount(i, counts)[1:])
        self.truth = _present(np.bincount(j, counts))

    def rand(self):
        """(V_Rand, its split part, its merge part) of Arganda-Carreras et al. 2015.

        split = sum n_ij**2 / sum t_j**2, the chance that two pixels of one cell of T are in one of S;
        merge = sum n_ij**2 / sum s_i**2, that two pixels of one cell of S are in one of T;
        V_Rand = sum n_ij**2 / (sum s_i**2 / 2 + sum t_j**2 / 2), the harmonic mean of the two.
        """
        both, found = (_squares(a) + self.singles for a in (self.both, self.found))
        truth = _squares(self.truth)
        return 2 * both / (found + truth), both / truth, both / found

    def pairs(self):
        """(F, recall, precision) of pairs of two different pixels: the older Rand score.

        A pair is right when it lies in one cell of T and in one of S; recall = right / (pairs in one cell
        of T), precision = right / (pairs in one cell of S), F their harmonic mean.
        """
        both, found, truth = (_squares(a) - a.sum() for a in (self.both, self.found, self.truth))
        if found + truth == 0:
            return 1.0, 1.0, 1.0  # cells of one pixel each, in both: no pair to get wrong
        return 2 * both / (found + truth), _share(both, truth), _share(both, found)

    def information(self):
        """(V_Info, its split part, its merge part) of Arganda-Carreras et al. 2015.

        With shares p = n / (all pixels), the entropy H = -sum p log p and the mutual information
        I = H(S) + H(T) - H(S, T): split = I / H(S), merge = I / H(T), V_Info = I / (H(S) / 2 + H(T) / 2).
        Where there is one cell only, its entropy is 0 and the part counts as 1.
        """
        alone = self.singles / self.n * np.log(self.n)  # n times -(1 / n) * log(1 / n)
        found, both = self._entropy(self.found) + alone, self._entropy(self.both) + alone
        truth = self._entropy(self.truth)
        shared = max(found + truth - both, 0.0)
        return _share(2 * shared, found + truth), _share(shared, found), _share(shared, truth)

    def _entropy(self, counts):
        p = counts / self.n
        return float(-(p * np.log(p)).sum())


def shared_pixels(truth, found):
    """(j, i, how many pixels) of all cells j of the truth and i of the found (0: border) that share some."""
    inside = truth > 0
    t, s = truth[inside].astype(np.int64), found[inside]
    numbers = int(s.max(initial=0)) + 1
    pairs, counts = np.unique(t * numbers + s, return_counts=True)
    return *np.divmod(pairs, numbers), counts


def _present(sizes):
    return sizes[sizes > 0]


def _squares(counts):
    return float(counts @ counts)


def _share(part, whole):
    """part / whole; 1 where there is nothing that could be split or merged."""
    return part / whole if whole > 1e-12 else 1.0
