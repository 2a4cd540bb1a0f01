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
# # A hundred thousand points
#
# This notebook computes a map of 100,000 points on a laptop: first stage by stage, with the time
# and the memory of each stage, then in one line. Computing the map is the shorter half. The
# longer half covers what to check before you rely on the map.
#
# **What you will learn**
#
# - what t-SNE does between the data and the map, and what each stage costs;
# - how to check whether the run was long enough and its forces accurate enough;
# - how to measure what the map preserves of the data, overall and point by point;
# - what a second run shows that a single run cannot;
# - what such a map does not show, however good it is.

# %%
import copy
import os
import resource  # Unix only: on Windows, leave out the lines that use it
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from bhtsne import TSNE, affinities, datasets, forces, initial, metrics, neighbors, plot, schedules

SMALL = "BHTSNE_SMALL" in os.environ  # set by the tests: the same notebook on less data

plt.rcParams.update({"figure.dpi": 72, "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
BLUE, ORANGE, GREEN, RED = plot.PALETTE[:4]
seconds = {}


def timed(stage, function, *args, **options):
    """Call a function, and print its run time and the peak memory of the process so far."""
    began = time.perf_counter()
    result = function(*args, **options)
    seconds[stage] = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak /= 2**30 if sys.platform == "darwin" else 2**20  # bytes on macOS, else KiB
    print(f"{stage:24} {seconds[stage]:6.2f} s, peak {peak:.2f} GiB")
    return result


# %% [markdown]
# ## The data
#
# The data are the 70,000 handwritten digits of MNIST and copies of 30,000 of them, rotated by up
# to 15 degrees. The rotated copies add no information, but they are useful as a check: a map
# should not separate them from the other digits.

# %%
data = datasets.digits() if SMALL else datasets.mnist()
side = round(data.X.shape[1] ** 0.5)
rng = np.random.default_rng(0)
source = rng.choice(len(data.X), len(data.X) * 3 // 7, replace=False)
angle = rng.uniform(-15, 15, len(source))

images = data.X.reshape(-1, side, side)
more = [
    ndimage.rotate(images[i], a, reshape=False, order=1) for i, a in zip(source, angle, strict=True)
]
images = np.concatenate([images, more])
y = np.concatenate([data.y, data.y[source]])
turned = np.arange(len(y)) >= len(data.y)

figure, axes = plt.subplots(2, 12, figsize=(9, 1.7))
for k, (above, below) in enumerate(axes.T):
    above.imshow(images[source[k]], cmap="Greys")
    below.imshow(images[len(data.y) + k], cmap="Greys")
    below.set_xlabel(f"{angle[k]:+.0f}°")
for ax in axes.ravel():
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
figure.suptitle("Twelve digits (top) and their rotated copies (bottom)")
plt.show()

# %% [markdown]
# The nearest neighbours in 784 pixels are almost the same as in the first 50 principal
# components, where the search is much faster. The reduction also removes some noise.

# %%
pixels = images.reshape(len(images), -1)
X = timed("principal components", initial.principal_components, pixels, min(50, side**2))
n = len(X)
print(f"{pixels.shape} {pixels.dtype} → {X.shape} {X.dtype}")

# %% [markdown]
# ## Stage 1: neighbours
#
# t-SNE needs only the nearest neighbours of each point: three times as many as the perplexity,
# which is 30. Up to about 60,000 points the library finds them exactly. For more points it uses a
# forest of random trees, which misses a few neighbours. We run both. To check the approximate
# search, `neighbors.query` finds the true neighbours of a sample among all points; the nearest of
# them is the point itself.

# %%
near = timed("neighbours, exact", neighbors.find, X, 90, method="exact")
forest = timed("neighbours, forest", neighbors.find, X, 90, method="forest", random_state=0)

sample = rng.choice(n, n // 100, replace=False)
truth = neighbors.query(X, X[sample], 91).indices[:, 1:]
for name, graph in (("exact", near), ("forest", forest)):
    kept = [np.isin(a, b).mean() for a, b in zip(truth, graph.indices[sample], strict=True)]
    print(f"{name}: {np.mean(kept):.2%} of the true neighbours found")

# %% [markdown]
# ## Stage 2: affinities
#
# Each point weights its neighbours by a Gaussian, whose width is chosen for each point so that
# the weights have the given perplexity (Hinton & Roweis 2002; van der Maaten & Hinton 2008):
#
# $$ p_{j|i} \propto \exp\!\Big(\!-\frac{\|x_i - x_j\|^2}{2\sigma_i^2}\Big), \qquad
#    -\sum_j p_{j|i} \ln p_{j|i} = \ln 30, \qquad
#    p_{ij} = \frac{p_{j|i} + p_{i|j}}{2N}. $$
#
# $P$ is sparse: only pairs of neighbours have an entry.

# %%
P = timed("affinities", affinities.perplexity, near, 30)

arrays = {
    "points": [X],
    "neighbours": near,
    "affinities": [P.data, P.indices, P.indptr],
}
megabytes = {name: sum(a.nbytes for a in parts) / 1e6 for name, parts in arrays.items()}
print(f"{P.nnz:,} affinities above 0, {P.nnz / n:.0f} a point; they sum to {P.sum():.6f}")
print({name: f"{size:.0f} MB" for name, size in megabytes.items()})
print(f"All pairs would take {4 * n**2 / 1e6:,.0f} MB")

# %% [markdown]
# ## Stage 3: the start
#
# The map starts from the first two principal components, scaled to a standard deviation of
# $10^{-4}$. The clusters begin in the arrangement that they have in the data, but close enough to
# pass each other (Kobak & Berens 2019).

# %%
start = timed("start", initial.pca, X)

# %% [markdown]
# ## Stage 4: the descent
#
# Gradient descent minimises the KL divergence, with the repulsion summed by a tree (Barnes & Hut
# 1986; van der Maaten 2014):
#
# $$ \mathrm{KL}(P\|Q) = \sum_{i \neq j} p_{ij} \ln \frac{p_{ij}}{q_{ij}}, \quad
#    q_{ij} = \frac{w_{ij}}{Z}, \quad w_{ij} = \frac{1}{1 + \|y_i - y_j\|^2}, \quad
#    \frac{\partial\,\mathrm{KL}}{\partial y_i}
#    = 4 \sum_j \big(p_{ij} - q_{ij}\big) w_{ij} (y_i - y_j), $$
#
# where $Z$ is the sum of $w$ over all pairs. At first the attraction is exaggerated, so that
# clusters form; the exaggeration is then reduced in steps, and the map unfolds. The learning rate
# is $N$ divided by the exaggeration (Belkina et al. 2019). While the map is rough, less accurate
# forces are sufficient: θ, the angle up to which a part of the tree counts as one point, is
# larger, and for this many points only the largest affinities of each point are used. The last
# phase uses all affinities, the θ of the fit, and a low momentum. All phases except the one with
# the highest momentum use the same repulsion for two or three iterations, since it changes little
# from one iteration to the next. `TSNE` takes the neighbours and the start computed above; a
# callback records the map during the run.

# %%
print("iterations   exaggeration   learning rate   momentum      θ   affinities   repulsion every")
for phase in schedules.phases("fast", n, theta=TSNE().theta):
    print(
        f"{phase.n_iter:10} {phase.exaggeration:14g} {phase.learning_rate:15,.0f} "
        f"{phase.momentum:10} {phase.theta:6.2f} {phase.affinity_share:12.2f} "
        f"{phase.repulsion_every:17}"
    )

frames = [start]
model = TSNE(
    neighbors=near, init=start, callbacks=[lambda record, Y: frames.append(Y)], random_state=0
)
timed("descent", model.fit, X)
Y = model.embedding_
print({stage: f"{took:.2f} s" for stage, took in model.timings_.items()})

# %%
shown = [0, len(frames) // 4, len(frames) // 2, -1]
iterations = [0] + [record.iteration for record in model.history_]
plot.small_multiples(
    [frames[k] for k in shown], y, titles=[f"iteration {iterations[k]}" for k in shown], n_columns=4
)
plt.show()

print("standard deviation of the map:", *(f"{frames[k].std():.2g}" for k in shown), sep="  ")

# %% [markdown]
# The panels have different scales: the map grows by several orders of magnitude.
#
# ## All of it in one line
#
# `fit` runs the same stages one after another. The same seed gives the same map to the last bit.

# %%
whole = timed("the whole fit", TSNE(neighbors="exact", random_state=0).fit, X)
print({stage: f"{took:.2f} s" for stage, took in whole.timings_.items()})
print("the same bits:", np.array_equal(whole.embedding_, Y))

# %%
stages = ["principal components", "neighbours, exact", "affinities", "start", "descent"]
megabytes["map, step, gains"] = 3 * Y.nbytes / 1e6
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 2.6))
bars = left.barh(stages[::-1], [seconds[stage] for stage in stages[::-1]], color=BLUE)
left.bar_label(bars, fmt="%.1f s", padding=3)
left.set(xlabel="time (s)", title=f"Time, {n:,} points")
bars = right.barh(list(megabytes)[::-1], list(megabytes.values())[::-1], color=ORANGE)
right.bar_label(bars, fmt="%.1f MB", padding=3)
right.set(xlabel="size (MB)", title="Size of the arrays")
for ax in (left, right):
    ax.margins(x=0.15)
plt.show()

# %% [markdown]
# Only the exact search for neighbours grows with $N^2$, which is why the forest replaces it for
# larger data. The largest array is $P$.

# %%
plot.scatter(Y, y, ax=plt.figure(figsize=(5.8, 5.8)).gca(), title=f"{n:,} digits")
plt.show()

# %% [markdown]
# The picture looks good. Is it correct?
#
# ## Check 1: was the run long enough, and were the forces accurate?
#
# `history_` contains the KL divergence every 50 iterations, and `force_error`, the error of the
# tree on a sample of 200 points whose repulsion is summed exactly. A copy of the model continues
# for 250 more iterations, to show what they change.

# %%
further = copy.deepcopy(model)
timed("250 iterations more", further.optimize, 250)
kl = [record.kl for record in further.history_]
at = [record.iteration for record in further.history_]

every = forces.repulsion(Y, method="exact").force
tree = forces.repulsion(Y, theta=model.theta_).force
error = np.linalg.norm(tree - every) / np.linalg.norm(every)
print(f"KL {model.kl_divergence_:.4f}, after 250 more {further.kl_divergence_:.4f}")
for step in (model.n_iter_, model.n_iter_ + 50, further.n_iter_):
    before, now = np.interp((step - 50, step), at, kl)
    rate = (before / now - 1) / 50
    print(f"  relative decrease before iteration {step}: {rate:.1e} per iteration")
print(f"force error: {model.history_[-1].force_error:.1e} on the sample, {error:.1e} on all points")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6))
for run, colour, label in ((further, ORANGE, "250 more"), (model, BLUE, "the run")):
    steps = [record.iteration for record in run.history_]
    left.plot(steps, [record.kl for record in run.history_], "o-", color=colour, label=label)
    errors = [record.force_error for record in run.history_]
    right.semilogy(steps, errors, "o-", color=colour, label=label)
left.set(xlabel="iteration", ylabel="KL divergence (nats)", title="Is it still falling?")
right.set(xlabel="iteration", ylabel="relative RMS error", title="Repulsion", ylim=(1e-5, 1e-1))
right.axhline(1e-3, color="grey", ls=":", label="one thousandth")
for ax in (left, right):
    ax.legend(frameon=False)
plt.show()

# %% [markdown]
# The KL divergence is still falling at the end of the run, but little is left to gain: during the
# additional iterations it is almost constant. The schedule ends with a phase of lower momentum,
# which damps oscillating points; the steep part before it belongs to the phases of high momentum.
# The first rate includes some of that part, since checks are 50 iterations apart. t-SNE could
# continue for thousands of iterations, each of which brings less than the one before. The effect
# of 250 more iterations on the map is measured below. `TSNE(stopping=optimizer.Stopping(1e-4))`
# ends a run when the KL divergence falls by less than a ten-thousandth of its value per
# iteration. If the orange part of the curve is steep, use more iterations.
#
# The force error is above a thousandth while θ is large. In these phases the map is rough, and
# later iterations can correct the errors of the tree. In the last phase, which determines the
# final positions of the points, the error is below a thousandth, so the tree does not limit the
# quality of this map. The sample of 200 points is enough to estimate the error over all points.
#
# ## Check 2: what does the map preserve of the data?
#
# **Recall** measures how many of a point's ten nearest neighbours in the data are among its ten
# nearest in the map. **Trustworthiness** (Venna & Kaski 2001) measures the reverse, and takes
# into account how far away the false neighbours are in the data. It compares ranks among all
# points, which takes $O(N^2)$ time; a sample of a tenth is sufficient. Note that neighbours in a
# sample are farther away than neighbours among all points.

# %%
maps = {"the run": Y, "250 more": further.embedding_, "the start": start}
some = rng.choice(n, n // 10, replace=False)
print("recall by chance:", f"{10 / (n - 1):.4f}")
for name, one in maps.items():
    recall = [metrics.neighbor_recall(near, one, k) for k in (10, 30)]
    trust = metrics.trustworthiness(X[some], one[some], 10)
    print(f"{name:10} recall {recall[0]:.3f} of 10, {recall[1]:.3f} of 30; trustworthy {trust:.3f}")

# %% [markdown]
# A recall well below 1 is not a fault of the run: fifty dimensions do not fit into two. It
# matters for reading the map: the nearest point on the map is often *not* the nearest in the
# data, but the high trustworthiness shows that it is close in the data. To find the neighbours of
# a single point, use the data.
#
# ## Check 3: where is the map wrong?
#
# The KL divergence is a sum over points; `kl_per_point_` is the share of each point. It is large
# for points whose neighbours the map could not bring together.

# %%
mean_share = model.kl_divergence_ / n
share = model.kl_per_point_ / mean_share
_, (left, right) = plt.subplots(1, 2, figsize=(10, 4.7), width_ratios=(1.3, 1))
plot.scatter(Y, share, ax=left, title="Share of the divergence (mean = 1)")
right.boxplot([share[y == c] for c in range(10)], showfliers=False, medianprops={"color": RED})
right.set_xticks(range(1, 11), range(10))
right.set(xlabel="digit", ylabel="share (mean = 1)", title="The same, by class")
plt.show()

# %%
figure, axes = plt.subplots(1, 12, figsize=(10, 1.5))
for ax, i in zip(axes, np.argsort(-share)[:12], strict=True):
    ax.imshow(images[i], cmap="Greys")
    ax.set(xticks=[], yticks=[], xlabel=f"a {y[i]}, {share[i]:.1f}")
    ax.spines[:].set_visible(False)
figure.suptitle("The digits that the map misplaces most, and their shares (mean = 1)")
plt.show()

# %% [markdown]
# Some classes fit better than others, and within each class the fit varies from point to point. A
# whole region of one colour would be a warning sign: a cluster that was split in two, or pushed
# into another.
#
# ## Check 4: a second run
#
# What two runs from different starts have in common comes from the data. What differs is due to
# chance or to the start. The second run starts from random points, without any information about
# the global arrangement.

# %%
second = TSNE(neighbors=near, init="random", random_state=1)
timed("second run", second.fit, X)
Y2 = metrics.align(second.embedding_, Y).Y

axes = plot.small_multiples([Y, Y2], y, titles=["PCA start", "random start"])
plt.show()

around = neighbors.find(Y, 10)
print(f"KL {model.kl_divergence_:.3f} and {second.kl_divergence_:.3f}")
for name, other in (("250 more", further.embedding_), ("second run", Y2)):
    left = metrics.align(other, Y).disparity
    shared = metrics.neighbor_recall(around, other)
    print(f"{name}: {shared:.0%} of ten map neighbours shared, {left:.0%} of the variance left")

# %% [markdown]
# The KL divergence is nearly the same, and so are the groups: points that are together on one map
# are together on the other. However, a considerable part of a point's nearest neighbours on the
# map is due to chance. The arrangement of the clusters also differs: after the best translation,
# rotation and scaling, most of the variance is left. So you can rely on the clusters, but not,
# without further evidence, on which of them are next to each other. In contrast, the points
# hardly move when the first run is continued.
#
# ## Check 5: are classes whole, and are known effects absent?
#
# These data have labels. A class is whole if links between near neighbours of the same class
# connect all its points. We count the connected pieces that contain at least a twentieth of the
# class, and the share of strays, which are points in none of these pieces. In addition, the
# rotated digits should be mixed with the rest.


# %%
def pieces(one, k=15):
    """Return the sizes of a map's pieces, class by class, and the k neighbours of each point."""
    around = neighbors.find(one, k).indices
    rows, columns = np.repeat(np.arange(n), k), around.ravel()
    same = y[rows] == y[columns]
    graph = sparse.coo_array((same[same], (rows[same], columns[same])), shape=(n, n))
    piece = connected_components(graph, directed=False)[1]
    return [np.bincount(piece[y == c]) for c in range(10)], around


for name, one in (("the run", Y), ("second run", Y2)):
    sizes, around = pieces(one)
    large = [s[s >= s.sum() / 20] for s in sizes]
    strays = 1 - sum(s.sum() for s in large) / n
    vote = np.array([np.bincount(labels).argmax() for labels in y[around[:, :5]]])
    print(f"{name}: {sum(map(len, large))} large pieces of 10 classes, {strays:.1%} strays")
    print(f"  label by the five nearest on the map: {np.mean(vote == y):.2%} right")
    print(
        f"  rotated: {turned.mean():.0%} of all, {turned[around[turned]].mean():.1%} of neighbours"
    )

# %%
plot.scatter(
    Y,
    np.where(turned, "rotated", "original"),
    ax=plt.figure(figsize=(5.6, 4.8)).gca(),
    legend="beside",
)
plt.show()

# %% [markdown]
# If a class is in pieces in one run but not in the other, the run is the cause; if it is in
# pieces in all runs, the data may be the cause. The last line of each block gives the share of
# rotated digits among all digits, which is the value for perfect mixing, and among the neighbours
# of rotated digits. With real data, colour the map by everything that should *not* matter: batch,
# instrument, date, number of counts.
#
# ## What the map does not show
#
# Each point has a Gaussian of its own width, so dense and sparse regions look alike: the size of
# a cluster on the map is not its spread in the data. The KL divergence also does not keep
# clusters at their true distance once they are separated.

# %%
places = {"data": X, "the run": Y, "second run": Y2}
spread, distance = {}, {}
for name, points in places.items():
    centre = [np.median(points[y == c], axis=0) for c in range(10)]
    off = [np.median(np.linalg.norm(points[y == c] - centre[c], axis=1)) for c in range(10)]
    spread[name], distance[name] = off / np.mean(off), pdist(centre) / pdist(centre).mean()

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))
for name, colour in (("the run", BLUE), ("second run", ORANGE)):
    left.scatter(spread["data"], spread[name], color=colour, label=name)
    right.scatter(distance["data"], distance[name], color=colour, label=name, s=15)
    said = spearmanr(distance["data"], distance[name]).statistic
    print(f"{name}: rank correlation of distances between classes, map and data {said:.2f}")
