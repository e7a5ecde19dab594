"""The directive `gallery`: a card for every demo, with the first picture that it drew and its title."""

from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)


class gallery(nodes.General, nodes.Element):
    """Where the cards come, once all demos have been read."""


class Gallery(SphinxDirective):
    def run(self):
        return [gallery()]


def card(app, page, demo):
    link = nodes.reference("", "", internal=True, refuri=app.builder.get_relative_uri(page, demo))
    picture = next(app.env.get_doctree(demo).findall(nodes.image), None)
    if picture is not None:
        picture = picture.deepcopy()
        picture["alt"] = ""
        link += picture
    if app.config.nb_execution_mode != "off":
        saved = Path(app.env.doc2path(demo)).read_text().count(".savefig(")
        shown = len(list(app.env.get_doctree(demo).findall(nodes.image)))
        if shown < saved:
            logger.warning("%s saves %d pictures, and its page shows %d", demo, saved, shown)
    link += nodes.inline("", app.env.titles[demo].astext())
    return nodes.paragraph("", "", link, classes=["card"])


def fill(app, doctree, page):
    demos = sorted(name for name in app.env.found_docs if name.startswith("demos/") and name[6].isdigit())
    for place in doctree.findall(gallery):
        place.replace_self(nodes.container("", *(card(app, page, d) for d in demos), classes=["gallery"]))


def setup(app):
    app.add_node(gallery)
    app.add_directive("gallery", Gallery)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
