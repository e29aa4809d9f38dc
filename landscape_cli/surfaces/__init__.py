"""Anything measured at the points of a grid, into a file that is never lost."""
