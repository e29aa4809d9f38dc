"""The options that the benchmarks share."""

import argparse
from pathlib import Path


def parser(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Return a parser of `--rounds`."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--rounds", type=int, default=rounds, help="turns of each contestant (%(default)s)")
    return made


def add_images(to: argparse.ArgumentParser, *, images: int) -> None:
    """Add `--images` and `--data`."""
    to.add_argument("--images", type=int, default=images, help="training images (%(default)s)")
    to.add_argument(
        "--data",
        type=Path,
        help=".npz with train_images (n, 32, 32, 3) and train_labels; default: random bytes",
    )


def add_networks(to: argparse.ArgumentParser, *networks: str) -> None:
    """Add `--networks`."""
    shown = " ".join(networks)
    to.add_argument("--networks", nargs="+", default=list(networks), help=f"architectures ({shown})")
