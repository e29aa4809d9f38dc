import pytest
import torch
from torch import nn

import cases
from landscape_cli import device
from landscape_cli.errors import LandscapeError


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
