# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From SNE to t-SNE
#
# How t-SNE developed from SNE. Each method in this notebook corrects a weakness of the one before
# it. All are run on the same digits with the same optimiser, and sum over all pairs of points.
#
# **What you will learn**
#
# - what a linear projection preserves, and what it cannot;
# - how SNE turns distances into neighbour probabilities, and why each point needs its own width;
# - why maps are crowded: two dimensions have less room than many;
# - how a uniform background (UNI-SNE) and heavy tails (t-SNE) reduce crowding, as seen in the
#   force between two points;
# - which properties of the five maps quality measures show, and which they miss.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from bhtsne import SNE, affinities, datasets, initial, metrics, plot, sne

SMALL = "BHTSNE_SMALL" in os.environ  # set by the tests: the same notebook on less data
plt.rcParams["figure.dpi"] = 80

X, y, _ = datasets.digits()
if SMALL:
    X, y = X[:400], y[:400]
options = {"random_state": 0} | ({"n_iter": 100, "early_exaggeration_iter": 100} if SMALL else {})
print(f"{len(X)} images of {X.shape[1]} pixels, {len(np.unique(y))} classes")

# %% [markdown]
# ## A projection
#
# The first two principal components give the two-dimensional linear projection that loses the
# least variance. PCA is fast, has no parameters and preserves the *large* distances well, because
# these make up the variance. It hardly depends on whether two images are nearest neighbours.

# %%
pca = initial.principal_components(X, 2)
ax = plot.scatter(pca, y, title="Principal components")


def report(name, Y):
    recall = metrics.neighbor_recall(X, Y, k=10)
    hit = metrics.neighbor_hit(Y, y, k=6)
    print(f"{name:15} neighbours kept {recall:4.0%}   neighbours of the same class {hit:4.0%}")


report("PCA", pca)

# %% [markdown]
# ## Neighbours as probabilities
#
# Stochastic neighbour embedding (SNE; Hinton & Roweis 2002) models neighbours instead. Image $i$
# picks another image $j$ as its neighbour with the probability
#
# $$p_{j|i} = \frac{\exp(-\lVert x_i - x_j\rVert^2 / 2\sigma_i^2)}
#   {\sum_{k \ne i} \exp(-\lVert x_i - x_k\rVert^2 / 2\sigma_i^2)},\qquad p_{i|i} = 0.$$
#
# On the map, the corresponding probability uses one width for all points,
# $q_{j|i} = \exp(-d_{ij}^2) / \sum_{k \ne i} \exp(-d_{ik}^2)$ with
# $d_{ij} = \lVert y_i - y_j \rVert$. The points are moved to make the two distributions agree, as
# measured by
#
# $$C = \sum_i \mathrm{KL}(P_i \Vert Q_i) = \sum_{ij} p_{j|i} \ln \frac{p_{j|i}}{q_{j|i}}, \qquad
#   \frac{\partial C}{\partial y_i} =
#   2 \sum_j (p_{j|i} - q_{j|i} + p_{i|j} - q_{i|j})\,(y_i - y_j).$$
#
# Every pair acts like a spring: it attracts the two points if the data require them to be closer,
# and repels them if they are too close on the map. Before we use the gradient, we check it. A
# wrong factor is an easy mistake that would not be visible in a map, but finite differences of
# $C$ reveal it.

# %%
few = slice(0, 40)
C = affinities.conditional_pairs(X[few], perplexity=10)
Y = np.random.default_rng(0).normal(size=(40, 2))
slope, step = np.zeros_like(Y), 1e-5
for at in np.ndindex(*Y.shape):
    shift = np.zeros_like(Y)
    shift[at] = step
    slope[at] = (sne.divergence(C, Y + shift) - sne.divergence(C, Y - shift)) / (2 * step)
error = np.linalg.norm(sne.gradient(C, Y) - slope) / np.linalg.norm(slope)
print(f"gradient against central differences: relative error {error:.0e}")

# %% [markdown]
# ## One width for all, or one for each
#
# With a single $\sigma$, every image has the same Gaussian, whether its surroundings are dense or
# sparse. We choose $\sigma$ such that images have 30 neighbours *on average*: the mean of the
# entropy $H_i = -\sum_j p_{j|i} \ln p_{j|i}$ is then $\ln 30$. The **perplexity** $e^{H_i}$, the
# effective number of neighbours of an image, varies widely.

