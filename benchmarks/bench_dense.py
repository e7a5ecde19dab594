"""`cyconv bench dense`, with --write."""

from report import run

from cyconv.bench import dense

if __name__ == "__main__":
    run(dense)
