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
# t-SNE is often said to have no transform for unseen data. This notebook places 10,000 new digits
# on the map of 60,000 others, which does not change, and examines when their positions are
# meaningful and when they are not.
#
# **What you will learn**
#
# - why t-SNE has no transform of its own, and the equation by which `transform` places a point
# - how good the positions are, compared with fitting everything together
# - that a point's position depends only on the point and the map: it is bit-identical whether the
#   point comes alone, in a batch, in any order, or after saving and loading
# - that a map never shows that a point is unlike the fitted data, and which measure does
# - what `add` and `optimize` do, which let the map change

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
n_new = 500 if SMALL else 10_000  # the last ones; for MNIST, its test set
images_new, y_old, y_new = images[-n_new:], y[:-n_new], y[-n_new:]
pca = PCA(50, random_state=0).fit(images[:-n_new])  # from the old points alone
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
# its parameters, and the gradient fits them to the data. A new point has no such parameters. But
# the same idea works for one more point, if all others are held fixed (Poličar, Stražar & Zupan
# 2021). A new point $i$ has affinities to its nearest fitted points, at perplexity 5,
#
# $$p_{j|i} \propto \exp\left(-\|x_i - x_j\|^2 / 2\sigma_i^2\right),$$
#
# and similarities on the map, normalised for this point alone, over all $N$ fitted points:
#
# $$q_{j|i} = \frac{w_{ij}}{Z_i}, \qquad w_{ij} = \frac{1}{1 + \|y_i - y_j\|^2}, \qquad
# Z_i = \sum_{j=1}^N w_{ij}.$$
#
# The point starts at the mean of its neighbours' positions, weighted by $p_{j|i}$, and moves to
# minimise $\mathrm{KL}(P_i \| Q_i) = \sum_j p_{j|i} \ln (p_{j|i} / q_{j|i})$ along the gradient
#
# $$\frac{\partial\, \mathrm{KL}(P_i \| Q_i)}{\partial y_i} =
# 2 \sum_j \left(p_{j|i} - q_{j|i}\right) w_{ij} \left(y_i - y_j\right).$$
#
# The gradient of t-SNE has a factor 4, because each pair counts twice there, as $p_{ij}$ and
# $p_{ji}$. Here only one point of the pair moves. Far from its neighbours, a point has a very
# small gradient. Each step is therefore the gradient divided by $2 \sum_j p_{j|i} w_{ij}$, the
# curvature of a parabola that touches the attraction from above: the farther away the point, the
# longer the step. Thirty such steps suffice. The attraction is multiplied by 1.5, which brings a
# point a little closer to similar points.
#
# No other new point occurs in these equations. The position of a point therefore does not depend
# on the other new points, and the tree of the fitted map, built once, sums the repulsion.

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
# The new digits lie in the clusters of their classes, and in the same gaps.
#
# ## How good are the positions?
#
# For each new digit, we compare the most frequent label among its 5 nearest *fitted* digits with
# its true label. For comparison, we do the same in the data (50 principal components), and on a
# map on which old and new digits were fitted together.


# %%
def accuracy(points, labels, others, truth):
    """Return how often the 5 nearest points predict the label of others."""
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
# Compared with fitting all digits together, placing misclassifies less than one more digit in a
# hundred. (Fitting together is a little better than the nearest neighbours in the data, because
# the new digits attract each other towards their class.) The weighted mean alone is worse: a
# point with neighbours in two clusters starts between them, and the optimisation moves it into
# one. A larger perplexity is no better: it includes more neighbours, which disagree more often.
#
# ### Placing fitted points again
#
# A fitted point that is placed as if it were new should land at its own position. The next cell
# measures how far off it lands, as a fraction of the map's extent.

# %%
some = slice(0, 10_000)
moved = np.linalg.norm(model.transform(old[some]) - fitted[some], axis=1) / extent
for part in (0.5, 0.9, 0.99):
    print(f"{part:4.0%} within {np.quantile(moved, part):.6f} of the extent")
print(f"further off than a hundredth of it: {(moved > 0.01).sum()} of {len(moved):,} points")

