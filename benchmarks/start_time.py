"""How long ``coach --help`` takes, against the ``--help`` of a bare Typer program.

    python benchmarks/start_time.py [RUNS]

Both are started in turns, each RUNS times (default 25), so that other work on the machine hits both alike. The median
of the ratios of neighbouring runs must not be above 2: the exit code says so.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

MOST = 2.0
COACH = "from coach.cli.app import main; main()"
BARE = """
import typer

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def submit(file: str) -> None:
    "Do nothing."


@app.command()
def questions() -> None:
    "Do nothing."


app()
"""


def seconds(code: str, folder: str) -> float:
    """Return the wall time of one ``--help``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, "--help"], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> int:
    """Print the medians; return 1 when the ratio is above the limit."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as folder:
        # The first runs read and compile files that later ones find ready.
        for code in (COACH, BARE):
            seconds(code, folder)
        pairs = [(seconds(COACH, folder), seconds(BARE, folder)) for _ in range(runs)]
    coach = statistics.median(first for first, _ in pairs)
    bare = statistics.median(second for _, second in pairs)
    ratio = statistics.median(first / second for first, second in pairs)
    print(f"coach --help {1000 * coach:.0f} ms, bare Typer program {1000 * bare:.0f} ms (medians of {runs} runs)")
    print(f"median ratio {ratio:.2f}, at most {MOST:.0f} is wanted")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
