"""The Hessian of the loss: its products with vectors, and its extreme eigenvalues over a line or a plane."""
