"""`landscape export`: a stored surface for other programs. Never imports torch."""

from pathlib import Path

from landscape_cli import store
from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing
from landscape_cli.schemas.files import ExportConfig
from landscape_cli.store.export import FORMATS


def run(config: ExportConfig) -> Path:
    """Write the file into `config.out`; return it."""
    assert config.out is not None
    out = Path(config.out)
    surface = store.read(Path(config.file))
    if out.exists() and out.samefile(surface.path):
        raise LandscapeError(f"out={out} is the file that is exported; choose another out=")
    content = FORMATS[config.format](surface)
    with replacing(out) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return out
