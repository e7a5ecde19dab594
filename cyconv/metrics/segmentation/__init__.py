"""How well cells are told apart: the scores of the ISBI 2012 challenge, on plain arrays.

    from cyconv.metrics import segmentation

    print(segmentation.scores(truth, model.predict(x)[..., 0]))

A section is (H, W), a stack (N, H, W). The truth is 1 inside cells and 0 on the borders between them; a
prediction is the probability of 1, or a segmentation of 0 and 1. A pixel above the threshold is inside. Each
score is averaged over the sections at every threshold; then the best threshold counts, as in the challenge.

docs/segmentation-scores.md works each one out by hand.

Sources: Arganda-Carreras et al. 2015, "Crowdsourcing the creation of image segmentation algorithms for
connectomics"; Jain et al. 2010, "Boundary learning by optimization with topological constraints".
"""

from .labelling import label_cells, thin_borders
from .mistakes import FATES, Mistakes, mistakes
from .overlaps import Overlap
from .scoring import (
    THRESHOLDS, Score, Scores, pixel_error, rand_error, scores, v_info, v_rand, warping_error,
)  # fmt: skip
from .warping import warp

__all__ = ["FATES", "THRESHOLDS", "Mistakes", "Overlap", "Score", "Scores", "label_cells", "mistakes",
           "pixel_error", "rand_error", "scores", "thin_borders", "v_info", "v_rand", "warp",
           "warping_error"]  # fmt: skip
