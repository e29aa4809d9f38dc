"""Signals by layer: what activations and gradients are like on their way through a network."""
