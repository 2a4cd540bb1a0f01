"""Names that parameters accept: the library checks them, and the command lists them.

The help of the command needs them without NumPy, whose import takes longer than all else there.
"""

AFFINITIES = ("gaussian", "multiscale", "mixture", "uniform", "fixed_sigma")
FORCES = ("barnes_hut", "exact")
INITIAL_MAPS = ("auto", "pca", "spectral", "random")
LANDMARKS = ("uniform", "coreset", "stratified")
MISSING = ("drop", "mean", "median")
NEIGHBORS = ("auto", "exact", "forest", "pynndescent")
SCHEDULES = ("fast", "opentsne")
