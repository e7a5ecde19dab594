"""The site that `make docs` builds. Its sources are where they are read on the web as well: the folder above.

The demos run as it is built; their output and pictures become part of their pages.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "cyconv"
author = "the cyconv authors"
release = re.search(r'__version__ = "(.+)"', (HERE.parent / "cyconv" / "__init__.py").read_text())[1]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton", "docstrings", "gallery", "repository"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md", "docs/api/*.rst", "demos/README.md", "demos/[0-9]*.py", "benchmarks/results/*.md",
    "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md",
]  # fmt: skip
nitpicky = True  # a reference that leads nowhere is a warning, and with -W an error
nitpick_ignore = [("py:class", "numpy.ndarray")]

# Scripts in cells are read as notebooks.
nb_custom_formats = {".py": "notebooks.read"}
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 1800
nb_merge_streams = True
myst_heading_anchors = 3  # links to headings, as GitHub has them
myst_enable_extensions = ["colon_fence", "dollarmath"]

autodoc_member_order = "bysource"
add_module_names = False
toc_object_entries_show_parents = "hide"
smartquotes = False

html_theme = "furo"
html_title = "cyconv"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["front"]  # /index.html, which leads to docs/
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
