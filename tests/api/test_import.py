"""The package, imported in a notebook."""

import subprocess
import sys


def run_python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_waits_for_torch_until_it_is_needed() -> None:
    run_python(
        "import sys, landscape_cli\n"
        "assert 'torch' not in sys.modules\n"
        "from landscape_cli import *\n"
        "for one in (surface, plot):\n"
        "    assert one.__module__.startswith('landscape_cli.api')\n"
        "assert 'torch' in sys.modules\n"
        "assert not hasattr(landscape_cli, 'surfaced')"
    )


def test_the_functions_are_there_to_be_completed() -> None:
    run_python("import landscape_cli\nassert set(landscape_cli.__all__) <= set(dir(landscape_cli))")
