"""`cyconv bench threads`, with --write."""

from report import run

from cyconv.bench import threads

if __name__ == "__main__":
    run(threads)
