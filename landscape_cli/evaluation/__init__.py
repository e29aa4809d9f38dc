"""The loss at many points of weight space, and the file that keeps it."""
