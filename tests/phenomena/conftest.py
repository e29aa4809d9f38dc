"""A lab over tiny runs, in a folder that the tests of a module share: no command does its work twice."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from landscape_cli.commands.reproduce import command
from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.reproduction.lab import Lab
from landscape_cli.schemas.reproduction import ReproduceConfig

MakeLab = Callable[..., Lab]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> MakeLab:
    """`lab({"mlp": ["dataset=digits", "epochs=1"]}, seed=1)` is a lab with these runs trained.

    `words=`, as in a `Scale`, are those that commands get first.
    """
    config = ReproduceConfig(
        id="made", device="cpu", outputs_dir=str(tmp_path_factory.mktemp("outputs").resolve())
    )
    work = partial(command, config)
    done: dict[tuple[str, ...], Path] = {}

    def once(name: str, words: list[str]) -> Path:
        if (name, *words) not in done:
            done[name, *words] = work(name, words)
        return done[name, *words]

    def make(
        runs: Mapping[str, list[str]], seed: int = 0, words: Mapping[str, list[str]] | None = None
    ) -> Lab:
        made = Lab(Scale(runs=runs, words=words or {}), seed, once, "cpu", config.dataset)
        made.train()
        return made

    return make
