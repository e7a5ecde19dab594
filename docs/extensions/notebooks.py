"""A demo, a script in cells, as the notebook that MyST-NB renders."""

import jupytext


def read(text):
    notebook = jupytext.reads(text, "py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook
