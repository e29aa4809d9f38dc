"""`torchrun -m landscape_cli train …`: two processes train what one does.

One launch of torchrun does all jobs, one after the other; the tests ask what came of them.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
import torch
from training.test_loop import CONSTANT, SGD, configured
from training.test_resume import same

import cases
from conftest import carry_out
from landscape_cli import checkpoint
from landscape_cli.data.batches import crop_flip, epoch_batches
from landscape_cli.errors import LandscapeError
from landscape_cli.runs import METRICS, Run
from landscape_cli.training.state import prepare
from landscape_cli.workers.data_parallel import DataParallel

DATA = "dataset.train_size=61 dataset.test_size=20 batch_size=20 epochs=2 checkpoint_every=1 device=cpu"
CNN = "architecture=cnn augment=crop_flip"
BATCH = f"{CNN} normalization=batch"
OWN = "architecture=custom architecture.source=own:Network trust=true"
JOBS = {  # batches of 20, 20 and 21 samples, so that shares differ
    "sgd": "optimizer.weight_decay=0.01 micro_batch=7 l1=0.001 clip_grad_norm=1 stop_at_train_accuracy=0.9",
    "adam": f"{CNN} optimizer=adam schedule=cosine evaluate_every=2 gradient_noise=[1e-6,0.55]",
    "one sample": f"batch_size=1 dataset.train_size=5 {OWN} optimizer.weight_decay=0.1",  # a process has none
    "synchronized": f"{BATCH} sync_batchnorm=true",
    "synchronized parts": f"{BATCH} sync_batchnorm=true micro_batch=7 optimizer.asam=0.5",
    "apart": BATCH,
    "walk": "optimizer=entropy_sgd optimizer.inner_steps=2 optimizer.noise=0.01",
    "dropout": "architecture=cnn architecture.dropout=0.5",
}
SCRIPT = """
import json, os, sys, time
from contextlib import redirect_stderr, redirect_stdout
from landscape_cli import cli
from landscape_cli.errors import LandscapeError
from landscape_cli.training.record import Record
from landscape_cli.workers import processes
cli.GRACE, processes.GRACE = 0, 0.5
rank, outcomes = int(os.environ["RANK"]), {}

def command(name, words):
    with open(f"out.{rank}", "w") as out, open(f"err.{rank}", "w") as err:
        with redirect_stdout(out), redirect_stderr(err):
            sys.argv[1:] = words
            status = cli.main()
    outcomes[name] = [status, open(f"out.{rank}").read(), open(f"err.{rank}").read()]

for name, words in json.load(open("jobs.json")).items():
    command(name, words)

add, words = Record.add, ["train", "epochs=2", "dataset.train_size=61", "batch_size=20"]
def full(self, state, row, *, last):
    add(self, state, row, last=last)
    if state.epoch == 1:
        raise OSError(28, "No space left on device", "metrics.csv")
Record.add = full
command("leader fails", [*words, "out=leader"])
Record.add = add

from landscape_cli.training import loop
per_sample_loss, calls = loop.per_sample_loss, []
def too_large(*arguments):
    calls.append(1)
    if rank == 1 and len(calls) == 2:
        raise LandscapeError("the memory does not suffice")
    return per_sample_loss(*arguments)
