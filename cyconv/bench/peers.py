"""Which frameworks are beside cyconv, and how they are asked."""

from contextlib import contextmanager
from importlib import metadata

from . import duration, machine
from .nets import NETS


def installed(distribution):
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def network_arguments(parser):
    """The options of a benchmark of networks."""
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--seconds", type=duration, default=5.0, help="of timing a network (%(default)s)")
    machine.thread_argument(parser)
    parser.add_argument("--compile", action="store_true", help="also torch.compile, which takes minutes")


def network_title(what, options):
    """The title of its table, with the networks where it is not all of them."""
    chosen = "" if options.nets == list(NETS) else f" of {', '.join(options.nets)}"
    return f"{what}{chosen}, threads: {options.threads}"


def torch_modes(options):
    """PyTorch's ways that are timed."""
    modes = ["eager", "channels_last", *(["compile"] if options.compile else [])]
    return modes if installed("torch") else []


@contextmanager
def on_threads(count):
    """Within it, cyconv and PyTorch use `count` threads."""
    with machine.at(threads=count):
        if not installed("torch"):
            yield
            return
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)