# %%
sigma = affinities.shared_sigma(X, 30)
rows = affinities.conditional_pairs(X, sigma=sigma).astype(float)
entropy = -(rows * np.log(np.where(rows > 0, rows, 1))).sum(axis=1)

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.hist([np.exp(entropy[y == k]) for k in range(10)], bins=40, stacked=True,
        color=plot.PALETTE[:10], label=[str(k) for k in range(10)])  # fmt: skip
ax.axvline(30, color="black", ls=":", label="target")
ax.set(xlabel="effective neighbours of an image (perplexity)", ylabel="images")
ax.legend(title="digit", ncols=2, frameon=False)
ax.spines[["top", "right"]].set_visible(False)
print(
    f"σ = {sigma:.1f}; perplexities from {np.exp(entropy.min()):.1f} to {np.exp(entropy.max()):.0f}"
)

# %% [markdown]
# Some digits are written so similarly that they have many neighbours within $\sigma$. Others have
# almost none, so hardly anything determines their position on the map. SNE therefore uses a
# separate $\sigma_i$ for each image, found by bisection so that *every* $H_i$ is $\ln 30$: dense
# regions get narrow Gaussians, sparse regions wide ones. All later methods have kept this choice.

# %%
one = SNE(variant="sne", sigma=sigma, **options).fit(X)
each = SNE(variant="sne", perplexity=30, **options).fit(X)
axes = plot.small_multiples(
    [one.embedding_, each.embedding_], y, titles=["SNE, one σ", "SNE, σ by perplexity"]
)
report("SNE, one σ", one.embedding_)
report("SNE", each.embedding_)

# %% [markdown]
# The classes now form groups, and far more neighbours are kept than by PCA. The two maps are
# similar. With a single $\sigma$, images in sparse surroundings are scattered along the rim,
# because only their very nearest neighbours attract them; with individual widths they join the
# other images. By these measures a single $\sigma$ does no worse here, because it favours dense
# surroundings, where most neighbours are. The difference matters more where densities vary more
# than among these digits.
#
# The cost of SNE has many local minima. Its authors added noise that decays during the run, as in
# simulated annealing. The noise helps from a random start; from the principal components, as
# above, it is hardly needed.

# %%
shaken = {
    noise: [
        SNE(variant="sne", init="random", noise=noise, **options | {"random_state": seed}).fit(X)
        for seed in range(3)
    ]
    for noise in (0.0, 1.0)
}
for noise, models in shaken.items():
    costs = [model.kl_divergence_ / len(X) for model in models]
    print(f"noise {noise:g}: C/N = {np.mean(costs):.3f}  ({', '.join(f'{c:.3f}' for c in costs)})")
print(f"from the principal components: {each.kl_divergence_ / len(X):.3f}")

# %% [markdown]
# ## Symmetric SNE
#
# A single matrix for all pairs, $p_{ij} = (p_{j|i} + p_{i|j}) / 2N$ and
# $q_{ij} = \exp(-d_{ij}^2) / Z$ with $Z = \sum_{k \ne l} \exp(-d_{kl}^2)$, gives a simpler
# gradient (van der Maaten & Hinton 2008, §3.1),
#
# $$\frac{\partial C}{\partial y_i} = 4 \sum_j (p_{ij} - q_{ij})\,(y_i - y_j),$$
#
# and a map that looks the same. Note that the sum in $Z$ runs over **all** pairs and that the
# factor is 4; both are often misprinted.

# %%
symmetric = SNE(variant="symmetric", **options).fit(X)
report("symmetric SNE", symmetric.embedding_)

# %% [markdown]
# ## The crowding problem
#
# The points fill both maps evenly. The classes touch, and without colours you could not find
# them. The optimiser is not the cause. In $n$ dimensions the volume within a radius $r$ of a
# point grows as $r^n$, so the distances $r$ to other points have the density $n r^{n-1}$:

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
plot.distance_densities((2, 3, 10, 50), ax=left)
plot.distances(X, symmetric.embedding_, ax=right)
left.set_title("points that fill a ball")
_ = right.set_title("digits, and their map by symmetric SNE")

# %% [markdown]
# In many dimensions, nearly all other points are almost as far away as the farthest. Nine
# dimensions allow ten images that all have the same distance from each other; two dimensions
# allow only three. A map that preserves the distances to near neighbours has no room for the many
# points that are slightly farther away: they would have to be placed much too far out. The
# attraction between all those pairs then pulls everything towards the centre until no gaps are
# left.
#
# ## The force between two points
#
# The force between two points, as a function of their distance in the data and on the map, shows
# how the methods deal with crowding (van der Maaten & Hinton 2008, figure 1). Positive values
# mean attraction, negative values repulsion.

