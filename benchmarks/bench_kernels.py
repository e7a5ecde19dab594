"""`cyconv bench kernels`, with --write."""

from report import run

from cyconv.bench import kernels

if __name__ == "__main__":
    run(kernels)