said = spearmanr(distance["the run"], distance["second run"]).statistic
print(f"rank correlation of distances between classes, one run and the other {said:.2f}")
for c in range(10):
    top = max(spread["the run"][c], spread["second run"][c])
    left.annotate(c, (spread["data"][c], top), (0, 5), textcoords="offset points", ha="center")
left.set(xlabel="in the data", ylabel="on the map", title="Spread of the digits (mean = 1)")
right.set(xlabel="in the data", title="Distance between two digits (mean = 1)")
for ax in (left, right):
    ax.axline((1, 1), slope=1, color="grey", ls=":", label="as in the data")
right.legend(frameon=False)
plt.show()

# %% [markdown]
# Left: if the map preserved the spread, the points would lie on the dotted line. The ones are by
# far the most compact class in the data and among the widest on both maps. Right: distances on
# the map follow those in the data loosely in the run that started from the principal components,
# and less so in the other run.
#
# A map shows roughly which points are neighbours, and which points form groups. Do not interpret
# size, density, the distance between groups, the empty space between them, or the axes, which
# have no meaning at all.

# %% [markdown]
# ## What to try
#
# - Use perplexity 10 and 90: which checks change, and which picture would you have trusted? For
#   10, pass `neighbors=near`; for 90, find 270 neighbours first.
# - Change half of the labels to another class at random and repeat check 5. Would you have
#   noticed this in the picture?
# - Rotate by up to 60 degrees instead of 15. From which angle on are the rotated digits no longer
#   mixed with the others?
# - Run `TSNE(schedule="opentsne")` and `TSNE(stopping=optimizer.Stopping(1e-4))` on the same
#   neighbours, and compare KL divergence, recall and run time.
#
# ## References
#
# Barnes & Hut 1986, *A hierarchical O(N log N) force-calculation algorithm*. Belkina et al. 2019,
# *Automated optimized parameters for t-SNE*. Hinton & Roweis 2002, *Stochastic neighbor embedding*.
# Kobak & Berens 2019, *The art of using t-SNE for single-cell transcriptomics*. van der Maaten &
# Hinton 2008, *Visualizing data using t-SNE*. van der Maaten 2014, *Accelerating t-SNE using
# tree-based algorithms*. Venna & Kaski 2001, *Neighborhood preservation in nonlinear projection
# methods*.
