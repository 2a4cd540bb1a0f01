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
# How the map of today came about: each method here mends what the one before it gets wrong, on the
# same digits, by the same optimiser, over all pairs of points.
#
# **What you will learn**
#
# - what a linear projection keeps, and what it cannot;
# - how SNE turns distances into neighbours, and why each point needs a width of its own;
# - why maps crowd: there is less room in two dimensions than in many;
# - what a uniform background (UNI-SNE) and heavy tails (t-SNE) do about it, read off the force
#   between two points;
# - what numbers say of all five maps, and what they cannot say.

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
# The first two principal components are the flat picture that loses least variance. It is fast and
# has no parameters, and it is faithful to the *large* distances, for those make up the variance.
# Whether two images are nearest neighbours hardly matters to it.

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
# Stochastic neighbour embedding (Hinton & Roweis 2002) asks for neighbours instead. Image $i$ picks
# another image $j$ with the probability
#
# $$p_{j|i} = \frac{\exp(-\lVert x_i - x_j\rVert^2 / 2\sigma_i^2)}
#   {\sum_{k \ne i} \exp(-\lVert x_i - x_k\rVert^2 / 2\sigma_i^2)},\qquad p_{i|i} = 0.$$
#
# On the map the same is done with one width for all,
# $q_{j|i} = \exp(-d_{ij}^2) / \sum_{k \ne i} \exp(-d_{ik}^2)$ with
# $d_{ij} = \lVert y_i - y_j \rVert$, and the points are moved until the two agree, as measured by
#
# $$C = \sum_i \mathrm{KL}(P_i \Vert Q_i) = \sum_{ij} p_{j|i} \ln \frac{p_{j|i}}{q_{j|i}}, \qquad
#   \frac{\partial C}{\partial y_i} =
#   2 \sum_j (p_{j|i} - q_{j|i} + p_{i|j} - q_{i|j})\,(y_i - y_j).$$
#
# Every pair is a spring: it pulls where the data want the two closer than they are, and pushes where
# the map has them too close. Before we use the gradient, we check it. A slip in a factor is easily
# made, and a map would not show it; differences of $C$ do.

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
# With a single $\sigma$ the same Gaussian lies on every image, whether its surroundings are dense or
# sparse. Let us choose it so that images have 30 neighbours *on average*: the entropy
# $H_i = -\sum_j p_{j|i} \ln p_{j|i}$ then has the mean $\ln 30$. The **perplexity** $e^{H_i}$, the
# effective number of neighbours of an image, differs widely.

# %%
sigma = affinities.shared_sigma(X, 30)
rows = affinities.conditional_pairs(X, sigma=sigma).astype(float)
entropy = -(rows * np.log(np.where(rows > 0, rows, 1))).sum(axis=1)

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.hist([np.exp(entropy[y == k]) for k in range(10)], bins=40, stacked=True,
        color=plot.PALETTE[:10], label=[str(k) for k in range(10)])  # fmt: skip
ax.axvline(30, color="black", ls=":", label="asked for")
ax.set(xlabel="effective neighbours of an image (perplexity)", ylabel="images")
ax.legend(title="digit", ncols=2, frameon=False)
ax.spines[["top", "right"]].set_visible(False)
print(
    f"σ = {sigma:.1f}; perplexities from {np.exp(entropy.min()):.1f} to {np.exp(entropy.max()):.0f}"
)

# %% [markdown]
# Some digits are written so much alike that they have many neighbours within $\sigma$; others have
# next to none, and the map has nothing to hold them by. SNE's answer is a $\sigma_i$ for each image,
# found by bisection so that *every* $H_i$ is $\ln 30$: dense regions get narrow Gaussians, sparse
# ones wide. That choice has stayed in every method since.

# %%
one = SNE(variant="sne", sigma=sigma, **options).fit(X)
each = SNE(variant="sne", perplexity=30, **options).fit(X)
axes = plot.small_multiples(
    [one.embedding_, each.embedding_], y, titles=["SNE, one σ", "SNE, σ by perplexity"]
)
report("SNE, one σ", one.embedding_)
report("SNE", each.embedding_)

# %% [markdown]
# Classes have come together, and far more neighbours are kept than by projection. The two maps are
# much alike. With one $\sigma$ images in sparse surroundings are scattered over the rim, for nothing
# but their very nearest holds them; with a width for each they take part. By the numbers one
# $\sigma$ does no worse here: it spends the map on dense surroundings, where most neighbours are.
# Where densities differ more than among these digits, that is no longer a small matter.
#
# SNE's cost has many local minima. The authors shook the map with noise that dies away, as annealing
# does. From a random start it helps; from the principal components, as above, it is hardly needed.

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
# One matrix for all pairs, $p_{ij} = (p_{j|i} + p_{i|j}) / 2N$ and
# $q_{ij} = \exp(-d_{ij}^2) / Z$ with $Z = \sum_{k \ne l} \exp(-d_{kl}^2)$, gives a simpler gradient
# (van der Maaten & Hinton 2008, §3.1),
#
# $$\frac{\partial C}{\partial y_i} = 4 \sum_j (p_{ij} - q_{ij})\,(y_i - y_j),$$
#
# and a map that looks the same. The sum in $Z$ runs over **all** pairs, and the factor is 4: both are
# often misprinted.

