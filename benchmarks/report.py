"""What every benchmark's table carries: the CPU's name and the date."""

import datetime
import platform
from pathlib import Path


def cpu_name():
    """The processor's name, as the system tells it, and its cores in use."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def save(name, lines, folder):
    """Writes the lines to <folder>/<date>-<name>.md; returns the path."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    path = folder / f"{datetime.date.today().isoformat()}-{name}.md"
    path.write_text(f"# {name}\n\n" + "\n".join(lines) + "\n")
    return path