loop.per_sample_loss = too_large
command("follower fails", [*words, "out=follower"])
loop.per_sample_loss = per_sample_loss
command("mistake", [*words, "optimizer.lr=-1", "out=mistake"])
json.dump(outcomes, open(f"outcomes.{rank}", "w"))
"""


@dataclass
class Launch:
    folder: Path
    outcomes: list[dict[str, tuple[int, str, str]]]  # of each rank


def words(name: str, out: str) -> list[str]:
    return ["train", *DATA.split(), *JOBS[name].split(), f"out={out}"]


def cut(run: Path, as_: Path, epoch: int = 1) -> None:
    """What a run was at the end of an epoch."""
    shutil.copytree(run, as_)
    for later in Run(as_, {}).epochs():
        if later > epoch:
            Run(as_, {}).checkpoint_path(later).unlink()
    made = json.loads((as_ / "provenance.json").read_text())
    (as_ / "provenance.json").write_text(json.dumps({**made, "end": None}))


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Runs by one process in `one`, by two in `two`; `one-two` began with one and went on with two."""
    folder = tmp_path_factory.mktemp("parallel")
    (folder / "own.py").write_text(
        "import torch\n"
        "class Network(torch.nn.Sequential):\n"
        "    def __init__(self, num_classes):\n"
        "        super().__init__(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))\n"
        "        self.unused = torch.nn.Parameter(torch.ones(3))\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        carry_out(folder, [words(name, f"one/{name}") for name in JOBS])
    cut(folder / "one" / "sgd", folder / "one-two")
    jobs = {name: words(name, f"two/{name}") for name in JOBS}
    jobs |= {"one-two": words("sgd", "one-two"), "again": words("dropout", "again")}
    jobs["finished"] = jobs["again"]
    (folder / "jobs.json").write_text(json.dumps(jobs))
    (folder / "script.py").write_text(SCRIPT)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "script.py"]
    done = subprocess.run(
        [sys.executable, *torchrun], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    outcomes = [json.loads((folder / f"outcomes.{rank}").read_text()) for rank in range(2)]
    for name in jobs:
        assert outcomes[0][name][0] == 0, outcomes[0][name]
    return Launch(folder, outcomes)


def end_of(run: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load(run / "checkpoints" / f"epoch_{Run(run, {}).epochs()[-1]:04d}.pt")["model"]


def distance(one: Path, other: Path) -> float:
    """The largest difference of two runs' last weights and buffers."""
    weights, others = end_of(one), end_of(other)
    assert list(weights) == list(others)  # no prefix
    return max(float((weights[name] - others[name]).abs().max()) for name in weights)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sgd", "adam", "one sample", "synchronized", "synchronized parts"])
def test_two_processes_train_what_one_does(launch: Launch, name: str) -> None:
    one, two = launch.folder / "one" / name, launch.folder / "two" / name
    assert distance(one, two) < 2e-5
    assert Run(one, {}).epochs() == Run(two, {}).epochs()
    for row, other in zip(Run(one, {}).metrics(), Run(two, {}).metrics(), strict=True):
        for column in METRICS[:4]:
            assert other[column] == pytest.approx(row[column], rel=1e-5)
    assert Run(two, {}).finished
    assert [Run(run, {}).provenance()["processes"] for run in (one, two)] == [1, 2]


@pytest.mark.slow
def test_batchnorm_sees_its_share_unless_it_is_synchronized(launch: Launch) -> None:
    assert distance(launch.folder / "one" / "apart", launch.folder / "two" / "apart") > 1e-3
    assert distance(launch.folder / "one" / "apart", launch.folder / "one" / "synchronized") == 0


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(launch: Launch) -> None:
    folder = launch.folder
    assert distance(folder / "one-two", folder / "one" / "sgd") < 2e-5
    cut(folder / "two" / "sgd", folder / "two-one")
    carry_out(folder, [words("sgd", "two-one")])
    assert distance(folder / "two-one", folder / "one" / "sgd") < 2e-5
    assert 0 < distance(folder / "two-one", folder / "two" / "sgd") < 2e-5  # it did go on with one


@pytest.mark.slow
def test_dropout_masks_are_drawn_anew_in_the_same_way(launch: Launch) -> None:
    """Two processes are repeatable to the bit; they draw others than one."""
    ends = [
        checkpoint.load(launch.folder / run / "checkpoints" / "epoch_0002.pt")
        for run in ("two/dropout", "again")
    ]
    assert same(*ends)
    assert distance(launch.folder / "one" / "dropout", launch.folder / "two" / "dropout") > 1e-3


@pytest.mark.slow
def test_a_follower_prints_nothing(launch: Launch) -> None:
    leader, follower = launch.outcomes
    for name, (status, out, err) in follower.items():
        assert (out, err) == ("", ""), name
        assert status == leader[name][0]
    assert "trained: 100 %" in leader["sgd"][2]
    assert leader["sgd"][1] == "two/sgd\n"
    assert "nothing to do" in leader["finished"][1]


@pytest.mark.slow
def test_a_failure_of_one_ends_all_with_one_line(launch: Launch) -> None:
    told = {name: outcome for name, outcome in launch.outcomes[0].items() if outcome[0]}
    assert set(told) == {"leader fails", "follower fails", "mistake"}
    lines = {name: err.splitlines()[-1] for name, (_, _, err) in told.items()}
    assert "No space left on device" in lines["leader fails"]
    assert lines["follower fails"] == "the memory does not suffice (the process of rank 1)"
    assert "optimizer.lr must be" in lines["mistake"]
    for _, out, err in told.values():
        assert out == ""
        assert len([line for line in err.splitlines() if "samples/s" not in line]) == 1
    assert not Run(launch.folder / "follower", {}).finished


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [1, 2, 5, 20, 21])
def test_shares_are_a_batch_each_sample_once(n: int, size: int) -> None:
    shares = [DataParallel(None, rank, size).share(n) for rank in range(size)]  # type: ignore[arg-type]
    own = [torch.arange(n)[place].tolist() for place, _ in shares]
    taken = [samples for samples, (_, weight) in zip(own, shares, strict=True) if weight]
    assert [*chain.from_iterable(taken)] == [*range(n)]
    assert sum(weight for _, weight in shares) == pytest.approx(1)
    for samples, (_, weight) in zip(own, shares, strict=True):
        assert len(samples) >= 1
        assert weight in (0, len(samples) / n)


def test_each_process_draws_its_own_random_numbers_but_the_first() -> None:
    def drawn(rank: int, epoch: int) -> float:
        torch.manual_seed(5)
        DataParallel(None, rank, 3).seed(7, epoch)  # type: ignore[arg-type]
        return float(torch.rand(()))

    torch.manual_seed(5)
    going_on = float(torch.rand(()))
    assert drawn(0, 1) == drawn(0, 2) == going_on
    assert len({drawn(rank, epoch) for rank in (1, 2) for epoch in (1, 2)} | {going_on}) == 5
    assert drawn(1, 1) == drawn(1, 1)


def test_parts_of_a_batch_are_augmented_as_the_batch_is() -> None:
    inputs, zero = torch.randn(7, 2, 8, 8), torch.zeros(2)
    whole = crop_flip(inputs, torch.Generator().manual_seed(1), zero)
    for place in (slice(0, 3), slice(3, 7)):
        generator = torch.Generator().manual_seed(1)
        part = crop_flip(inputs[place], generator, zero, first=place.start, of=7)
        assert torch.equal(part, whole[place])
    assert not torch.equal(crop_flip(inputs[3:], torch.Generator().manual_seed(1), zero), whole[3:])


@pytest.mark.parametrize(
    ("processes", "keys", "least"),
    [(8, {}, 16), (4, {"micro_batch": 4}, 8), (17, {"sync_batchnorm": True}, 17)],
)
def test_batchnorm_needs_enough_samples_in_each_process(
    processes: int, keys: dict[str, object], least: int
) -> None:
    def checked(processes: int, network: str = "resnet-batch") -> None:
        config = configured(batch_size=16, **keys)
        data = cases.dataset(48)
        assert {len(batch) for batch in epoch_batches(48, 16, torch.Generator())} == {16}
        prepare(config, SGD, CONSTANT, cases.NETWORKS[network](), data, processes)

    if least <= 16 and not keys:
        checked(processes)
        processes, least = 9, 18
    with pytest.raises(LandscapeError, match=f"at least {least} samples a forward pass of {processes} proc"):
        checked(processes)
    checked(processes, "cnn")
    checked(1)
