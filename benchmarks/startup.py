"""How long small commands take, as whole processes, and how much of that is more than `import torch`."""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import arguments, machine
from benchmarks.alternating import alternate, spread, table
from benchmarks.whole_process import LANDSCAPE, Cost, cost

TORCH = 'python -c "import torch"'
PLAIN = {  # without torch
    "landscape --help": ["--help"],
    "landscape train --help": ["train", "--help"],
    "landscape list": ["list"],
    "landscape plot, a line": ["plot", "file=line.h5", "out=new.png"],
    "landscape plot, a plane": ["plot", "file=plane.h5", "out=new.png"],
    "landscape plot, a page": ["plot", "file=plane.h5", "out=new.html"],
}
SMALL = {
    "landscape train, an epoch": ["train", "batch_size=full", "epochs=1", "out=new"],
    "landscape surface, 5 points": ["surface", "run=run", "y=null", "x=[-1,1,5]", "out=new"],
    "landscape interpolate, 5 points": [
        "interpolate",
        "from_run=run",
        "to_run=run",
        "alpha=[0,1,5]",
        "out=new",
    ],
    "landscape hessian, a point": ["hessian", "run=run", "x=null", "y=null", "out=new"],
}


def main() -> None:
    """Print the table."""
    asked = arguments.parser(__doc__, rounds=5).parse_args()
    print(f"# Start-up\n\n{machine.described()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for words in (
            ["train", "batch_size=full", "epochs=1", "out=run"],
            ["surface", "run=run", "y=null", "x=[-1,1,21]", "out=line.h5"],
            ["surface", "run=run", "x=[-1,1,9]", "y=[-1,1,9]", "out=plane.h5"],
        ):
            cost([*LANDSCAPE, *words], folder)
        turns = {TORCH: partial(cost, [sys.executable, "-c", "import torch"], folder)}
        turns |= {told: partial(anew, words, folder) for told, words in (PLAIN | SMALL).items()}
        costs = alternate(turns, asked.rounds)
    rows = []
    for told, found in costs.items():
        pairs = list(zip(found, costs[TORCH], strict=True))
        over = [one.seconds - torch.seconds for one, torch in pairs]
        busy = [one.processor - torch.processor for one, torch in pairs]
        row = [f"`{told}`", spread([one.seconds for one in found], ".2f")]
        row += [spread(values, ".2f") if told in SMALL else "" for values in (over, busy)]
        rows.append(
            [
                *row,
                spread([one.processor for one in found], ".2f"),
                spread([one.mebibytes for one in found], ".0f"),
            ]
        )
    head = [
        "command",
        "seconds",
        "over torch",
        "over torch, processor",
        "processor seconds",
        "peak memory, MiB",
    ]
    print(table(head, rows))


def anew(words: list[str], folder: Path) -> Cost:
    """Return what a command costs that has written nothing yet."""
    for path in folder.glob("new*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return cost([*LANDSCAPE, *words], folder)


if __name__ == "__main__":
    main()
