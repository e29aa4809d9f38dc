"""Data sets as tensors on the device."""
