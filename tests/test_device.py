import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from omegaconf import OmegaConf
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cases
from landscape_cli import device
from landscape_cli.architectures.build import build
from landscape_cli.config import CONF
from landscape_cli.errors import LandscapeError

ARCHITECTURES = sorted((CONF / "architecture").glob("*.yaml"))
PRODUCTS: dict[str, Callable[[], object]] = {
    "matrix": lambda: torch.ones(3, 4) @ torch.ones(4, 5),
    "matrix into": lambda: torch.mm(torch.ones(3, 4), torch.ones(4, 5), out=torch.empty(3, 5)),
    "matrices": lambda: torch.einsum("bij,bjk->bik", torch.ones(2, 3, 4), torch.ones(2, 4, 5)),
    "matrices and more": lambda: torch.baddbmm(torch.ones(2, 1, 1), torch.ones(2, 3, 4), torch.ones(2, 4, 5)),
    "linear": lambda: F.linear(torch.ones(2, 7, 4), torch.ones(6, 4), torch.ones(6)),
    "linear without bias": lambda: F.linear(torch.ones(2, 7, 4), torch.ones(6, 4)),
    "convolution": lambda: F.conv2d(torch.ones(2, 3, 9, 9), torch.ones(5, 3, 3, 3), stride=2, padding=1),
    "groups": lambda: F.conv2d(torch.ones(2, 4, 8, 8), torch.ones(6, 2, 3, 3), groups=2),
    "one sample": lambda: F.conv1d(torch.ones(3, 20), torch.ones(5, 3, 3)),
    "transposed": lambda: F.conv_transpose2d(torch.ones(2, 3, 5, 5), torch.ones(3, 4, 3, 3), stride=2),
}


def test_small_work_takes_one_thread_and_large_work_all() -> None:
    model, inputs = nn.Linear(1000, 50), torch.ones(3, 1000)
    operations = device.operations(lambda: model(inputs))
    assert operations == 2 * 3 * 1000 * 50
    torch.set_num_threads(2)
    seen = []
    for batches in (999, 1001):
        with device.enough_threads(operations * batches):
            seen.append(torch.get_num_threads())
        assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert seen == [1, 2]


def flops(run: Callable[[], object]) -> int:
    """What torch counts, with its compiler imported."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_counted_as_torch_counts_them(name: str) -> None:
    assert device.operations(PRODUCTS[name]) == flops(PRODUCTS[name]) > 0


def test_every_architecture_is_under_test() -> None:
    assert len(ARCHITECTURES) == 18


@pytest.mark.parametrize(
    "path", [path for path in ARCHITECTURES if path.stem != "custom"], ids=lambda path: path.stem
)
def test_networks_are_counted_as_torch_counts_them(path: Path) -> None:
    options = OmegaConf.to_container(OmegaConf.load(str(path)))
    assert isinstance(options, dict)
    with torch.device("meta"):  # shapes alone
        normalization = {"name": options.get("normalization") or "none", "groups": 2}
        tokens = path.stem == "transformer"
        shape, vocabulary = ((4,), 9) if tokens else ((3, 32, 32), 0)
        model = build(options, normalization, shape, 10, vocabulary).eval()
        inputs = torch.ones(2, *shape, dtype=torch.int64 if tokens else torch.float32)
        count = device.operations(lambda: model(inputs))
        assert count == flops(lambda: model(inputs)) > 1e4


def test_the_number_of_threads_is_restored_after_a_failure() -> None:
    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), device.enough_threads(1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


@pytest.mark.parametrize("training", [True, False])
def test_images_run_channels_last_and_the_mode_is_kept(training: bool) -> None:
    model = cases.NETWORKS["resnet-batch"]().train(training)
    assert device.memory_format(model, cases.images().inputs) == torch.channels_last
    assert model.training is training
    assert device.memory_format(nn.Linear(3, 2), torch.ones(2, 3)) == torch.contiguous_format


def test_a_failing_network_is_not_taken_for_a_layout() -> None:
    with pytest.raises(RuntimeError, match="expected input"):
        device.memory_format(nn.Conv2d(5, 2, 3), cases.images().inputs)


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(LandscapeError, match=f"device={name} cannot be used here"):
        device.resolve(name)


def test_the_cpu_is_there() -> None:
    assert device.resolve("cpu") == torch.device("cpu")
    assert device.resolve("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_layout_reaches_down_to_the_strides(channels: int, layout: torch.memory_format) -> None:
    for other in (torch.channels_last, torch.contiguous_format):
        inputs = torch.empty(4, channels, 5, 6, memory_format=other).normal_()
        laid_out = device.in_layout(inputs, layout)
        assert torch.equal(laid_out, inputs)
        assert laid_out.stride() == torch.empty(4, channels, 5, 6, memory_format=layout).stride()
        assert (laid_out.data_ptr() == inputs.data_ptr()) == (inputs.stride() == laid_out.stride())


READ = {
    "convolutions": "torch.backends.cudnn.conv.fp32_precision == 'ieee'",
    "recurrent layers": "torch.backends.cudnn.rnn.fp32_precision == 'ieee'",
    "products": "torch.backends.cuda.matmul.fp32_precision == 'ieee'",
    "convolutions, of old": "torch.backends.cudnn.allow_tf32 is False",
    "products, of old": "torch.backends.cuda.matmul.allow_tf32 is False",
    "of old, for all": "torch.get_float32_matmul_precision() == 'highest'",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "before",
    [
        "pass",
        "torch.set_float32_matmul_precision('high')",
        "torch.backends.fp32_precision = 'tf32'",
        "torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True",
        "torch.backends.cudnn.conv.fp32_precision = 'tf32'",
    ],
)
def test_float32_is_exact_whatever_was_set_before_and_whoever_reads_it(before: str) -> None:
    """In a process of its own: torch refuses to read a setting that the other interface has changed."""
    code = f"import torch; from landscape_cli.device import exact_float32\n{before}\nexact_float32()\n"
    code += "\n".join(f"assert {condition}, {name!r}" for name, condition in READ.items())
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def cuda_in_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let CUDA devices be made as on the meta device, and count as there."""
    empty = torch.empty
    monkeypatch.setattr(
        torch, "empty", lambda *shape, device, dtype: empty(*shape, device="meta", dtype=dtype)
    )


def test_a_cuda_device_gets_exact_float32_and_workspaces_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    cuda_in_name(monkeypatch)
    monkeypatch.setattr(device, "exact_float32", lambda: done.append("exact"))
    monkeypatch.setattr(torch.cuda, "set_device", done.append)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    assert device.resolve("cuda:3") == torch.device("cuda:3")
    assert done == ["exact", torch.device("cuda:3")]
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    device.resolve("cuda:3")
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"  # what the user says is kept


@pytest.mark.parametrize(("rank", "expected"), [("0", "cuda:0"), ("1", "cuda:1"), ("5", "cuda:1")])
def test_each_process_of_torchrun_has_a_gpu_of_its_own(
    rank: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("WORLD_SIZE", "6")
    monkeypatch.setenv("LOCAL_RANK", rank)
    assert device.own("auto") == device.own("cuda") == expected
    assert device.own("cuda:1") == "cuda:1"


def test_a_training_on_cuda_is_repeatable_and_leaves_torch_as_it_was() -> None:
    deterministic = torch.are_deterministic_algorithms_enabled
    with device.repeatable(torch.device("cpu")):
        assert not deterministic()
    with pytest.raises(ZeroDivisionError), device.repeatable(torch.device("cuda")):  # noqa: PT012
        assert deterministic()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory
        raise ZeroDivisionError
    assert not deterministic()
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_what_is_sent_arrives() -> None:
    tensor = torch.arange(6).view(2, 3)
    assert torch.equal(device.sent(tensor, torch.device("cpu")), tensor)


def test_what_is_sent_to_cuda_is_pinned_and_not_waited_for() -> None:
    done = []

    class Pinnable:
        def pin_memory(self) -> "Pinnable":
            done.append("pinned")
            return self

        def to(self, where: torch.device, *, non_blocking: bool) -> "Pinnable":
            done.append((str(where), non_blocking))
            return self

    device.sent(Pinnable(), torch.device("cuda:1"))  # type: ignore[arg-type]
    assert done == ["pinned", ("cuda:1", True)]
