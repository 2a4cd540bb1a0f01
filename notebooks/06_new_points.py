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
# # New points on a fitted map
#
# t-SNE is often said to give no transform for unseen data. Here 10,000 new digits are placed on the
# map of 60,000 others, which stays as it is, and we look at when their places mean something and
# when they do not.
#
# **What you will learn**
#
# - why t-SNE has no transform of its own, and the equation by which `transform` places a point
# - how good the places are, measured against fitting everything together
# - that a point's place depends on nothing but the point and the map: alone, in a batch, in any
#   order, after saving and loading, to the bit
# - that a map never says "I do not know this", and which number says it instead
# - what `add` and `optimize` do, in which the map moves

# %%
import os
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from bhtsne import TSNE, datasets, metrics, neighbors, plot

SMALL = "BHTSNE_SMALL" in os.environ  # set by the tests: the same notebook on less data
plt.rcParams.update({"figure.dpi": 64, "axes.spines.top": False, "axes.spines.right": False})
BLUE, RED = plot.PALETTE[0], plot.PALETTE[3]

X, y, _ = datasets.digits() if SMALL else datasets.mnist()
images = X.astype(np.float32) / X.max()
n_new = 500 if SMALL else 10_000  # the last ones; of MNIST, its test set
images_new, y_old, y_new = images[-n_new:], y[:-n_new], y[-n_new:]
pca = PCA(50, random_state=0).fit(images[:-n_new])  # of the old points alone
old, new = pca.transform(images[:-n_new]), pca.transform(images_new)
print(f"to fit: {old.shape}, to place: {new.shape}")

model = TSNE(random_state=0).fit(old)
fitted = model.embedding_
extent = np.ptp(fitted, axis=0).max()
print(f"KL divergence {model.kl_divergence_:.3f}, extent of the map {extent:.0f}")

# %% [markdown]
# ## How a point is placed
#
# A network or PCA learns a function from $x$ to $y$. t-SNE does not: the coordinates $y_i$ *are*
# its parameters, moved by the gradient until they fit. A point that was not there has none. But the
# same idea holds for one more point, if all others are held fixed (Poličar, Stražar & Zupan 2021).
# A new point $i$ has affinities to its nearest fitted points, at perplexity 5,
#
# $$p_{j|i} \propto \exp\left(-\|x_i - x_j\|^2 / 2\sigma_i^2\right),$$
#
# and similarities on the map, normalised for this point alone, over all $N$ fitted ones:
#
# $$q_{j|i} = \frac{w_{ij}}{Z_i}, \qquad w_{ij} = \frac{1}{1 + \|y_i - y_j\|^2}, \qquad
# Z_i = \sum_{j=1}^N w_{ij}.$$
#
# It starts at the mean of its neighbours' places, weighted by $p_{j|i}$, and goes where
# $\mathrm{KL}(P_i \| Q_i) = \sum_j p_{j|i} \ln (p_{j|i} / q_{j|i})$ is least, along
#
# $$\frac{\partial\, \mathrm{KL}(P_i \| Q_i)}{\partial y_i} =
# 2 \sum_j \left(p_{j|i} - q_{j|i}\right) w_{ij} \left(y_i - y_j\right).$$
#
# The gradient of t-SNE has a factor 4, since there each pair counts twice, as $p_{ij}$ and
# $p_{ji}$; here only one end of the pair moves. Far from its neighbours a point would hardly feel
# it. So a step is the gradient divided by $2 \sum_j p_{j|i} w_{ij}$, the curvature of a parabola
# that touches the attraction from above: the farther away, the longer. Thirty such steps do. The
# attraction is multiplied by 1.5, which brings a point a little closer to its kind.
#
# In all this no other new point occurs. So each has a place of its own, however many come with it,
# and the tree of the fitted map, built once, sums the repulsion.

# %%
placed = model.transform(new)


def show_placed(ax, fitted, placed, labels, title, legend=None):
    """Draw new points over a fitted map in grey."""
    plot.scatter(fitted, [None] * len(fitted), ax=ax, alpha=0.5)
    plot.scatter(placed, labels, ax=ax, size=3, alpha=0.8, legend=legend, title=title)


figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.9), layout="constrained")
plot.scatter(fitted, y_old, ax=left, legend="in place", title=f"{len(old):,} fitted digits")
show_placed(right, fitted, placed, y_new, f"{len(new):,} new ones, placed on their map", "in place")
plt.show()

