"""Docstrings for Sphinx. Those of cyconv are plain text, as `help()` shows it: sentences; lines that explain
a name ("filters: output channels."); formulas and examples, set in by four spaces; `code`.
"""

import re

from sphinx.util.rst import escape

# "filters: ", "kernel_size, strides: ", "Returns: " begin a line of their own, also after a full stop.
NAMES = r"\*{0,2}[A-Za-z_]\w*(?:, \*{0,2}(?:[A-Za-z_]\w*|\.\.\.))*"
NAMED = re.compile(rf"({NAMES}):(?: |$)")
NEXT = re.compile(rf"(?<=\.) (?={NAMES}: )")


def pieces(docstring):
    """("text", its lines joined where a sentence goes on) and ("literal", lines), in turn."""
    for paragraph in docstring.split("\n\n"):
        kind, lines = "text", []
        for line in paragraph.splitlines():
            before = lines[-1] if lines else ":"
            set_in = line.startswith("    ") and not NAMED.match(line.strip())
            if set_in and (kind == "literal" or before.endswith(":")):
                if kind == "text":
                    yield kind, lines
                    kind, lines = "literal", []
                lines.append(line)
                continue
            if kind == "literal":
                yield kind, lines
                kind, lines, before = "text", [], ""
            line = line.strip()
            sentence = NAMED.match(before) and before.endswith(".") and line[:1].isupper()
            if lines and not NAMED.match(line) and not sentence:
                lines[-1] += " " + line
            else:
                lines.append(line)
        yield kind, lines


def marked_up(line):
    """A line in reStructuredText: the name that it explains strong, `code` as code, the rest as it stands."""
    name = NAMED.match(line)[1] if NAMED.match(line) else ""
    parts = re.split(r"`([^`]+)`", line[len(name) :])
    text = "".join(f"\\ ``{part}``\\ " if i % 2 else escape(part) for i, part in enumerate(parts))
    return (f"**{escape(name)}**\\ " if name else "") + text.strip()


def converted(docstring):
    """A docstring in reStructuredText, as lines."""
    out = []
    for kind, lines in pieces(docstring):
        if kind == "text" and any(map(NAMED.match, lines)):
            lines = [part for line in lines if line != "Arguments:" for part in NEXT.split(line)]
        if kind == "literal":
            out += ["::", "", *lines, ""]
        elif len(lines) == 1:
            out += [marked_up(lines[0]), ""]
        else:
            out += [*("| " + marked_up(line) for line in lines), ""]
    return out


def setup(app):
    def convert(app, what, name, thing, options, lines):
        lines[:] = converted("\n".join(lines).strip("\n"))

    app.connect("autodoc-process-docstring", convert)
    return {"parallel_read_safe": True}
