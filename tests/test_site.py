"""The site of `make docs`: whole, without a warning, without a dead link. The demos do not run here (that is
test_demos.py), so it is built in seconds.
"""

import importlib
import os
import re
import subprocess
import sys
import types
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import cyconv

pytest.importorskip("sphinx", reason='the site needs pip install "cyconv[docs]"')
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site built anew, warnings being errors."""
    folder = tmp_path_factory.mktemp("site")
    build = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-D", "nb_execution_mode=off",
         "-c", "docs", "-d", folder / "doctrees", ".", folder / "html"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert build.returncode == 0, build.stderr
    return folder / "html"


class Page(HTMLParser):
    """The links, the anchors and the text of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.text = [], set(), ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]
        self.anchors |= {attributes.get("id"), attributes.get("name")}

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_link_leads_somewhere(site, pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:  # outside: well formed is all that can be said here
                good = parts.scheme in ("data", "mailto") or parts.scheme == "https" and "." in parts.netloc
            else:
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                anchor = unquote(parts.fragment)
                good = target.is_file() and (not anchor or anchor in pages[target].anchors)
            if not good:
                dead.append(f"{path.relative_to(site)}: {link}")
    assert len(pages) > 50 and not dead, "\n".join(dead)


def test_nothing_is_fetched_from_elsewhere(pages):
    """Scripts, styles and pictures come with the site: it reads the same without a network."""
    for path in pages:
        for tag in re.findall(r"<(?:script|link|img)\b[^>]*>", path.read_text()):
            assert "//" not in tag, f"{path.name}: {tag}"


def test_every_demo_and_every_page_is_on_the_front_page(site, pages):
    front = site / "docs/index.html"
    linked = {(front.parent / urlsplit(link).path).resolve() for link in pages[front].links}
    patterns = ("demos/[0-9]*.py", "docs/*.md", "docs/api/*.rst", "benchmarks/results/*.md", "[AC]*.md")
    sources = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert len(sources) > 40
    for source in sources:
        page = site / source.relative_to(ROOT).with_suffix(".html")
        assert page in pages and (page in linked or page == front), source
    assert front.read_text().count('<p class="card">') == len(list(ROOT.glob("demos/[0-9]*.py")))


def public(module):
    """The public names of a module, without the modules among them."""
    return [name for name in module.__all__ if not isinstance(getattr(module, name), types.ModuleType)]


ROOMS = [n for n in cyconv.__all__ if isinstance(getattr(cyconv, n), types.ModuleType)] + [*cyconv.LATER]
MODULES = {*ROOMS, "preprocessing.image", "metrics.segmentation"} - {"preprocessing"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_public_name_is_in_the_reference(name, site, pages):
    """As an entry of its own; or, where it is another name of something, written out on its module's page."""
    path = site / f"docs/api/{name}.html"
    codes = re.findall(r"<code.*?>(.*?)</code>", path.read_text(), re.DOTALL)
    words = {re.sub("<.*?>", "", code) for code in codes}
    module = importlib.import_module(f"cyconv.{name}")
    for word in public(module):
        assert f"cyconv.{name}.{word}" in pages[path].anchors or word in words, word
    if name == "datasets":
        sets = set(module.__all__) - set(public(module))
        assert {f"cyconv.datasets.{s}.load_data" for s in sets} <= pages[path].anchors and len(sets) >= 4


def test_the_names_at_the_top_are_in_the_reference(pages):
    anchors = set().union(*(page.anchors for page in pages.values()))
    for name in public(cyconv):
        assert any(f"cyconv.{room}{name}" in anchors for room in ("", *(f"{r}." for r in ROOMS))), name
