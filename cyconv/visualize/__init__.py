"""Pictures: one function each, and each returns the matplotlib figure, to show or to save.

    figure = cyconv.visualize.history(model.fit(...))
    figure.savefig("history.png")

matplotlib is imported at the first picture; without it the error names the command that installs it.
"""

from ._style import pyplot as require_matplotlib
from .classification import confusion_matrix, mistakes
from .kernels import filters
from .roofline import roofline
from .training import history
