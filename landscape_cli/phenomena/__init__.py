"""What the literature found, each reproducible by one command and its claims checked by measurement."""
