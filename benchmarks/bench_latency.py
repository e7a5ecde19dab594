"""`cyconv bench latency`, with --write."""

from report import run

from cyconv.bench import latency

if __name__ == "__main__":
    run(latency)
