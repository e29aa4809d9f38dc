"""Losses as people bring them: their mean over a whole split is the one that torch gives for it at once."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_cli import line
from landscape_cli.curvature.products import Hessian
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import rebatched
from landscape_cli.evaluation.evaluator import Evaluator, evaluate_samples
from landscape_cli.evaluation.user_loss import objective_of

IGNORED, N, SIZE = 255, 20, 7  # the last batch is a short one


def segmentation() -> tuple[nn.Module, Tensor, Tensor]:
    """A network, images, and a class for each pixel; a third does not count, most of it in one batch."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    images = torch.randn(N, 3, 6, 6, generator=generator)
    targets = torch.randint(0, 4, (N, 6, 6), generator=generator)
    targets[:6] = IGNORED
    targets[torch.rand(targets.shape, generator=generator) < 0.05] = IGNORED
    assert 0.3 < float((targets == IGNORED).double().mean()) < 0.4
    return nn.Conv2d(3, 4, 3, padding=1), images, targets


WEIGHT = torch.tensor([1.0, 2.0, 0.0, 4.0])
LOSSES = {
    "ignored, none": nn.CrossEntropyLoss(ignore_index=IGNORED, reduction="none"),
    "ignored, mean": nn.CrossEntropyLoss(ignore_index=IGNORED),
    "weighted": nn.CrossEntropyLoss(WEIGHT, ignore_index=IGNORED),
    "weighted, smoothed": nn.CrossEntropyLoss(WEIGHT, ignore_index=IGNORED, label_smoothing=0.1),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_torch_has_the_mean_that_its_reduction_gives_for_the_whole_split(
    tmp_path: Path, name: str
) -> None:
    model, images, targets = segmentation()
    found = line(
        model, LOSSES[name], (images, targets), out=tmp_path / "line.h5", x=(-1, 1, 3), batch_size=SIZE
    )
    own = LOSSES[name]
    twin = nn.CrossEntropyLoss(own.weight, ignore_index=IGNORED, label_smoothing=own.label_smoothing).double()
    expected = twin(model.double()(images.double()), targets).item()
    assert found.values["train/loss"][1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shape", ["pixel", "sample", "batch"])
def test_a_function_may_return_losses_and_weights(tmp_path: Path, shape: str) -> None:
    model, images, targets = segmentation()

    def loss(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        each = F.cross_entropy(outputs, targets, ignore_index=IGNORED, reduction="none")
        counts = (targets != IGNORED).to(each)
        if shape == "sample":
            each, counts = each.sum((1, 2)) / counts.sum((1, 2)), counts.sum((1, 2))  # 0/0 weighs nothing
        if shape == "batch":
            each, counts = each.sum() / counts.sum(), counts.sum()
        return each, counts

    found = line(model, loss, (images, targets), out=tmp_path / "line.h5", x=(-1, 1, 3), batch_size=SIZE)
    expected = F.cross_entropy(model.double()(images.double()), targets, ignore_index=IGNORED).item()
    assert found.values["train/loss"][1] == pytest.approx(expected, rel=1e-6)


def test_class_numbers_that_do_not_count_are_left_out_of_the_accuracy() -> None:
    torch.manual_seed(0)
    model, inputs, targets = nn.Linear(5, 3), torch.randn(N, 5), torch.arange(N) % 3
    targets[::4] = -100
    samples = evaluate_samples(model, [(inputs, targets)], objective_of(nn.CrossEntropyLoss()))
    counted = targets != -100
    right = (model(inputs).argmax(1) == targets)[counted]
    assert samples.mean().accuracy == pytest.approx(right.double().mean().item())
    losses = F.cross_entropy(model(inputs).detach().double(), targets, reduction="none")[counted]
    assert samples.mean().loss_stderr == pytest.approx(float(losses.std()) / math.sqrt(len(losses)), rel=1e-6)


def test_where_no_target_counts_in_a_split_there_is_no_loss() -> None:
    targets = torch.full((4,), IGNORED)
    objective = objective_of(nn.CrossEntropyLoss(ignore_index=IGNORED))
    assert math.isnan(evaluate_samples(nn.Linear(2, 3), [(torch.ones(4, 2), targets)], objective).mean().loss)


def test_a_subset_of_weighted_losses_has_the_standard_error_of_their_ratio(tmp_path: Path) -> None:
    """Cochran's formula, written out; calibration is for equal weights."""
    torch.manual_seed(0)
    model, inputs, targets = nn.Linear(5, 3), torch.randn(60, 5), torch.arange(60) % 3
    loss, options = nn.CrossEntropyLoss(torch.tensor([1.0, 2, 5])), {"x": (-1, 1, 3), "samples": 30}
    found = line(model, loss, (inputs, targets), out=tmp_path / "line.h5", **options)
    twin = copy.deepcopy(model).double()
    every = evaluate_samples(twin, [(inputs.double(), targets)], objective_of(loss))
    assert every.weights is not None
    deviations = []
    for seed in range(400):
        chosen = torch.from_numpy(np.random.default_rng(seed).permutation(60)[:30])
        deviations.append(float(every.losses[chosen].sum() / every.weights[chosen].sum()) - every.mean().loss)
    drawn_without_replacement = math.sqrt(0.5)
    assert found.values["train/loss_stderr"][1] * drawn_without_replacement == pytest.approx(
        np.std(deviations), rel=0.3
    )
    with pytest.raises(LandscapeError, match="anchors=3 is for losses of equal weights"):
        line(model, loss, (inputs, targets), out=tmp_path / "other.h5", anchors=3, **options)


@pytest.mark.parametrize("name", LOSSES)
def test_the_hessian_is_that_of_the_weighted_mean(name: str) -> None:
    model, images, targets = segmentation()
    model, images = model.double().eval(), images.double()
    parts = rebatched([(images, targets)], SIZE)
    hessian = Hessian(model, parts, objective_of(LOSSES[name]), "all")
    params = [parameter.detach().requires_grad_() for parameter in model.parameters()]
    own = LOSSES[name]
    twin = nn.CrossEntropyLoss(own.weight, ignore_index=IGNORED, label_smoothing=own.label_smoothing).double()

    def mean(weight: Tensor, bias: Tensor) -> Tensor:
        return twin(F.conv2d(images, weight, bias, padding=1), targets)

    blocks = torch.autograd.functional.hessian(mean, tuple(params))
    rows = [
        torch.cat([block.reshape(one.numel(), -1) for block in row], dim=1)
        for one, row in zip(params, blocks, strict=True)
    ]
    expected = torch.cat(rows).numpy()
    vector = np.random.default_rng(0).standard_normal(hessian.size)
    np.testing.assert_allclose(hessian.product(vector), expected @ vector, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_probabilities_as_targets_weigh_one_each(reduction: str) -> None:
    torch.manual_seed(0)
    model, inputs = nn.Linear(5, 3), torch.randn(N, 5)
    targets = torch.softmax(torch.randn(N, 3), 1)
    loss = nn.CrossEntropyLoss(torch.tensor([1.0, 2, 5]), reduction=reduction)
    evaluator = Evaluator(model, {"train": rebatched([(inputs, targets)], SIZE)}, objective_of(loss))
    expected = nn.CrossEntropyLoss(torch.tensor([1.0, 2, 5]).double())(
        model.double()(inputs.double()), targets.double()
    )
    assert evaluator.evaluate("train").loss == pytest.approx(expected.item(), rel=1e-6)


def test_what_is_no_mean_is_refused() -> None:
    with pytest.raises(LandscapeError, match="MSELoss\\(reduction='sum'\\) is no mean"):
        objective_of(nn.MSELoss(reduction="sum"))

    def unequal(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return outputs.sum(1), torch.ones(3)

    with pytest.raises(LandscapeError, match=r"the weights of losses float32 \(4,\) must be a tensor"):
        objective_of(unequal)(torch.ones(4, 2), torch.ones(4))
