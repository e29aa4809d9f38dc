"""Points and vectors of weight space, as dict[str, Tensor]."""
