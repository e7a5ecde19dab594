"""The report of a comparison, on a page and in JSON; the command `cyconv compare`; what is refused."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from comparisons import batch, broken, compared, small

import cyconv as keras
from cyconv import cli, layers
from cyconv.compare.variants import parse

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).resolve().parents[1]


# The report -------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Checks that elements close in order; collects tags, text and what would be loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.words, self.outside = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.outside += [v for k, v in attributes if k in ("href", "src", "data", "xlink:href", "action")]
        if tag not in ("meta", "br", "hr", "img", "link", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


def test_the_page_is_whole_and_loads_nothing(register, tmp_path):
    register("broken", broken("max_pool", 1))
    result = compared(names=("reference", "cpu", "broken"), seconds=0.01, up_to=4)
    path = tmp_path / "report.html"
    result.to_html(path)
    text = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert reader.open == [] and reader.outside == [] and "link" not in reader.tags
    assert "script" not in reader.tags and "@import" not in text
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}, (
        "a name, not a place"
    )
    assert "url(" not in text
    words = " ".join(reader.words)
    for layer in ("first", "pool", "classes"):
        assert layer in words
    assert "OVER TOLERANCE" in words and str(result.over[0]) in words and "@media print" in text
    figures = text.count("<figure>")
    assert figures == 3, "differences, times, crossings"
    for number in re.findall(r' (?:cx|cy|x|y|x1|y1)="([^"]*)"', text):
        assert -50 <= float(number) < 3000


def test_names_are_not_markup(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="<b>&")], name="a<script>")
    result = keras.compare_backends(
        model, np.ones((2, 4), np.float32), backends=["reference", "cpu"], seconds=0
    )
    result.to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<script" not in text and "<b>" not in text and "&lt;b&gt;&amp;" in text


def keys(value, path=""):
    """The keys of nested JSON values, lists entered at their first element."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}{key}"
            yield from keys(inner, f"{path}{key}.")
    elif isinstance(value, list) and value:
        yield from keys(value[0], f"{path}")


def test_the_numbers_in_json_have_the_keys_that_the_documentation_tells(register, tmp_path):
    register("broken", broken("max_pool", 1))
    result = compared(names=("reference", "broken"), seconds=0.01, up_to=2)
    result.to_json(tmp_path / "numbers.json")
    read = json.loads((tmp_path / "numbers.json").read_text())
    assert read == json.loads(json.dumps(result.to_dict())) and read["schema"] == "cyconv.compare/1"
    table = (ROOT / "docs" / "compare.md").read_text().split("<!-- keys -->")[1]
    documented = set(re.findall(r"^\| `([\w.<>]+)` \|", table, re.M))
    found = set(keys({**read, "layers": read["layers"][1:], "whole": read["whole"][1:]}))
    places = r"(curve\.milliseconds)\.(reference|broken)"
    assert {re.sub(places, r"\1.<backend>", key) for key in found} == documented
    assert read["over"][0]["layer"] == "pool" and read["over"][0]["over"] is True
    entry = next(e for e in read["layers"] if e["layer"] == "pool" and e["backend"] == "broken")
    assert entry["differences"]["forward"][0]["relative"] == result.over[0].difference.relative


# The command, and what is refused ---------------------------------------------------------------------------


def test_the_command(tmp_path, capsys):
    page, numbers = tmp_path / "page.html", tmp_path / "numbers.json"
    command = ["compare", "--network", "tiny", "--batch", "4", "--backends", "reference,cpu,cpu:naive"]
    files = ["--html", str(page), "--json", str(numbers)]
    status = cli.main([*command, "--seconds", "0.01", "--up-to", "2", *files])
    shown = capsys.readouterr().out
    assert status == 0 and "All layers are within tolerance." in shown and f"wrote {page}" in shown
    assert page.read_text().startswith("<!DOCTYPE html>") and json.loads(numbers.read_text())["over"] == []
    status = cli.main(
        ["compare", "--network", "tiny", "--batch", "2", "--seconds", "0", "--tolerance", "1e-12"]
    )
    shown = capsys.readouterr().out
    assert status == 1 and "OVER TOLERANCE" in shown and "the difference is made in that layer" in shown


def test_the_command_reads_a_model(tmp_path, capsys):
    model = small()
    model.save(tmp_path / "net.safetensors")
    command = ["compare", "--seconds", "0", "--model", str(tmp_path / "net.safetensors")]
    assert cli.main(command) == 0 and "second" in capsys.readouterr().out
    free = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3), layers.GlobalMaxPooling2D()])
    free.save(tmp_path / "free.safetensors")
    assert cli.main(["compare", "--model", str(tmp_path / "free.safetensors")]) == 1
    assert "takes any size" in capsys.readouterr().err
    assert cli.main(["compare", "--model", str(tmp_path / "none.keras")]) == 1
    assert "none.keras" in capsys.readouterr().err
    assert cli.main(["compare", "--network", "tiny", "--backends", "cpu,cpu:winogard"]) == 1
    assert "nearest: winograd" in capsys.readouterr().err


@pytest.mark.parametrize("names, says", [
    (["reference", "gpus"], "unknown backend 'gpus'"),
    (["cpi", "reference"], "nearest: cpu"),
    (["cpu", "cpu:winogard"], "unknown option 'winogard'; nearest: winograd"),
    (["cpu", "cpu:avx1024"], "unknown option 'avx1024'; nearest: avx"),
    (["cpu", "cpu:naive:direct"], "two kinds of algorithm: naive and direct"),
    (["cpu", "cpu:threads=0"], "whole number of at least 1"),
    (["cpu", "reference:winograd"], "takes no options"),
    (["cpu"], "two names at least"),
    (["cpu", "cpu"], "names 'cpu' twice"),
])  # fmt: skip
def test_names_that_are_refused(names, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        keras.compare_backends(small(), batch()[0], backends=names)


def test_what_else_is_refused():
    x, y = batch()
    with pytest.raises(TypeError, match="a list of names"):
        keras.compare_backends(small(), x, backends="cpu")
    with pytest.raises(TypeError, match="'cpu' or 'cpu:winograd'"):
        parse(3)
    with pytest.raises(TypeError, match="takes a Model"):
        keras.compare_backends(layers.Dense(3), x)
    with pytest.raises(ValueError, match="has no weights yet"):
        keras.compare_backends(keras.Sequential([layers.Flatten(), layers.Dense(2)]), x)
    with pytest.raises(ValueError, match="not compiled"):
        keras.compare_backends(small(), x, y)
    with pytest.raises(ValueError, match=r"takes arrays of shape \(None, 8, 8, 2\)"):
        keras.compare_backends(small(), x[..., :1])
    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="6 samples"):
        keras.compare_backends(model, x, y[:3])
