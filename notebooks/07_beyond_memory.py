# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Beyond memory
#
# A map of all points needs all of them in memory at once. Here we map only a few points, the
# landmarks, and place the others among them, block by block. We measure what this loses, recover
# some of it, and then map points that are never all in memory.
#
# **What you will learn**
#
# - how a map of landmarks and `transform` together give a map of any number of points
# - how good it is compared with a map of all points, depending on the number of landmarks
# - three ways to choose landmarks, and which of them find a rare group
# - how much a final optimisation of all points improves the map
# - how to place points from blocks, from files and from a Dask array, and to continue after an
#   interruption

# %%
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from bhtsne import TSNE, LandmarkTSNE, datasets, initial, metrics, neighbors, plot

SMALL = "BHTSNE_SMALL" in os.environ  # set by the tests: the same notebook on less data
plt.rcParams.update({"figure.dpi": 64, "axes.spines.top": False, "axes.spines.right": False})

images, y, _ = datasets.digits() if SMALL else datasets.mnist()
X = initial.principal_components(images.astype(np.float32) / images.max(), 30 if SMALL else 50)
many = 400 if SMALL else 10_000
print(f"{X.shape[0]:,} points of {X.shape[1]} features")

# %% [markdown]
# ## Landmarks and all other points
#
# `LandmarkTSNE` draws landmarks, maps them with `TSNE`, and places every other point $i$ at the
# minimum of
#
# $$\mathrm{KL}(P_i \| Q_i) = \sum_{j \in \text{landmarks}} p_{j|i} \ln \frac{p_{j|i}}{q_{j|i}}$$
#
# while the landmarks stay fixed ([notebook 06](06_new_points.ipynb)). Points that are not
# landmarks do not affect each other, so only the landmarks have to be kept in memory.

# %%
model = LandmarkTSNE(many, random_state=0)
Y = model.fit_transform(X)
start = time.perf_counter()
full = TSNE(random_state=0).fit(X)
seconds = time.perf_counter() - start

figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained")
rows = model.landmarks_
plot.scatter(Y[rows], y[rows], ax=axes[0], legend="in place", title=f"{len(rows):,} landmarks")
plot.scatter(Y, y, ax=axes[1], legend="in place", title="all placed among them")
near_it = metrics.align(full.embedding_, Y).Y
plot.scatter(near_it, y, ax=axes[2], legend="in place", title="a map of all")
plt.show()

# %% [markdown]
# The maps show the same classes in the same arrangement, because each landmark represents similar
# points. A class that is torn on the map of the landmarks would stay torn. At close range, the
# placed points form small clumps around and between landmarks.
#
# ## What is lost
#
# We compute two measures for each map. The recall is the fraction of a point's 10 nearest
# neighbours in the data that are among its 10 nearest on the map. The neighbour hit is the
# fraction of its 6 nearest neighbours on the map that are of its class.

# %%
exact = neighbors.find(X, 10, method="exact")


def judged(Y):
    """Return a map's recall of neighbours, and its neighbour hit."""
    return metrics.neighbor_recall(exact, Y, 10), metrics.neighbor_hit(Y, y)


counts = [100, 200, 400, 800] if SMALL else [1000, 3000, 10_000, 30_000]
found = {}
for count in counts:
    start = time.perf_counter()
    some = LandmarkTSNE(count, random_state=0).fit_transform(X)
    found[count] = (*judged(some), time.perf_counter() - start)
best = (*judged(full.embedding_), seconds)
print("landmarks   recall at 10   neighbour hit   seconds")
for count, (recall, hit, took) in [*found.items(), ("all", best)]:
    print(f"{count:>9}   {recall:12.3f}   {hit:13.3f}   {took:7.1f}")

figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for i, (ax, name) in enumerate(zip(axes, ("recall at 10", "neighbour hit"), strict=True)):
    ax.semilogx(counts, [found[count][i] for count in counts], "o-", color=plot.PALETTE[0])
    ax.axhline(best[i], color=plot.PALETTE[3])
    ax.annotate("a map of all", (counts[0], best[i]), (0, -12), textcoords="offset points")
    ax.set(xlabel="landmarks", ylabel=name)
    ax.set_ylim(top=best[i] + 0.15 * (best[i] - found[counts[0]][i]))
plt.show()

# %% [markdown]
# If each class has enough landmarks, little of the class structure is lost. Much of the
# neighbourhood structure is lost, because the map only represents neighbours among the landmarks.
# Such a map can show that points belong to the same class, but not which points are most similar
# to each other.
#
# ## Which landmarks?
#
# A random choice represents each group in proportion to its size. A very small group may have no
# landmarks at all. To demonstrate this, we hide 40 points among 40,000, far away from them.

# %%
rng = np.random.default_rng(0)
crowd = datasets.clusters(4000 if SMALL else 40_000, 20, random_state=0).X
rare = crowd.mean(axis=0) + 30 + rng.normal(size=(40, 20)).astype(np.float32)
both = np.concatenate([crowd, rare])
group = np.arange(len(both)) >= len(crowd)  # the last 40
quick = TSNE(n_iter=50, early_exaggeration_iter=50)

print("landmarks in the rare group, out of 400, for each seed:")
for way in ("uniform", "coreset", "stratified"):
    drawn = []
    for seed in range(5):
        chooser = LandmarkTSNE(400, landmarks=way, tsne=quick, random_state=seed)
        drawn.append(int(group[chooser.fit(both, group).landmarks_].sum()))
    print(f"  {way:10}", drawn)

# %% [markdown]
# "coreset" draws half of the landmarks in proportion to their squared distance from the mean, so
# that distant points are drawn more often. "stratified" draws from each label in proportion to
# its size, and at least one point, but the labels have to be known. The drawback of "coreset" is
# that outliers that are only noise are drawn more often too.
#
# ## Moving all points at the end
#
# If all points fit in memory after all, `refine_iter` lets them move together at the end, along
# the gradient of t-SNE.