# %% [markdown]
# The points land next to their own positions, because each has its own fitted point among its
# neighbours, at distance 0.
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
# So a model can be fitted once, saved to a file, and used later by another program, on points
# that arrive one after another. The map is a fixed coordinate system.
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
# Each call has a fixed cost, nearly all of it for preparing the search among the fitted points,
# and a cost that grows with the number of new points. If you have many points, place them in
# batches.
#
# ## When not to trust it: a class that was not fitted
#
# `transform` always returns a position. What if the fitted data contain nothing like the new
# point? To find out, we fit the same map without the digit 9, and place the 9s among the new
# digits.

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
# Most 9s lie among the digits most similar to them, 4s and 7s, as if they belonged there; the
# others are scattered over the map. Nothing in the figure shows that they are unknown: the map
# reserves no region for such points. The gradient above has no term that could push a point away
# from *all* clusters, since $\sum_j p_{j|i} = 1$ whatever the distances are.
#
# The distances in the **data**, before normalisation, do show it. We compare the distances from
# the new point to its nearest fitted points with the distances from these to their own nearest
# points (the idea of the local outlier factor; Breunig et al. 2000),
#
# $$s_i = \frac{\text{mean distance of } i \text{ to its 5 nearest fitted points}}
# {\text{mean distance of those to their own 5 nearest}}.$$
#
# A ratio near 1 means that the point is similar to the fitted ones. For comparison, we also
# compute the same ratio on the map.


# %%
def strangeness(points, own, others):
    """Return mean distances of others to their 5 nearest points, relative to the points' own."""
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
# The area under the ROC curve is the probability that a random 9 has a larger ratio than a random
# digit of a known class: 1 is perfect, 0.5 is chance. In the data the two distributions are well
# separated; on the map they nearly coincide.
#
# Is 9 a lucky choice? The ratio in the data needs no map, so here we leave out each digit in
# turn, using only every third of the others to save time. We also evaluate the plain distance,
# without dividing by the neighbours' own distances.

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
# The ratio detects left-out digits of every class, 1s least well. The plain distance fails for 1s
# altogether: 1s are so similar to each other that a left-out 1 is closer to digits of other
# classes than many 8s are to other 8s. The plain distance is also worse for 4, 7 and 9, which
# resemble other digits. For the remaining digits it is a little better.
#
# ## When not to trust it: shifted data
#
# The second danger is data of known classes that were recorded differently. We modify the new
# images in three ways: we add noise, move them to the right by a tenth of their width, or
# exchange dark and bright.

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
# - **Noisy**: the map shows no difference. The noise is spread over all pixels, and the 50
#   components contain little of it, so the positions are nearly as good. The ratio detects it.
#   What the components leave out of an image (the norm of the image minus its reconstruction)
#   shows it at once.
# - **Moved**: a reader would hardly see the shift, but half of the digits lie among other digits.
#   The only sign of it is the wrong colours, which you do not have when the labels are unknown.
# - **Inverted**: nearly all positions are wrong. Still, each digit has a position on the map.
#
# So before you interpret the positions of new points, compare distances *in the data* with those
# of the fitted points. Also compare the norms of the parts that the components do not represent.
#
# ## Letting the map change: add and optimize
#
# If new points should change the map, use `add`. It places them with `transform`, recomputes
# neighbours and affinities among all points, and then lets *every* point move along the gradient
# of t-SNE, with the old ones starting from their current positions. `optimize` continues a fitted
# map in the same way; the result is bit-identical to a fit that had not stopped. Here we add the
# 9s that were left out, first without any iterations, then with 150.

# %%
grown = without.add(old[~kept], n_iter=0)
order = np.concatenate([np.flatnonzero(kept), np.flatnonzero(~kept)])  # its points, as rows of old
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
# The KL divergence of all points falls while old points move by a few hundredths of the extent,
# so the map remains recognisable. The 9s have gathered in patches inside the 4s and 7s, where
# most of a 9's neighbours are now 9s. But they have not become one cluster, as they do if all
# digits are fitted at once: repulsion keeps them from crossing other clusters. So use
#
# - `transform` for points of known classes, if the map should not change,
# - `add` for more points of known classes, if the map should adapt to them,
# - a new `fit` for a new class.

# %% [markdown]
# ## What to try
#
# - Include the PCA in the model: `sklearn.pipeline.make_pipeline(PCA(50), TSNE())` also has
#   `transform`.
# - Leave out 1 or 0 instead of 9 (`MISSING`). Do they land in one cluster, or all over the map?
# - Choose a threshold for the ratio $s$ that raises a false alarm for one in a hundred of the
#   known digits. What fraction of the 9s, and of the moved images, does it detect?
# - Place points with `n_iter=0`, 5 and 30, and with `init="median"`. Which points move most?
