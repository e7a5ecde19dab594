"""`cyconv bench ceiling`, with --write."""

from report import run

from cyconv.bench import ceiling

if __name__ == "__main__":
    run(ceiling)