# %%
start = time.perf_counter()
refined = LandmarkTSNE(many, refine_iter=200, random_state=0)
Y_refined = refined.fit_transform(X)
took = time.perf_counter() - start

figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained")
width = np.ptp(Y, axis=0).max() / 9
for ax, places, title in zip(
    axes, (Y, Y_refined, Y_refined), ("zeros: placed", "refined", "all, refined"), strict=True
):
    size = 3 if title != "all, refined" else None
    plot.scatter(places, y, ax=ax, size=size, legend=None, title=title)
for ax, places in zip(axes[:2], (Y, Y_refined), strict=True):
    middle = np.median(places[y == 0], axis=0)
    ax.set(xlim=middle[0] + np.array([-width, width]), ylim=middle[1] + np.array([-width, width]))
plt.show()

still = TSNE(init=Y, schedule=[{"n_iter": 0}], neighbors=full.neighbors_).fit(X).kl_divergence_
print("                 KL   recall at 10   neighbour hit   seconds")
for name, kl, places, s in (
    ("placed", still, Y, found[many][2]),
    ("refined", refined.refined_.kl_divergence_, Y_refined, took),
    ("a map of all", full.kl_divergence_, full.embedding_, seconds),
):
    recall, hit = judged(places)
    print(f"{name:13} {kl:5.2f}   {recall:12.3f}   {hit:13.3f}   {s:7.1f}")

# %% [markdown]
# The clumps dissolve, and the recall rises nearly to that of a map of all points. For these data,
# a map of all points is better and takes no longer. With millions of points, a few hundred
# iterations do not settle the large-scale structure. The landmarks provide this structure; Kobak
# & Berens (2019) initialise t-SNE in this way.
#
# ## Points that are never all in memory
#
# `X` may be a function that returns an iterator of blocks, or a file. The points here are
# generated when they are requested, and then discarded.


# %%
def block(number, rows=20_000 if not SMALL else 1000):
    """Return points of 200 clusters in 10 groups, and the groups."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 10, 200)
    centres = (rng.normal(size=(10, 50)) * 2)[groups] + 0.6 * rng.normal(size=(200, 50))
    rng = np.random.default_rng([1, number])
    which = rng.integers(0, 200, rows)
    return (centres[which] + rng.normal(size=(rows, 50))).astype(np.float32), groups[which]


n_blocks = 4 if SMALL else 20
model = LandmarkTSNE(many, random_state=0)
model.fit(lambda: (block(number)[0] for number in range(n_blocks)))

start = time.perf_counter()
places = list(model.place(block(number)[0] for number in range(n_blocks)))
took = time.perf_counter() - start
n = sum(map(len, places))
print(f"{n:,} points placed, {n / took:,.0f} a second; held at a time: {len(places[0]):,}")

groups = np.concatenate([block(number)[1] for number in range(n_blocks)])
figure, ax = plt.subplots(figsize=(6.5, 6), layout="constrained")
plot.density(np.concatenate(places), groups, ax=ax, legend=None)
plt.show()

# %% [markdown]
# ## From files to files, and continuing after an interruption
#
# The command line does the same from a `.parquet` file, or a folder of such files, to a folder of
# parts. Here we delete one part, as if the machine had been switched off before it was finished.

# %%
with tempfile.TemporaryDirectory() as folder:
    table = pd.DataFrame(X, columns=[f"pc{i + 1}" for i in range(X.shape[1])])
    table["digit"] = y
    Path(folder, "digits").mkdir()
    for i, start in enumerate(range(0, len(X), len(X) // 3 + 1)):
        rows = table[start : start + len(X) // 3 + 1]
        rows.to_parquet(Path(folder, "digits", f"{i}.parquet"))
    command = [sys.executable, "-m", "bhtsne", "embed", "digits", "-o", "map.parquet",
               "--landmarks", str(many // 4), "--labels", "digit", "--quiet"]  # fmt: skip
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        print(done.stdout)
        print(*sorted(path.name for path in Path(folder, "map.parquet").iterdir()), "\n")
        Path(folder, "map.parquet", "part-00000.parquet").unlink()
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    print(pd.read_parquet(Path(folder, "map.parquet")).head(3))

# %% [markdown]
# Existing parts are never placed again, and the landmarks are not mapped again: their map lies
# beside the parts, under names that parquet readers ignore. With `--dask local`, or the address
# of a cluster's scheduler, the workers share the parts.
#
# ## On Dask
#
# For a Dask array, `transform` returns another Dask array, and computes nothing until it is
# requested. With a `distributed.Client`, the workers place their partitions; without one, the
# threads of this process do. Each point has bit-identical coordinates wherever it is placed.

# %%
X_lazy = da.from_array(X, chunks=(len(X) // 5, X.shape[1]))
model = LandmarkTSNE(many, random_state=0).fit(X_lazy)
lazy = model.transform(X_lazy)
print(lazy)
same = np.array_equal(lazy[:1000].compute(), model.transform(X[:1000]))
print("the same bits as without Dask:", same)

# %% [markdown]
# ## What to try
#
# - Pass `perplexity=30` to `LandmarkTSNE`. What happens to the clumps, and to the recall?
# - Refine for 20, 50 and 500 iterations. Where does the KL divergence stop falling?
# - Start `distributed.Client(n_workers=2, threads_per_worker=1)` before the last cell, and stop one
#   of its workers while it computes. What does the result look like?
# - Choose landmarks with `landmarks="stratified"` and the digits as labels, but so few that each
#   class has 5. Are the classes still separate?
