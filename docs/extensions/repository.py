"""Links to files and folders of the repository that have no page (code, folders) become plain text."""

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform


class WithoutPage(SphinxTransform):
    default_priority = 1  # before references are resolved and files copied

    def apply(self):
        found = [*self.document.findall(addnodes.pending_xref)]
        found += self.document.findall(addnodes.download_reference)
        for link in (link for link in found if link.get("reftype") == "myst"):
            target = link["reftarget"].split("#")[0]
            if link.get("refdomain") == "doc":
                has_page = target in self.env.found_docs
                there = any(Path(self.env.srcdir).glob(f"{target}.*"))
            else:
                has_page = False
                there = target and Path(self.env.relfn2path(target)[1]).exists()
            if there and not has_page:
                link.replace_self(nodes.inline("", "", *link.children))


def setup(app):
    app.add_transform(WithoutPage)
    return {"parallel_read_safe": True}
