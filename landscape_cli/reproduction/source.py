"""The code that measures or draws a phenomenon, read without importing it: its digest, its listing.

What was measured is kept for as long as the code that measured it stands: the function, and what it uses of
its own module. What it imports has tests of its own, and is no part of the digest.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path


def digest(topic: str, function: str) -> str:
    """Return a digest of a function of a topic module, with all definitions of that module that it uses.

    Comments, docstrings and layout do not change it.

    Raises:
        AttributeError: the module has no such function.
    """
    used = _used(path_of(topic).read_text(encoding="utf-8"), topic, function)
    text = "\n".join(ast.unparse(used[name]) for name in sorted(used))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def listing(topic: str, functions: Sequence[str]) -> list[tuple[int, str]]:
    """Return what functions of a topic module use of it, each with the number of its first line.

    Raises:
        AttributeError: the module has no such function.
    """
    text = path_of(topic).read_text(encoding="utf-8")
    places = {
        (
            min(node.lineno for node in (statement, *getattr(statement, "decorator_list", []))),
            statement.end_lineno,
        )
        for function in functions
        for statement in _used(text, topic, function).values()
    }
    lines = text.splitlines()
    return [(first, "\n".join(lines[first - 1 : last])) for first, last in sorted(places)]


def path_of(topic: str) -> Path:
    """Return the file of a topic module, which is not imported."""
    found = importlib.util.find_spec(f"landscape_cli.phenomena.{topic}")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


def _used(text: str, topic: str, function: str) -> dict[str, ast.stmt]:
    """Return a function of a module's text and what it uses of it, by name, without docstrings."""
    definitions = _definitions(ast.parse(text))
    if function not in definitions:
        raise AttributeError(f"landscape_cli.phenomena.{topic} has no function {function}")
    used: dict[str, ast.stmt] = {}
    wanted = [function]
    while wanted:
        name = wanted.pop()
        if name in definitions and name not in used:
            used[name] = definitions[name]
            wanted += [node.id for node in ast.walk(definitions[name]) if isinstance(node, ast.Name)]
    return used


def _definitions(module: ast.Module) -> dict[str, ast.stmt]:
    """Return what a module defines at its top level, by name, without docstrings."""
    definitions: dict[str, ast.stmt] = {}
    for statement in module.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
            definitions.update(dict.fromkeys(names, statement))
    return definitions
