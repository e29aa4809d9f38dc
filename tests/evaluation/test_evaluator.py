import copy
import math
import statistics

import pytest
import torch
from torch import nn

import cases
import reference
from landscape_cli.data.load import Split
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import batches
from landscape_cli.evaluation.evaluator import Evaluator, evaluate
from landscape_cli.evaluation.losses import objective, per_sample_loss
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import params_of, point_of


def evaluator_of(
    model: nn.Module, split: Split, loss: str = "cross_entropy", precision: str = "fp32", size: int = 16
) -> Evaluator:
    return Evaluator(model, {"train": batches(split, size)}, objective(loss), precision)


@pytest.mark.parametrize("loss", cases.LOSSES)
@pytest.mark.parametrize("network", cases.NETWORKS)
def test_equals_the_float64_mean_over_single_samples(network: str, loss: str) -> None:
    model, split = cases.NETWORKS[network](), cases.images()
    measured = evaluate(model, split, loss, batch_size=7)
    expected_loss, expected_accuracy = reference.evaluation(model, split, loss)
    assert measured.loss == pytest.approx(expected_loss, rel=1e-6)
    assert measured.accuracy == expected_accuracy


def test_uniform_output_costs_ln_classes() -> None:
    outputs, targets = torch.zeros(5, 10), torch.arange(5)
    assert per_sample_loss("cross_entropy", outputs, targets).tolist() == pytest.approx(
        [math.log(10)] * 5, rel=1e-6
    )


def test_the_standard_error_is_that_of_the_mean() -> None:
    model, split = cases.NETWORKS["mlp"](), cases.images()
    with torch.no_grad():
        losses = per_sample_loss(
            "cross_entropy", model.double()(split.inputs.double()), split.targets
        ).tolist()
    measured = evaluate(model.float(), split, "cross_entropy")
    assert measured.loss_stderr == pytest.approx(statistics.stdev(losses) / math.sqrt(len(losses)), rel=1e-5)


@pytest.mark.parametrize("network", cases.NETWORKS)
def test_batch_size_and_threads_do_not_matter(network: str) -> None:
    model, split = cases.NETWORKS[network](), cases.images(60)
    threads = torch.get_num_threads()
    results = []
    for count in (1, 2):
        torch.set_num_threads(count)
        for size in (1, 7, 60):
            results.append(evaluate(model, split, "cross_entropy", size).loss)
            results.append(evaluator_of(model, split, size=size).evaluate("train").loss)
    torch.set_num_threads(threads)
    expected = reference.evaluation(model, split, "cross_entropy")[0]
    assert results == pytest.approx([expected] * 12, rel=1e-6)


def test_the_mode_of_every_module_is_restored() -> None:
    model = cases.NETWORKS["resnet-batch"]().train()
    frozen = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    before = [module.training for module in model.modules()]
    state = copy.deepcopy(model.state_dict())
    evaluate(model, cases.images(), "mse")
    assert [module.training for module in model.modules()] == before
    assert not frozen.training
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_the_callers_model_never_moves() -> None:
    model = cases.NETWORKS["cnn"]()
    before = copy.deepcopy(model.state_dict())
    evaluator = evaluator_of(model, cases.images())
    direction = directions.random(params_of(model), norm="filter", ignore="biasbn", seed=0, axis="x")
    evaluator.move(evaluator.beside(point_of(model)), [(0.5, evaluator.beside(direction))])
    moved = evaluator.evaluate("train").loss
    assert moved != evaluate(model, cases.images(), "cross_entropy").loss
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_far_walk_leaves_no_trace() -> None:
    model = cases.NETWORKS["resnet-batch"]()
    evaluator = evaluator_of(model, cases.images())
    origin = evaluator.beside(point_of(model))
    direction = evaluator.beside(
        directions.random(params_of(model), norm="none", ignore="none", seed=0, axis="x")
    )
    start = evaluator.evaluate("train")
    for step in range(50):
        evaluator.move(origin, [(1e3 * step, direction)])
    evaluator.move(origin, [(0.0, direction)])
    assert evaluator.evaluate("train") == start


class Views(nn.Module):
    """A network that channels-last breaks: it reshapes with view after a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(2, 4, 3, padding=1), nn.Linear(4 * 64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.conv(x).relu().view(len(x), -1))


def test_a_network_that_cannot_run_channels_last_runs_anyway() -> None:
    model, split = Views(), cases.images()
    evaluator = evaluator_of(model, split)
    assert evaluator.evaluate("train").loss == pytest.approx(
        reference.evaluation(model, split, "cross_entropy")[0], rel=1e-6
    )


def test_a_loss_that_overflows_is_not_finite() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(128, 3))
    nn.init.constant_(model[1].weight, 1e38)
    assert not math.isfinite(
        evaluate(model, Split(torch.ones(4, 2, 8, 8), torch.zeros(4).long()), "cross_entropy").loss
    )


def test_outputs_that_are_not_numbers_are_not_correct() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(128, 3))
    nn.init.constant_(model[1].weight, math.nan)
    assert evaluate(model, Split(torch.ones(4, 2, 8, 8), torch.zeros(4).long()), "mse").accuracy == 0


class Noisy(nn.Module):
    """A network with a dropout that evaluation mode does not switch off."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(128, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(nn.functional.dropout(x.flatten(1), 0.2, training=True))


def test_a_network_that_draws_random_numbers_is_refused_with_both_losses() -> None:
    with pytest.raises(
        LandscapeError, match=r"16 train samples give losses of \d.*\d and \d.*\d: the network"
    ):
        evaluator_of(Noisy(), cases.images()).check_repeatable()
    evaluator_of(cases.NETWORKS["cnn"](), cases.images()).check_repeatable()