# %%
axes = plot.pair_gradients(background=0.2)

# %% [markdown]
# - **SNE** attracts similar points without limit if they are far apart on the map, and hardly
#   repels dissimilar points that are close to each other. Nothing opens a gap.
# - **UNI-SNE** (Cook, Sutskever, Mnih & Hinton 2007) spreads a part $\rho$ of $q$ evenly over all
#   pairs, $q_{ij} = (1 - \rho)\, e^{-d_{ij}^2}/Z + \rho / (N(N-1))$. For dissimilar points
#   $q_{ij}$ then always exceeds $p_{ij}$, which gives a weak repulsion at any distance. The
#   published panel shows this, drawn from $p - q$ alone. The derivative of the cost has an
#   additional factor, the part of $q_{ij}$ that is not background. With this factor there is *no*
#   force between points that are far apart on the map, neither repulsion nor attraction. A
#   cluster that has been split in two therefore stays split, which is why UNI-SNE has to begin as
#   SNE.
# - **t-SNE** uses a kernel with heavy tails on the map, $q_{ij} = (1 + d_{ij}^2)^{-1} / Z$. Its
#   gradient $4 \sum_j (p_{ij} - q_{ij})(1 + d_{ij}^2)^{-1}(y_i - y_j)$ strongly repels dissimilar
#   points while they are close, but does not push them to infinity. A pair at a moderate distance
#   in the data may lie far apart on the map at no cost. This provides the room that was missing.

# %%
uni = SNE(variant="uni-sne", **options).fit(X)
tsne = SNE(variant="t-sne", **options).fit(X)
models = {"symmetric SNE": symmetric, "UNI-SNE": uni, "t-SNE": tsne}
axes = plot.small_multiples([m.embedding_ for m in models.values()], y, titles=list(models))
for name, model in models.items():
    report(name, model.embedding_)

# %% [markdown]
# The background already opens gaps, and the heavy tails separate the classes into islands. The
# next plot shows the cost of each method during the run. t-SNE begins with early exaggeration by
# a factor of twelve, so that clusters can still pass each other; UNI-SNE begins without its
# background. The costs of different methods are not comparable, because each uses its own $q$.

# %%
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
everything = {"SNE, one σ": one, "SNE": each} | models
for colour, (name, model) in zip(plot.PALETTE, everything.items(), strict=False):
    by = len(X) if model.variant == "sne" else 1
    iterations, costs = zip(*((r.iteration, r.kl / by) for r in model.history_), strict=True)
    ax.plot(iterations, costs, color=colour, label=name)
ax.set(xlabel="iteration", ylabel="divergence, nats", ylim=(0, 3))
ax.legend(frameon=False, ncols=2)
ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## On MNIST
#
# The same methods on handwritten digits of 784 pixels, reduced to 50 principal components, as is
# customary. The sums run over all pairs, so time and memory grow with the square of the number of
# points; the next notebook shows how a tree avoids this.

# %%
if SMALL:
    M, labels = X[:200], y[:200]
else:
    mnist = datasets.mnist()
    M, labels = mnist.X[-4000:].astype(np.float32) / 255, mnist.y[-4000:]
M = initial.principal_components(M, 50)
fits = {
    "principal components": M[:, :2],
    "SNE": SNE(variant="sne", **options).fit_transform(M),
    "UNI-SNE": SNE(variant="uni-sne", **options).fit_transform(M),
    "t-SNE": SNE(variant="t-sne", **options).fit_transform(M),
}
axes = plot.small_multiples(list(fits.values()), labels, titles=list(fits), n_columns=2)

# %% [markdown]
# **What to try**
#
# - `SNE(variant="uni-sne", background=…)` from 0 to 0.7: at which values do gaps open, and how
#   does the number of neighbours kept change?
# - `plot.pair_gradients(background=…)` with the same values, for comparison.
# - Start all variants from `init="random"` with several seeds. Which variant depends most on the
#   start?
# - `TSNE(dof=…)` from 0.5 to 100: the kernel approaches the Gaussian for large `dof`. At which
#   value does the map become crowded?
#
# **References**: Hinton & Roweis 2002, *Stochastic neighbor embedding*. Cook, Sutskever, Mnih &
# Hinton 2007, *Visualizing similarity data with a mixture of maps*. van der Maaten & Hinton 2008,
# *Visualizing data using t-SNE*.
