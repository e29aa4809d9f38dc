"""The options of an evaluation, said once: the functions of Python tell the same as the command line."""

import dataclasses
import inspect
from typing import Any

import pytest

import landscape_cli
from landscape_cli.composition import header
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.options import Options
from landscape_cli.schemas import SCHEMAS

FIELDS = {field.name: field for field in dataclasses.fields(Options)}


@pytest.mark.parametrize(("function", "lacks"), [("surface", {"batchnorm"}), ("interpolate", set())])
def test_signature_and_docstring(function: str, lacks: set[str]) -> None:
    of = getattr(landscape_cli, function)
    parameters = inspect.signature(of).parameters
    for name, field in FIELDS.items():
        assert (name in parameters) == (name not in lacks)
        if name in parameters:
            assert parameters[name].default == field.default
            assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
            told = " ".join(of.__doc__.split())
            assert f"{name}: {field.metadata['help'].replace('null', 'None')}." in told
    assert "OPTIONS" not in of.__doc__
    assert not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())


@pytest.mark.parametrize("command", ["surface", "interpolate"])
def test_the_help_of_the_command_line_says_the_same(command: str) -> None:
    told = " ".join(header(command).split())
    for name, field in FIELDS.items():
        assert f"{name} {field.metadata['help']}" in told


# what Python is given in place of run folders, and the keys of direction=
OWN = {"model", "start", "end", "checkpoints", "labels", "loss", "train", "test"}
DIRECTION = {"norm", "ignore", "direction_seed"}


@pytest.mark.parametrize("command", ["surface", "interpolate", "trajectory", "hessian"])
def test_names_and_defaults_are_those_of_the_shell(command: str) -> None:
    of = getattr(landscape_cli, command)
    keys = {field.name: field for field in dataclasses.fields(SCHEMAS[command])}
    parameters = {
        name: each for name, each in inspect.signature(of).parameters.items() if name not in OWN | DIRECTION
    }
    assert len(parameters) > 8
    assert set(parameters) <= set(keys)
    for name in parameters.keys() - {"out", "x", "y", "alpha"}:
        assert parameters[name].default == keys[name].default, name
    for name in inspect.signature(of).parameters:
        assert f"\n        {name}: " in of.__doc__


def test_an_option_there_is_not() -> None:
    with pytest.raises(TypeError, match="sample"):
        landscape_cli.surface(None, "mse", None, out="never.h5", sample=3)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": 0}, "samples must be a positive whole number or null, got 0"),
        ({"tolerance": -1.0}, "tolerance must be a positive number or null, got -1.0"),
        ({"precision": "fp8"}, "no precision 'fp8'; choose from bf16, fp32"),
        ({"anchors": 2}, "anchors=2 is for a subset of the samples; say samples= too"),
        ({"seed": -1}, "seed must be zero or more, got -1"),
    ],
)
def test_ranges(given: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        Options(**given)
    assert str(caught.value).startswith(message)
