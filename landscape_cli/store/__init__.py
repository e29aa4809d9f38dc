"""The HDF5 file of a surface, a line or an interpolation: created whole, filled in place, read, compared.

Never imports torch.
"""

from landscape_cli.store.compare import check_same, first_batch
from landscape_cli.store.create import create
from landscape_cli.store.spectrum import Spectra
from landscape_cli.store.surface import Surface, directions, read
from landscape_cli.store.trajectory import Trajectory
from landscape_cli.store.writer import Writer, writing

__all__ = [
    "Spectra",
    "Surface",
    "Trajectory",
    "Writer",
    "check_same",
    "create",
    "directions",
    "first_batch",
    "read",
    "writing",
]
