"""`landscape gallery`: a page of all reproductions there are. Never imports torch."""

from pathlib import Path

from landscape_cli.errors import LandscapeError
from landscape_cli.reproduction.catalogue import catalogue, default_folder, read_result
from landscape_cli.reproduction.gallery import write
from landscape_cli.schemas.reproduction import GalleryConfig


def run(config: GalleryConfig) -> Path:
    """Write the page of what is under `config.outputs_dir` into the folder `config.out`; return it."""
    assert config.out is not None
    folders = [
        (entry, default_folder(config.outputs_dir, entry.id, scale))
        for entry in catalogue()
        for scale in entry.scales
        if config.scale in ("all", scale)
    ]
    found = [
        (entry, folder, read_result(folder)) for entry, folder in folders if (folder / "result.json").exists()
    ]
    if not found:
        of_scale = "" if config.scale == "all" else f" of scale {config.scale}"
        raise LandscapeError(
            f"no reproduction{of_scale} under {config.outputs_dir}/reproduce; `landscape reproduce` makes one"
        )
    out = Path(config.out)
    write(out, found)
    return out / "README.md"
