"""`cyconv bench training`, with --write."""

from report import run

from cyconv.bench import training

if __name__ == "__main__":
    run(training)
