"""`cyconv bench overhead`, with --write."""

from report import run

from cyconv.bench import overhead

if __name__ == "__main__":
    run(overhead)
