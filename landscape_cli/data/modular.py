"""Tables of an operation, on numbers modulo p or on permutations, as tokens (Power et al. 2022)."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.data.options import real, whole
from landscape_cli.data.raw import Arrays
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError, unknown

Numbers = NDArray[np.int64]
Table = tuple[Numbers, Numbers, Numbers]
"""a, b and the answer of each equation, (n,) each."""

POLYNOMIALS: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "squares": lambda a, b: a**2 + b**2,
    "quadratic": lambda a, b: a**2 + a * b + b**2,
    "cubic": lambda a, b: a**3 + a * b,
    "cubic_mixed": lambda a, b: a**3 + a * b**2 + b,
}
OPERATIONS = (*POLYNOMIALS, "divide", "permutations")
LARGEST = 1000  # a table of a million equations; cubes stay far below 2^63


def modular(options: dict[str, Any]) -> Arrays:
    """Return all equations a o b = c, a random part of them to train on and the others to test.

    Inputs are the four tokens a, o, b, = (n, 4), int64: the numbers 0 … p-1, then p for the operation and
    p + 1 for the equals sign. The target is c: the loss is of the answer alone.

    ``add``, ``subtract``, ``multiply``, ``squares`` (a^2 + b^2), ``quadratic`` (a^2 + ab + b^2), ``cubic``
    (a^3 + ab), ``cubic_mixed`` (a^3 + ab^2 + b) and ``divide`` (by b > 0) are modulo the prime ``p``;
    ``permutations`` are composed, those of five things: a after b, 120 of them.

    Args:
        options: ``operation``, ``p``, ``fraction``, ``seed``.

    Raises:
        LandscapeError: an option is out of range, or an answer never occurs among the training equations.
    """
    operation, fraction = options.get("operation"), real(options, "fraction", at_least=0, at_most=1)
    if operation not in OPERATIONS:
        raise unknown("dataset.operation", operation, OPERATIONS)
    p = 120 if operation == "permutations" else _prime(whole(options, "p", at_least=2))
    a, b, answer = _composed() if operation == "permutations" else _table(str(operation), p)
    equations = np.stack([a, np.full_like(a, p), b, np.full_like(a, p + 1)], axis=1)
    count = round(fraction * len(answer))
    if not 0 < count < len(answer):
        raise LandscapeError(
            f"dataset.fraction={fraction:g} of {len(answer)} equations leaves none to train on or to test"
        )
    order = stream(options["seed"], "modular").permutation(len(answer))
    train, test = np.sort(order[:count]), np.sort(order[count:])
    if len(np.unique(answer[train])) < p:
        raise LandscapeError(
            f"dataset.fraction={fraction:g}: {p - len(np.unique(answer[train]))} of {p} answers are not among"
            f" those of {count} training equations; raise it"
        )
    return {
        "train_images": equations[train],
        "train_labels": answer[train],
        "test_images": equations[test],
        "test_labels": answer[test],
    }


def _prime(p: int) -> int:
    if p > LARGEST or any(p % divisor == 0 for divisor in range(2, int(p**0.5) + 1)):
        raise LandscapeError(f"dataset.p must be a prime of at most {LARGEST}, got {p}")
    return p


def _table(operation: str, p: int) -> Table:
    a, b = (each.ravel() for each in np.meshgrid(np.arange(p), np.arange(p), indexing="ij"))
    if operation == "divide":
        answer, b = a[b > 0], b[b > 0]
        return answer * b % p, b, answer
    return a, b, POLYNOMIALS[operation](a, b) % p


def _composed() -> Table:
    elements = np.array(list(permutations(range(5))))
    place = {tuple(element): number for number, element in enumerate(elements)}
    a, b = (each.ravel() for each in np.meshgrid(np.arange(120), np.arange(120), indexing="ij"))
    composed = np.take_along_axis(elements[a], elements[b], axis=1)  # (a b)(i) = a(b(i))
    return a, b, np.array([place[tuple(each)] for each in composed])
