"""Averaged predictions against single samples in float64, and Jensen's inequality."""

import math

import pytest
import torch

import cases
from landscape_cli.evaluation.ensembles import probabilities, score
from landscape_cli.evaluation.evaluator import evaluate


@pytest.mark.parametrize("name", cases.NETWORKS)
@pytest.mark.parametrize("batch_size", [7, None])
def test_probabilities_are_those_of_single_samples(name: str, batch_size: int | None) -> None:
    model, split = cases.NETWORKS[name]().train(), cases.images(20)
    found = probabilities(model, split, batch_size)
    assert found.dtype == torch.float64
    assert model.training  # as it was
    twin = cases.NETWORKS[name]().double().eval()
    for row, sample in zip(found, split.inputs.double(), strict=True):
        exponentials = [math.exp(value) for value in twin(sample[None])[0].tolist()]
        expected = [one / math.fsum(exponentials) for one in exponentials]
        assert row.tolist() == pytest.approx(expected, rel=1e-5)


def test_the_score_of_one_network_is_its_evaluation() -> None:
    model, split = cases.NETWORKS["mlp"](), cases.images(30)
    loss, error = score(probabilities(model, split), split.targets)
    evaluated = evaluate(model, split, "cross_entropy")
    assert loss == pytest.approx(evaluated.loss, rel=1e-6)
    assert error == pytest.approx(1 - evaluated.accuracy)


def test_the_score_of_a_mean_as_written_out() -> None:
    members = torch.tensor([[[0.7, 0.3], [0.6, 0.4]], [[0.2, 0.8], [0.9, 0.1]]], dtype=torch.float64)
    targets = torch.tensor([1, 1])
    loss, error = score(members.mean(dim=0), targets)
    assert loss == pytest.approx(-(math.log(0.55) + math.log(0.25)) / 2)
    assert error == 0.5
    assert [score(each, targets).error for each in members] == [1.0, 0.5]


def test_a_class_held_impossible_costs_infinitely_much() -> None:
    certain = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert score(certain, torch.tensor([1])) == (math.inf, 1.0)


def test_the_loss_of_the_mean_is_at_most_the_mean_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    members = (3 * torch.randn(5, 200, 4, generator=generator, dtype=torch.float64)).softmax(dim=2)
    targets = torch.randint(0, 4, (200,), generator=generator)
    losses = [score(each, targets).loss for each in members]
    assert score(members.mean(dim=0), targets).loss < sum(losses) / 5
