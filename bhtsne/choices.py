"""The words that parameters take: the library checks them, and the command offers them.

The command's help needs them without NumPy, whose import would take longer than all the rest.
"""

AFFINITIES = ("perplexity", "multiscale", "mixture", "uniform", "fixed_sigma")
FORCES = ("barnes_hut", "exact")
INITIAL_MAPS = ("auto", "pca", "spectral", "random")
LANDMARKS = ("uniform", "coreset", "stratified")
MISSING = ("drop", "mean", "median")
SCHEDULES = ("fast", "opentsne")
