"""Peak memory of a training and of a line of three points, as whole processes, beside the plain loop's.

The package keeps both splits resident as float32, the plain loop the training images alone, as bytes. Of the
plain loop the largest process counts: its workers, which share most of their memory with it, do not.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import arguments, machine
from benchmarks.alternating import table
from benchmarks.whole_process import LANDSCAPE, cost

WRITE = """
import pathlib, sys
import numpy as np
from benchmarks.pictures import pictures
images, labels = pictures(int(sys.argv[1]), pathlib.Path(sys.argv[2]) if sys.argv[2:] else None)
test = len(labels) // 5  # CIFAR-10's proportion
train, test = (images, labels), (images[:test], labels[:test])
arrays = zip(("train_images", "train_labels", "test_images", "test_labels"), (*train, *test), strict=True)
np.savez("data.npz", **dict(arrays))
"""


def commands(images: int) -> dict[str, list[str]]:
    """Return the programs, by what they are called in the table."""
    plain = [sys.executable, "-m", "benchmarks.plain_loop"]
    recipe = ["optimizer.momentum=0.9", "optimizer.nesterov=true", "optimizer.weight_decay=5e-4"]
    network = ["dataset=custom", "dataset.source=data.npz", "architecture=resnet20"]
    train = [*LANDSCAPE, "train", *network, *recipe, "augment=crop_flip", "batch_size=128", "epochs=1"]
    line = [*LANDSCAPE, "surface", "run=run", "splits=[train]", "y=null", "x=[-1,1,3]"]
    return {
        "training, plain loop": [*plain, "train", "data.npz", str(images)],
        "training, `landscape train`, fp32": [*train, "out=run"],
        "training, `landscape train`, bf16": [*train, "precision=bf16", "out=run_bf16"],
        "line, plain loop": [*plain, "line", "data.npz", str(images)],
        "line, `landscape surface`, fp32": [*line, "out=line.h5"],
        "line, `landscape surface`, bf16": [*line, "precision=bf16", "out=line_bf16.h5"],
        '`python -c "import torch"`': [sys.executable, "-c", "import torch"],
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    arguments.add_images(parser, images=50_000)
    asked = parser.parse_args()
    print(f"# Peak memory, ResNet-20, {asked.images:,} training images\n\n{machine.described()}")
    as_bytes, both = asked.images * 3072 / 2**20, asked.images * 6 // 5 * 3072 * 4 / 2**20
    print(f"- the training images are {as_bytes:.0f} MiB as bytes, both splits {both:.0f} MiB as float32\n")
    data = [str(asked.data.resolve())] if asked.data else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost([sys.executable, "-c", WRITE, str(asked.images), *data], folder)
        rows = [
            [told, f"{cost(words, folder).mebibytes:,.0f}"] for told, words in commands(asked.images).items()
        ]
    print(table(["one run of each", "peak memory, MiB"], rows))


if __name__ == "__main__":
    main()
