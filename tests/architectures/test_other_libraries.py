"""Networks of torchvision, timm and Transformers, named on the command line."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

VIT = "image_size=8, patch_size=4, hidden_size=12, num_hidden_layers=1, num_attention_heads=2"
OWN = f"""
from transformers import ViTConfig, ViTForImageClassification
own = ViTForImageClassification(ViTConfig({VIT}, num_labels=5)).eval()
own.load_state_dict(model.state_dict())
expected = own(images).logits
"""
CASES = {
    "torchvision": ("torchvision.models:squeezenet1_1", "", 64, "expected = model(images)"),
    "timm": ("timm:create_model", "model_name='resnet10t'", 64, "expected = model(images)"),
    "transformers": ("transformers:ViTForImageClassification", VIT, 8, OWN),
}


@pytest.mark.slow
@pytest.mark.parametrize("library", CASES)
def test_the_outputs_are_those_of_the_network_itself(library: str) -> None:
    """In a process of its own: these libraries warn of much, and change settings when they are imported."""
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    source, options, size, expected = CASES[library]
    code = f"""
import copy, torch
from landscape_cli.architectures.build import build
architecture = {{"name": "custom", "source": "{source}", "options": dict({options})}}
model = build(architecture, {{"name": "own"}}, (3, {size}, {size}), 5, trust=True).eval()
images = torch.randn(2, 3, {size}, {size})
outputs = copy.deepcopy(model)(images)
assert outputs.shape == (2, 5), outputs.shape
{expected}
torch.testing.assert_close(outputs, expected)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
