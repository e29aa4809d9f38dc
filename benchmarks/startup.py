"""How long commands that compute nothing take, as whole processes; `import torch` beside them for scale."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import arguments, machine
from benchmarks.alternating import alternate, spread, table
from benchmarks.whole_process import LANDSCAPE, cost


def main() -> None:
    """Print the table."""
    asked = arguments.parser(__doc__, rounds=5).parse_args()
    print(f"# Start-up\n\n{machine.described()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost([*LANDSCAPE, "train", "batch_size=full", "epochs=1", "out=run"], folder)
        cost([*LANDSCAPE, "surface", "run=run", "y=null", "x=[-1,1,21]", "out=line.h5"], folder)
        commands = {
            "landscape --help": [*LANDSCAPE, "--help"],
            "landscape train --help": [*LANDSCAPE, "train", "--help"],
            "landscape list": [*LANDSCAPE, "list"],
            "landscape plot, a line": [*LANDSCAPE, "plot", "file=line.h5", "out=line.png"],
            'python -c "import torch"': [sys.executable, "-c", "import torch"],
        }
        turns = {told: partial(cost, words, folder) for told, words in commands.items()}
        costs = alternate(turns, asked.rounds)
    rows = [
        [
            f"`{told}`",
            spread([one.seconds for one in found], ".3f"),
            spread([one.mebibytes for one in found], ".0f"),
        ]
        for told, found in costs.items()
    ]
    print(table(["command", "seconds", "peak memory, MiB"], rows))


if __name__ == "__main__":
    main()
