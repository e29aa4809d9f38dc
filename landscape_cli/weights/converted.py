"""Weights in files of Transformers, whose names there are not always those of its classes."""

import sys
from collections.abc import Mapping

from torch import Tensor, nn


def converted(model: nn.Module, stored: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Return stored weights under the names of a model of Transformers, as its own ``from_pretrained`` does.

    Since its version 5 classes name their parameters otherwise than the files that they write.

    Args:
        model: of any kind.
        stored: weights by name.

    Returns:
        None where it is no such model, or not exactly these weights.
    """
    transformers = sys.modules.get("transformers")
    if transformers is None or not isinstance(model, transformers.PreTrainedModel):
        return None
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        given = {"config": model.config, "state_dict": dict(stored), "output_loading_info": True}
        loaded, misfits = type(model).from_pretrained(None, **given)
    except (RuntimeError, ValueError):  # other shapes
        return None
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    found: dict[str, Tensor] = loaded.state_dict()
    return None if any(misfits.values()) else found
