"""The gradient of the loss with respect to the weights."""
