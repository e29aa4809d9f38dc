"""The keys of each command, their types, ranges and help, and what it calls what was not named.

Groups (dataset, architecture, …) stay plain dictionaries, checked where they are built.
"""

from typing import Any

from landscape_cli.schemas.curvature import HessianConfig, SpectrumConfig
from landscape_cli.schemas.descent import DescendConfig
from landscape_cli.schemas.evaluation import InterpolateConfig, SurfaceConfig, TrajectoryConfig
from landscape_cli.schemas.files import ExportConfig, ListConfig, PlotConfig, ReportConfig
from landscape_cli.schemas.noise import NoiseConfig
from landscape_cli.schemas.reproduction import GalleryConfig, ReproduceConfig
from landscape_cli.schemas.sharpness import SharpnessConfig
from landscape_cli.schemas.training import ImportConfig, TrainConfig

SCHEMAS: dict[str, type[Any]] = {
    "train": TrainConfig,
    "import": ImportConfig,
    "surface": SurfaceConfig,
    "interpolate": InterpolateConfig,
    "trajectory": TrajectoryConfig,
    "hessian": HessianConfig,
    "spectrum": SpectrumConfig,
    "noise": NoiseConfig,
    "sharpness": SharpnessConfig,
    "descend": DescendConfig,
    "plot": PlotConfig,
    "report": ReportConfig,
    "export": ExportConfig,
    "reproduce": ReproduceConfig,
    "gallery": GalleryConfig,
    "list": ListConfig,
}
