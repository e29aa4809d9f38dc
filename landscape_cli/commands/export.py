"""`landscape export`: a stored surface for other programs. Never imports torch."""

from pathlib import Path

from landscape_cli import store
from landscape_cli.files import write_text
from landscape_cli.schemas.files import ExportConfig
from landscape_cli.store.export import FORMATS


def run(config: ExportConfig) -> Path:
    """Write the file into `config.out`; return it."""
    assert config.out is not None
    out = Path(config.out)
    write_text(out, FORMATS[config.format](store.read(Path(config.file))))
    return out