# %% [markdown]
# The new digits fall into the clusters of their kind, and into the same gaps.
#
# ## How good are the places?
#
# Measured by a vote: the label that most of the 5 nearest *fitted* digits have, against the true
# one. For comparison the same vote in the data (50 principal components), and on a map on which old
# and new were fitted together.


# %%
def accuracy(points, labels, others, truth):
    """Return how often the 5 nearest points tell the label of others."""
    return KNeighborsClassifier(5).fit(points, labels).score(others, truth)


together = TSNE(random_state=0).fit(np.concatenate([old, new])).embedding_
ways = {
    "the start alone (n_iter=0)": model.transform(new, n_iter=0),
    "placed (default)": placed,
    "placed at perplexity 30": model.transform(new, perplexity=30),
}
print("5-NN label accuracy of the new digits")
print(f"  {'in the data':30s} {accuracy(old, y_old, new, y_new):.4f}")
apart = together[: len(old)], y_old, together[len(old) :], y_new
print(f"  {'fitted together with the old':30s} {accuracy(*apart):.4f}")
for name, Y in ways.items():
    print(f"  {name:30s} {accuracy(fitted, y_old, Y, y_new):.4f}")

# %% [markdown]
# Placing costs less than a digit in a hundred against fitting all together. (That is a little
# better than the vote in the data, since the new digits pull each other to their kind.) The
# weighted mean alone is worse: a point with neighbours in two clusters starts between them, and the
# optimisation settles it for one. A larger perplexity is no better: it asks more neighbours, who
# disagree more often.
#
# ### Fitted points, placed anew
#
# A fitted point that is placed as if it were new should land where it is. How far off does it land,
# as a part of the map's extent?

# %%
some = slice(0, 10_000)
moved = np.linalg.norm(model.transform(old[some]) - fitted[some], axis=1) / extent
for part in (0.5, 0.9, 0.99):
    print(f"{part:4.0%} within {np.quantile(moved, part):.6f} of the extent")
print(f"further off than a hundredth of it: {(moved > 0.01).sum()} of {len(moved):,} points")

# %% [markdown]
# Beside themselves: each has its own old place among its neighbours, at distance 0.
#
# ### One by one, in a batch, in any order

# %%
alone = np.concatenate([model.transform(point[None]) for point in new[:20]])
backwards = model.transform(new[::-1])[::-1]
print("one by one, same bits:   ", bool((alone == placed[:20]).all()))
print("in reverse, same bits:   ", bool((backwards == placed).all()))

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "digits.npz")
    model.save(path)
    megabytes = path.stat().st_size / 1e6
    loaded = TSNE.load(path)
print("from a file, same bits:  ", bool((loaded.transform(new) == placed).all()))
print(f"{megabytes:.0f} MB: parameters, points, neighbours, affinities and map, as plain arrays")

# %% [markdown]
# So a model can be fitted once, kept in a file, and used by another program, on another day, on
# points that come one after another: the map is a coordinate system that stays.
#
# ### What it costs

# %%
print("new points   seconds   per point")
for m in (1, 10, 100, 1000, len(new)):
    begin = time.perf_counter()
    model.transform(new[:m])
    seconds = time.perf_counter() - begin
    print(f"{m:10,} {seconds:9.3f} {1e3 * seconds / m:8.3f} ms")

# %% [markdown]
# There is a part that any call pays, nearly all of it to prepare the search among the fitted
# points, and a part that grows with the number of new ones. So send them in batches if you have
# many.
#
# ## When not to trust it: a class that was not there
#
# `transform` always returns a place. What if the fitted data hold nothing like the new point? Let
# us fit the same map without the digit 9, and place the 9s among the new digits.

# %%
MISSING = 9
known, unknown = y_new != MISSING, y_new == MISSING
kept = y_old != MISSING
without = TSNE(random_state=0).fit(old[kept])
placed_without = without.transform(new)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.9), layout="constrained")
plot.scatter(without.embedding_, y_old[kept], ax=left, legend="in place", title="fitted without 9")
plot.scatter(without.embedding_, [None] * kept.sum(), ax=right, alpha=0.5)
right.scatter(*placed_without[unknown].T, s=4, linewidths=0, color=plot.PALETTE[MISSING])
right.set_title(f"{unknown.sum():,} new 9s, placed on it")
plt.show()

votes = KNeighborsClassifier(5).fit(without.embedding_, y_old[kept])
counts = np.bincount(votes.predict(placed_without[unknown]), minlength=10)
print("the 9s land among:", {digit: int(count) for digit, count in enumerate(counts) if count})
rest = votes.score(placed_without[known], y_new[known])
print(f"5-NN label accuracy of all other new digits: {rest:.4f}")

