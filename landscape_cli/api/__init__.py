"""From Python: the command line's engine, files and pictures for your own model, loss and data."""
