"""`cyconv bench inference`, with --write."""

from report import run

from cyconv.bench import inference

if __name__ == "__main__":
    run(inference)
