"""The arrows of ARCHITECTURE.md against the imports of the code: what is not on the map is refused."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "cyconv"


def room(module):
    """The room of a dotted module inside cyconv: its first one or two names."""
    parts = module.split(".")
    if parts[0] == "backends" and len(parts) > 1:
        return "backends." + parts[1]
    return parts[0] or "cyconv"


def map_of_arrows():
    """{room: rooms it may import}, from the table in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text.split("<!-- arrows -->")[1]
    rows = re.findall(r"^\| `([\w.]+)` \|([^|]*)\|", table, re.M)
    return {name: set(re.findall(r"`([\w.]+)`", targets)) for name, targets in rows}


def modules():
    """(dotted name inside cyconv, path) of every Python file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        dotted = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        yield dotted.removesuffix("__init__").rstrip("."), path


def imports(dotted, path):
    """The modules inside cyconv that a file imports, wherever in the file."""
    package = dotted.split(".") if path.name == "__init__.py" else dotted.split(".")[:-1]
    package = [p for p in package if p]
    names = {d for d, _ in modules()} | {"_native.engine"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "cyconv":
                    yield ".".join(alias.name.split(".")[1:])
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
            elif (node.module or "").split(".")[0] == "cyconv":
                base = []
            else:
                continue
            module = (node.module or "").removeprefix("cyconv").lstrip(".")
            base = [*base, *module.split(".")] if module else base
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                yield whole if whole in names else ".".join(base)


def test_every_import_is_an_arrow_on_the_map():
    allowed, wrong = map_of_arrows(), []
    for dotted, path in modules():
        here = room(dotted)
        assert here in allowed, f"{path.relative_to(ROOT)}: the room `{here}` is not on the map"
        for target in imports(dotted, path):
            there = room(target)
            if there != here and there not in allowed[here]:
                wrong.append(f"{path.relative_to(ROOT)} imports `{there}`: no arrow from `{here}`")
    assert not wrong, "\n".join(wrong)


def test_every_arrow_on_the_map_is_walked():
    """The map shows what is, not what was: an arrow that nothing uses is out of date."""
    walked = {}
    for dotted, path in modules():
        walked.setdefault(room(dotted), set()).update(room(t) for t in imports(dotted, path))
    for here, targets in map_of_arrows().items():
        unused = targets - walked.get(here, set()) - {here}
        assert not unused, f"no import from `{here}` to {unused}"


def test_arrows_run_downwards_only():
    """The rows stand from the street to the ground: an arrow may only point to a later row."""
    order = list(map_of_arrows())
    for i, here in enumerate(order):
        for target in map_of_arrows()[here]:
            assert order.index(target) > i, f"`{here}` -> `{target}` points upwards"


def test_foreign_imports_stay_in_their_rooms():
    """cupy and cudnn in backends.gpu alone; the C engine behind the cpu backend; matplotlib nowhere early."""
    rules = {
        "cudnn": {"backends.gpu"},
        "cupy": {"backends.gpu"},
        "matplotlib": {"visualize", "demos", "cli"},
        "skimage": {"interpret"},
        "sklearn": {"datasets", "cli", "interpret"},
        "torch": {"bench"},
        "onnxruntime": {"bench"},
        "openvino": {"bench"},
    }
    for dotted, path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name.split(".")[0] for a in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [(node.module or "").split(".")[0]]
            for name in set(names) & set(rules):
                assert room(dotted) in rules[name], f"{path.relative_to(ROOT)} imports {name}"


def test_the_map_is_short_and_names_every_folder():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert len(text.splitlines()) <= 150
    for folder in ("src_c/", "tests/", "docs/", "demos/", "benchmarks/", "cyconv/"):
        assert folder in text


def test_kernels_know_no_python():
    for path in (ROOT / "src_c").rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert "Python.h" not in text and "numpy" not in text.lower(), path.name
