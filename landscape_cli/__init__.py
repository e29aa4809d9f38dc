"""Train neural networks, sweep their loss surfaces, interpolate between solutions, and draw all of it."""
