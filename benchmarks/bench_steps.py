"""`cyconv bench steps`, with --write."""

from report import run

from cyconv.bench import steps

if __name__ == "__main__":
    run(steps)
