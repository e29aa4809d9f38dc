"""Who computes: this process, or the processes of torchrun."""
