"""Networks, their normalization and their initial weights."""
