"""How a phenomenon of the literature is reproduced: its catalogue, where it is measured, how it is judged."""
