"""Functions with known minima, saddles and spectra, and descents on them from many starts at once."""
