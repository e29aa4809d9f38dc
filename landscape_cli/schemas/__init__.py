"""The keys of each command, their types and ranges, and what it calls what was not named."""

from landscape_cli.schemas.all import *  # noqa: F403
