"""Which optimizers descend, and how; never imports torch."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.keys import COUNT, check, key

PLAIN = "null: the function's own, times 1 - momentum"
ADAPTIVE = "null: a hundredth of the box's width"
OWN = (
    "gd",
    "heavy_ball",
    "nesterov",
    "sam",
    "noisy_gd",
    "annealed_gd",
    "perturbed_gd",
    "sgd",
)  # steps along the gradient
FRACTIONS = ("momentum", "alpha", "betas")  # options in [0, 1)
COUNTS = ("wait", "parts", "batch")  # positive whole numbers
# without momentum torch knows no Nesterov's; without eps a gradient of zero is 0 / 0
POSITIVE = ("nesterov.momentum", "adagrad.eps", "rmsprop.eps", "adam.eps")


@dataclass
class Options:
    """Optimizers by name, each with its options.

    Raises:
        LandscapeError: an optimizer that there is not, or an option out of range.
    """

    optimizers: Any = key(["gd"], "optimizer=, one or several: gd,heavy_ball,adam")
    steps: int = key(200, "that each optimizer takes", COUNT)
    lr: float | None = key(None, f"step size of those without one of their own; {PLAIN}")
    gd: dict[str, Any] = key({"lr": None}, "gradient descent: x - lr g")
    heavy_ball: dict[str, Any] = key(
        {"lr": None, "momentum": 0.9}, "Polyak 1964, as torch's SGD: v = momentum v + g, x - lr v"
    )
    nesterov: dict[str, Any] = key({"lr": None, "momentum": 0.9}, "Nesterov 1983, as torch's SGD")
    adagrad: dict[str, Any] = key({"lr": None, "eps": 1e-10}, f"torch's; lr {ADAPTIVE}")
    rmsprop: dict[str, Any] = key({"lr": None, "alpha": 0.99, "eps": 1e-8}, f"torch's; lr {ADAPTIVE}")
    adam: dict[str, Any] = key({"lr": None, "betas": [0.9, 0.999], "eps": 1e-8}, f"torch's; lr {ADAPTIVE}")
    newton: dict[str, Any] = key(
        {"lr": 1.0}, "x - lr H^-1 g, of a singular H the pseudo-inverse; it goes to saddles and maxima, too"
    )
    damped_newton: dict[str, Any] = key({"lr": 0.5, "damping": 1e-3}, "x - lr (H + damping I)^-1 g")
    sam: dict[str, Any] = key({"lr": None, "rho": 0.05}, "Foret et al. 2021: x - lr g(x + rho g / |g|)")
    noisy_gd: dict[str, Any] = key(
        {"lr": None, "noise": 1e-4}, "Ge et al. 2015: x - lr g + sqrt(noise) xi, xi standard normal"
    )
    annealed_gd: dict[str, Any] = key(
        {"lr": None, "eta": 1.0, "gamma": 0.55},
        "Neelakantan et al. 2015: x - lr (g + sigma xi), sigma^2 = eta / (1 + t)^gamma in step t",
    )
    perturbed_gd: dict[str, Any] = key(
        {"lr": None, "radius": 1e-3, "threshold": 1e-3, "wait": 20},
        "Jin et al. 2017: gradient descent; where |g| <= threshold, over `wait` steps after the last time,"
        " it is moved to a random place in a ball",
    )
    sgd: dict[str, Any] = key(
        {"lr": None, "parts": 10, "batch": 1, "spread": 1.0},
        "of a mean of `parts` functions f(x) + a_i x, the a_i normal of standard deviation `spread` and of"
        " sum 0: x - lr g of a random batch of them",
    )

    def __post_init__(self) -> None:
        """Take one optimizer for a list of one."""
        self.optimizers = self.optimizers if isinstance(self.optimizers, list) else [self.optimizers]
        for name in self.optimizers:
            if name not in DEFAULTS:
                raise unknown("optimizer", name, DEFAULTS)
        if len(set(self.optimizers)) < len(self.optimizers) or not self.optimizers:
            raise LandscapeError(f"optimizer must be one or several, each once, got {self.optimizers}")
        check(self)
        if self.lr is not None:
            _check("lr", self.lr)
        for name in DEFAULTS:
            for option, value in getattr(self, name).items():
                if option not in DEFAULTS[name]:
                    raise unknown(f"{name} option", option, DEFAULTS[name])
                if value is not None or option != "lr":
                    _check(f"{name}.{option}", value)

    def of(self, name: str, lr: float, width: float) -> dict[str, Any]:
        """Return the options of an optimizer, its step size filled in.

        Args:
            name: one of `optimizers`.
            lr: the function's own step size.
            width: of the function's box.
        """
        options = {**DEFAULTS[name], **getattr(self, name)}
        if options["lr"] is None:
            usual = lr * (1 - options.get("momentum", 0.0)) if name in OWN else width / 100
            options["lr"] = usual if self.lr is None else self.lr
        return options


DEFAULTS: dict[str, dict[str, Any]] = {
    field.name: field.default_factory()
    for field in dataclasses.fields(Options)
    if field.default_factory is not dataclasses.MISSING and field.name != "optimizers"
}
"""Name of each optimizer -> its options as they are unless told otherwise."""


def _check(name: str, value: object) -> None:
    """Refuse an option out of its range."""
    option = name.rpartition(".")[2]
    numbers = value if isinstance(value, list) and option == "betas" else [value]
    whole, below_one, positive = option in COUNTS, option in FRACTIONS, name in POSITIVE
    wanted = (
        "two numbers in [0, 1)"
        if option == "betas"
        else f"a number in {'(' if positive else '['}0, 1)"
        if below_one
        else "a positive whole number"
        if whole
        else ("a positive number" if positive else "a finite number of zero or more")
    )
    holds = len(numbers) == (2 if option == "betas" else 1) and all(
        isinstance(number, int if whole else int | float)
        and not isinstance(number, bool)
        and (1 if whole else 0) <= number < (1 if below_one else math.inf)
        and (number > 0 or not positive)
        for number in numbers
    )
    if not holds:
        raise LandscapeError(f"{name} must be {wanted}, got {value!r}")