# %%
symmetric = SNE(variant="symmetric", **options).fit(X)
report("symmetric SNE", symmetric.embedding_)

# %% [markdown]
# ## The crowding problem
#
# Both maps are filled evenly, like a plate of peas. The classes touch; without colours you would not
# find them. It is not the optimiser's fault. Around a point in $n$ dimensions the volume within a
# radius $r$ grows as $r^n$, and so others lie at the distance $r$ with the density $n r^{n-1}$:

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
plot.distance_densities((2, 3, 10, 50), ax=left)
plot.distances(X, symmetric.embedding_, ax=right)
left.set_title("points that fill a ball")
_ = right.set_title("digits, and their map by symmetric SNE")

# %% [markdown]
# In many dimensions nearly all others are nearly as far as the farthest. There can be ten images all
# at the same distance from each other in nine dimensions; in two, only three. A map that gives the
# near neighbours their true distances has no room for the many that are a little farther away: they
# would have to go much too far out, and the springs between all those pairs pull everything into the
# middle, until no gaps are left.
#
# ## The force between two points
#
# What can be done shows in the force between two points, by their distance in the data and on the
# map (van der Maaten & Hinton 2008, figure 1). Positive: they pull each other; negative: they push.

# %%
axes = plot.pair_gradients(background=0.2)

# %% [markdown]
# - **SNE** pulls without limit where similar points are far apart on the map, and hardly pushes
#   dissimilar points that are close to each other. Nothing opens a gap.
# - **UNI-SNE** (Cook, Sutskever, Mnih & Hinton 2007) gives a part $\rho$ of $q$ evenly to all pairs,
#   $q_{ij} = (1 - \rho)\, e^{-d_{ij}^2}/Z + \rho / (N(N-1))$, so that for dissimilar points $q_{ij}$
#   always exceeds $p_{ij}$: a weak push at any distance. That is the published panel, drawn from
#   $p - q$ alone. The derivative of the cost has one more factor, the part of $q_{ij}$ that is not
#   background; with it, points that are far apart on the map feel *nothing* any more, neither push
#   nor pull. So a cluster that has been cut in two stays so, and UNI-SNE has to begin as SNE.
# - **t-SNE** takes a kernel with heavy tails on the map,
#   $q_{ij} = (1 + d_{ij}^2)^{-1} / Z$, and its gradient
#   $4 \sum_j (p_{ij} - q_{ij})(1 + d_{ij}^2)^{-1}(y_i - y_j)$ pushes dissimilar points apart strongly
#   while they are close, and not to infinity; and a pair at a moderate distance in the data may lie
#   far apart on the map at no cost. That is the room that was lacking.

# %%
uni = SNE(variant="uni-sne", **options).fit(X)
tsne = SNE(variant="t-sne", **options).fit(X)
models = {"symmetric SNE": symmetric, "UNI-SNE": uni, "t-SNE": tsne}
axes = plot.small_multiples([m.embedding_ for m in models.values()], y, titles=list(models))
for name, model in models.items():
    report(name, model.embedding_)

# %% [markdown]
# The background already opens gaps, and the heavy tails make islands of the classes. Here is how the
# cost of each fell. "t-SNE" begins with an exaggerated attraction, twelvefold, so that clusters can
# still pass each other; "UNI-SNE" begins without its background. The costs themselves do not compare:
# each is measured against a $q$ of its own.

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
# The same on handwritten digits of 784 pixels, reduced to 50 principal components, as is the custom.
# All pairs of points are summed, in time and memory that grow with the square of their number; the
# next notebook shows how a tree does away with that.

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
# - `SNE(variant="uni-sne", background=…)` from 0 to 0.7: where do gaps open, and what becomes of the
#   neighbours kept?
# - `plot.pair_gradients(background=…)` with the same values beside it.
# - Start everything from `init="random"` with several seeds. Which variant depends most on the start?
# - `TSNE(dof=…)` from 0.5 to 100: a kernel between t-SNE's and, for large `dof`, the Gaussian. At
#   which value does the map crowd?
#
# **References**: Hinton & Roweis 2002, *Stochastic neighbor embedding*. Cook, Sutskever, Mnih &
# Hinton 2007, *Visualizing similarity data with a mixture of maps*. van der Maaten & Hinton 2008,
# *Visualizing data using t-SNE*.
