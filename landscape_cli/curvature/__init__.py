"""The Hessian of the loss: its products with vectors, all of it, its extreme eigenvalues over a grid."""