# %% [markdown]
# Most 9s lie among the digits most like them, 4s and 7s, as if they belonged there, and the others
# here and there. Nothing in the picture tells: no region is kept free for the unknown. The gradient
# above has no term that could push a point away from *all* clusters, since $\sum_j p_{j|i} = 1$
# whatever the distances are.
#
# What does tell is the distance in the **data**, before it was normalised away: from the new point
# to its nearest fitted ones, compared with their own distances to theirs (the idea of the local
# outlier factor; Breunig et al. 2000),
#
# $$s_i = \frac{\text{mean distance of } i \text{ to its 5 nearest fitted points}}
# {\text{mean distance of those to their own 5 nearest}}.$$
#
# Near 1 the point is one of them. And the same ratio on the map, for comparison.


# %%
def strangeness(points, own, others):
    """Return the distances of others to their 5 nearest points by those of these to theirs."""
    near = neighbors.query(points, others, 5)
    return near.distances.mean(axis=1) / own[near.indices].mean(axis=1)


own = without.neighbors_.distances[:, :5].mean(axis=1)
own_on_map = neighbors.find(without.embedding_, 5).distances.mean(axis=1)
ratios = {
    "in the data": strangeness(old[kept], own, new),
    "on the map": strangeness(without.embedding_, own_on_map, placed_without),
}
figure, axes = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", sharey=True)
bins = np.linspace(0.4, 2.6, 67)
for ax, (name, ratio) in zip(axes, ratios.items(), strict=True):
    for group, colour, label in ((known, BLUE, "digits that were fitted"), (unknown, RED, "9s")):
        ax.hist(ratio[group], bins, density=True, color=colour, alpha=0.6, label=label)
    area = roc_auc_score(unknown, ratio)
    ax.set(title=f"{name}: area under the ROC curve {area:.3f}", xlabel="ratio of distances $s$")
axes[0].set_ylabel("density")
axes[0].legend(frameon=False)
plt.show()

# %% [markdown]
# The area under the ROC curve is the chance that a random 9 has a larger ratio than a random digit
# of a known class: 1 is perfect, 0.5 says nothing. In the data the two are well apart; on the map
# they nearly coincide.
#
# Is 9 a lucky choice? The ratio in the data needs no map, so here each digit is left out in turn,
# with every third of the others, to be quick; and beside it the plain distance, not compared with
# the neighbours' own.

# %%
print("left out   area under the ROC curve: by the ratio   by the distance alone")
for digit in range(10):
    stays = old[y_old != digit][::3]
    own = neighbors.find(stays, 5).distances.mean(axis=1)
    ratio = strangeness(stays, own, new)
    distance = neighbors.query(stays, new, 5).distances.mean(axis=1)
    areas = [roc_auc_score(y_new == digit, score) for score in (ratio, distance)]
    print(f"{digit:8d} {areas[0]:34.3f} {areas[1]:20.3f}")

# %% [markdown]
# The ratio finds strangers of every kind, those that are 1s least well. The plain distance fails
# for them altogether: 1s are so much alike that a 1 is nearer to strangers than many an 8 is to its
# own kind, and it is behind for 4, 7 and 9, which have look-alikes among the rest. For the others
# it does a little better.
#
# ## When not to trust it: shifted data
#
# The second danger is data of known classes that were recorded otherwise. Three ways to spoil the
# new images: noise, moved to the right by a tenth of their width, and dark and bright exchanged.

# %%
side = int(images.shape[1] ** 0.5)
noise = np.random.default_rng(0).normal(0, 0.5, images_new.shape)
right_by = np.roll(images_new.reshape(-1, side, side), 1 if SMALL else 3, axis=2)
spoilt = {
    "as they are": images_new,
    "noisy": np.clip(images_new + noise, 0, 1).astype(np.float32),
    "moved": right_by.reshape(images_new.shape),
    "inverted": 1 - images_new,
}
points = {name: pca.transform(pixels) for name, pixels in spoilt.items()}
places = {name: model.transform(each) for name, each in points.items()}

figure, axes = plt.subplots(2, 4, figsize=(12, 4.2), layout="constrained", height_ratios=[1, 3.6])
for (above, below), (name, pixels) in zip(axes.T, spoilt.items(), strict=True):
    above.imshow(np.hstack(pixels[:4].reshape(4, side, side)), cmap="gray", vmin=0, vmax=1)
    above.set_axis_off()
    above.set_title(name)
    show_placed(below, fitted, places[name], y_new, None)
    below.set(xlim=np.array([-0.56, 0.56]) * extent, ylim=np.array([-0.56, 0.56]) * extent)
