"""`landscape export`: a stored file for other programs. Never imports torch."""

from pathlib import Path

from landscape_cli import store
from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing
from landscape_cli.schemas.files import ExportConfig
from landscape_cli.store.descent import is_descent, read_descent
from landscape_cli.store.descent_export import exported
from landscape_cli.store.export import FORMATS


def run(config: ExportConfig) -> Path:
    """Write the file into `config.out`; return it."""
    assert config.out is not None
    out, path = Path(config.out), Path(config.file)
    if out.exists() and path.exists() and out.samefile(path):
        raise LandscapeError(f"out={out} is the file that is exported; choose another out=")
    if is_descent(path):
        content = exported(read_descent(path), config.format)
    else:
        content = FORMATS[config.format](store.read(path))
    with replacing(out) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return out
