"""The documentation says what is true of the code, as far as a program can tell."""

import re
from pathlib import Path

import pytest

import cyconv as keras

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DIFFERENCES = (ROOT / "docs" / "differences-from-keras.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


def test_what_is_said_not_to_be_there_is_not_there():
    missing = re.findall(r"- \*\*(\w+)\*\*: ([^;(]*?)[.;(]", DIFFERENCES.split("## What is not there")[1])
    assert len(missing) == 9
    for room, names in missing:
        place = {"Model": keras.Model, "Modules": keras}.get(room) or getattr(keras, room.lower())
        for name in re.findall(r"`(\w+)`", names):
            assert not hasattr(place, name), f"{room}: {name} is there"


def test_layers_said_to_be_only_here_are_here():
    names = re.search(r"- \*\*(.*?)\*\* exist only here", DIFFERENCES)[1]
    assert all(hasattr(keras.layers, name) for name in re.findall(r"`(\w+)`", names))
