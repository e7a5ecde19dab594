"""`cyconv bench memory`, with --write."""

from report import run

from cyconv.bench import memory

if __name__ == "__main__":
    run(memory)