plt.show()

# %%
own = model.neighbors_.distances[:, :5].mean(axis=1)
ratios = {name: strangeness(old, own, each) for name, each in points.items()}
left_out = {
    name: np.linalg.norm(pixels - pca.inverse_transform(points[name]), axis=1)
    for name, pixels in spoilt.items()
}
figure, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
for i, (name, ratio) in enumerate(ratios.items()):
    bins = np.linspace(0.6, 2.6, 81)
    ax.hist(ratio, bins, histtype="step", linewidth=1.5, label=name, color=plot.PALETTE[i])
ax.set(xlabel="ratio of distances $s$", ylabel="images")
ax.legend(frameon=False)
plt.show()

print("                         area under the ROC curve, against the images as they are")
print("             accuracy    by the ratio   by what the components leave out")
truth = np.repeat([0, 1], len(new))
for name in list(spoilt)[1:]:
    pairs = [(each["as they are"], each[name]) for each in (ratios, left_out)]
    areas = [roc_auc_score(truth, np.concatenate(pair)) for pair in pairs]
    score = accuracy(fitted, y_old, places[name], y_new)
    print(f"{name:12s} {score:8.3f} {areas[0]:15.3f} {areas[1]:16.3f}")

# %% [markdown]
# - **Noisy**: the map shows no difference. Noise is spread over all pixels, and 50 components see
#   little of it, so the places are nearly as good. The ratio notices; what the components leave out
#   of an image (the length of the image less its reconstruction) gives it away at once.
# - **Moved**: a shift that a reader would hardly see, and half of the digits lie among others.
#   There is no sign of it but the wrong colours, which you do not have when labels are what you
#   want to know.
# - **Inverted**: nearly all are wrong. Still, each has its place on the map.
#
# So before you read anything from the places of new points, compare distances *in the data* with
# those of the fitted points, both in the components that are searched and in what they leave out.
#
# ## Where the map may move: add and optimize
#
# If new points are to change the map, `add` places them by `transform`, finds neighbours and
# affinities anew among all, and then lets *every* point move along the gradient of t-SNE, old ones
# from where they are. `optimize` goes on with a fitted map in the same way, to the bit as if it had
# not stopped. Here the 9s that were left out come back: first without any step, then with 150.

# %%
grown = without.add(old[~kept], n_iter=0)
order = np.concatenate([np.flatnonzero(kept), np.flatnonzero(~kept)])  # of its points, among old
labels, before = y_old[order], grown.embedding_
kl_before = grown.kl_divergence_
grown.optimize(150)
anew = metrics.align(fitted[order], grown.embedding_).Y  # the first map, all fitted at once

maps = {
    "9s placed": before,
    "150 iterations later": grown.embedding_,
    "all fitted at once": anew,
}
axes = plot.small_multiples(list(maps.values()), labels, titles=list(maps), n_columns=3)

print(f"KL divergence before {kl_before:.3f}, after {grown.kl_divergence_:.3f}")
print(f"all fitted at once: {model.kl_divergence_:.3f}")
steps = np.linalg.norm(grown.embedding_ - before, axis=1)[: kept.sum()] / extent
print(f"old points moved by {np.median(steps):.3f} of the extent (median)")
for name, Y in maps.items():
    near = neighbors.find(Y, 5).indices[labels == MISSING]
    print(f"{name:22s}: {(labels[near] == MISSING).mean():.3f} of a 9's nearest 5 are 9s")

# %% [markdown]
# The KL divergence of all points falls while old points move by a few hundredths of the extent, so
# you can still find your way. The 9s have gathered in patches inside the 4s and 7s, where most of a
# 9's neighbours are now 9s. But they have not become one cluster, as in a map of all at once:
# repulsion keeps them from crossing other clusters. So
#
# - `transform` for points of known kinds, if the map is to stay,
# - `add` for more of the same, if the map is to take notice of them,
# - a new `fit` for a new class.

# %% [markdown]
# ## What to try
#
# - Put the principal components into the model: `sklearn.pipeline.make_pipeline(PCA(50), TSNE())`
#   has `transform` too.
# - Leave out 1 or 0 instead of 9 (`MISSING`). Do they land in one cluster, or all over the map?
# - Choose a limit for the ratio $s$ such that it raises a false alarm for one in a hundred of the
#   known digits. What part of the 9s, and of the moved images, does it catch?
# - Place points with `n_iter=0`, 5 and 30, and with `init="median"`. Which of the points move
#   most?
