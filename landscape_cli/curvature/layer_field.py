"""The extreme eigenvalues of each layer's own block of the Hessian, at one point."""

import json
from collections.abc import Iterable
from glob import escape

import numpy as np

from landscape_cli.arrays import Index
from landscape_cli.curvature.hessian_field import HessianField
from landscape_cli.curvature.options import Options
from landscape_cli.curvature.products import Hessian
from landscape_cli.evaluation.memory import enough_for
from landscape_cli.evaluation.problem import Problem
from landscape_cli.weights.selection import selected
from landscape_cli.workers.processes import Values


def layers_of(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the parameters of each layer, by the module that holds them; one of the network itself alone."""
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(name.rpartition(".")[0] or name, []).append(name)
    return layers


class LayerField(HessianField):
    """Number of a layer -> loss, accuracy of classes, and the ends of the spectrum of its block.

    A block holds the second derivatives by the parameters of one module alone, all other weights fixed
    (Ghorbani et al. 2019 and Sankar et al. 2021 look at networks so, layer by layer). The extreme eigenvalues
    of a block lie between those of the whole matrix (Cauchy's interlacing theorem).

    Args:
        problem: the network, its data and loss; of one split.
        options: of which matrix, and how exactly; layers without a parameter in it are left out.
    """

    def __init__(self, problem: Problem, options: Options) -> None:
        self.layers = layers_of(selected(problem.model, options.params))
        super().__init__(problem, {}, np.arange(len(self.layers), dtype=np.float64), None, options)
        self._whole = self.hessian

    def attributes(self) -> dict[str, str]:
        """Return the names of the layers, and how many weights each has."""
        sizes = [sum(self._whole.weights[name].numel() for name in names) for names in self.layers.values()]
        return {"layers": json.dumps(list(self.layers)), "layer_sizes": json.dumps(sizes)}

    def evaluate(self, index: Index) -> Values:
        """Return the values of a layer; each search starts anew."""
        names = [escape(name) for name in list(self.layers.values())[index[0]]]
        whole = self._whole
        with enough_for(self.evaluator.batch_size):
            self.hessian = Hessian(whole.model, whole.parts, whole.objective, names)
        self._last = None
        return super().evaluate(index)
