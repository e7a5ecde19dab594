"""`cyconv bench networks`: training, then inference."""

from . import inference, peers, training


def arguments(parser):
    peers.network_arguments(parser)


def title(options):
    return f"Networks, threads: {options.threads}"


def report(options):
    for part in (training, inference):
        yield f"### {part.title(options)}"
        yield ""
        yield from part.report(options)
        yield ""
