"""Run folders of weights that were trained elsewhere: in one's own loop, or by another program."""
