"""Files of Transformers under the names of its classes."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from landscape_cli.weights.converted import converted

transformers = pytest.importorskip("transformers")


def made(seed: int) -> nn.Module:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    torch.manual_seed(seed)
    config = transformers.ViTConfig(num_labels=3, image_size=8, patch_size=4, **sizes)
    model: nn.Module = transformers.ViTForImageClassification(config)
    return model


@pytest.fixture
def written(tmp_path: Path) -> dict[str, torch.Tensor]:
    made(1).save_pretrained(tmp_path)  # type: ignore[operator]
    return load_file(tmp_path / "model.safetensors")


def test_what_a_model_wrote_is_read_under_its_own_names(
    written: dict[str, torch.Tensor], capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    found = converted(made(2), written)
    assert found is not None
    expected = made(1).state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["missing", "unexpected", "of another shape"])
def test_other_weights_are_none(
    written: dict[str, torch.Tensor], kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    if kind == "missing":
        del written["classifier.bias"]
    else:
        written["more" if kind == "unexpected" else "classifier.bias"] = torch.ones(7)
    assert converted(made(2), written) is None
    assert capfd.readouterr().err == ""


def test_another_kind_of_model_is_left_alone(written: dict[str, torch.Tensor]) -> None:
    assert converted(nn.Linear(2, 3), written) is None
