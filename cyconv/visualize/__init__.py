"""Pictures: one function each, and each returns the matplotlib figure, to show or to save.

    figure = cyconv.visualize.history(model.fit(...))
    figure.savefig("history.png")

matplotlib is imported at the first picture; without it the error names the command that installs it.
"""

from ._style import pyplot as require_matplotlib
from .architecture import architecture
from .cells import splits_and_mergers
from .classification import confusion_matrix, mistakes
from .connecting import connections, receptive_field
from .functions import activation_functions, activation_histograms
from .interpretation import effective_field, heat_over_image, projections, superpixels
from .kernels import filters
from .pixels import feature_maps, images, segmentation
from .roofline import roofline
from .training import history
from .worked import working

__all__ = [
    name for name in dir()
    if not name.startswith("_") and callable(globals()[name]) and name != "require_matplotlib"
]  # fmt: skip
