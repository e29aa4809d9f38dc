"""The field's tools on the same weights: PyHessian and curvlinops agree with the products here."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cases
from landscape_cli.curvature.gauss_newton import Fisher, GaussNewton
from landscape_cli.curvature.lanczos import eigenpairs
from landscape_cli.curvature.products import Hessian, Operator
from landscape_cli.evaluation.batches import rebatched
from landscape_cli.evaluation.losses import objective

torchs_own = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
THEIRS = {
    Hessian: "HessianLinearOperator",
    GaussNewton: "GGNLinearOperator",
    Fisher: "EFLinearOperator",
}
NAMES = ("mlp", "cnn", "resnet-batch")


@torchs_own
@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_curvlinops(name: str, kind: type[Operator]) -> None:
    import curvlinops  # on import it scripts functions, which torch deprecates

    model, split = cases.NETWORKS[name]().double().eval(), cases.images()
    parts = rebatched([(split.inputs.double(), split.targets)], 16)
    ours = kind(model, parts, objective("cross_entropy"), "all")
    theirs = getattr(curvlinops, THEIRS[kind])(
        model, nn.CrossEntropyLoss(), list(model.parameters()), parts, check_deterministic=False
    )
    vector = torch.from_numpy(np.random.default_rng(0).standard_normal(ours.size))
    expected = (theirs @ vector).detach().numpy()
    np.testing.assert_allclose(ours.product(vector.numpy()), expected, atol=1e-10 * np.abs(expected).max())


@torchs_own
@pytest.mark.parametrize("name", NAMES)
def test_pyhessian(name: str) -> None:
    from pyhessian import hessian as pyhessian

    model, split = cases.NETWORKS[name]().double().eval(), cases.images()
    data = (split.inputs.double(), split.targets)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using backward.. with create_graph=True")
        torch.manual_seed(0)
        theirs = pyhessian(model, F.cross_entropy, data=data, cuda=False)
        expected = theirs.eigenvalues(maxIter=2000, tol=1e-9)[0][0]  # the largest by magnitude
    model.zero_grad()
    ours = Hessian(model, [data], objective("cross_entropy"), "all")
    found = eigenpairs(ours.product, ours.size, 1, 1, np.random.RandomState(0), tolerance=1e-6).values
    assert max(found, key=abs) == pytest.approx(expected, rel=1e-5)
