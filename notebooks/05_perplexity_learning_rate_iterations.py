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
# # Perplexity, learning rate, iterations
#
# t-SNE has few parameters, but a bad value of any of them can ruin a map. This notebook varies
# each parameter from one extreme to the other on handwritten digits, so that you can recognise
# what went wrong in a map of your own.
#
# **What you will learn**
#
# - what perplexity does, and how a small one produces clusters in data that have none
# - how the history of the KL divergence shows that a learning rate is too small or too large, and
#   when to stop
# - why t-SNE exaggerates the attraction first, which factors are too small or too large, and how
#   to compute both limits from the data
# - when the initialisation determines where the clusters lie, and when it does not
# - what the tails of the kernel do, and how one parameter leads from Laplacian eigenmaps to t-SNE
#
# The cost is the Kullback-Leibler divergence of the map's similarities $q_{ij}$ from the affinities
# $p_{ij}$ of the data (van der Maaten & Hinton 2008),
#
# $$C = \sum_{i \ne j} p_{ij} \ln \frac{p_{ij}}{q_{ij}}, \qquad
# q_{ij} = \frac{w_{ij}}{Z}, \quad w_{ij} = \frac{1}{1 + \|y_i - y_j\|^2}, \quad
# Z = \sum_{k \ne l} w_{kl},$$
#
# where $Z$ is summed over all pairs. The gradient is
#
# $$\frac{\partial C}{\partial y_i} = 4 \sum_j (p_{ij} - q_{ij})\, w_{ij}\, (y_i - y_j).$$

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh

from bhtsne import (
    TSNE,
    affinities,
    datasets,
    initial,
    metrics,
    neighbors,
    optimizer,
    plot,
    schedules,
)

SMALL = "BHTSNE_SMALL" in os.environ  # set by the tests: the same notebook on less data
plt.rcParams.update({"figure.dpi": 64, "axes.spines.top": False, "axes.spines.right": False})

digits = datasets.digits()
if SMALL:
    digits = digits._replace(X=digits.X[:300], y=digits.y[:300])
    X, y = digits.X, digits.y
else:
    mnist = datasets.mnist()
    chosen = np.random.default_rng(0).permutation(len(mnist.X))[:5000]
    y = mnist.y[chosen]
    X = initial.principal_components(mnist.X[chosen].astype(np.float32) / 255, 50)
N = len(X)
near = neighbors.find(X, 90)  # searched once, for all maps of X at perplexity 30
print(f"digits: {digits.X.shape}, MNIST sample: {X.shape}")


def embed(**options):
    """Make a map of the MNIST sample from the shared neighbour graph."""
    return TSNE(**({"neighbors": near, "random_state": 0} | options)).fit(X)


# %% [markdown]
# ## Perplexity
#
# The affinities of each point to its neighbours are
# $p_{j|i} \propto \exp(-\|x_i - x_j\|^2 / 2\sigma_i^2)$. The width $\sigma_i$ is chosen so that
# their entropy equals that of a uniform choice among *perplexity* neighbours:
# $-\sum_j p_{j|i} \ln p_{j|i} = \ln(\text{perplexity})$ (Hinton & Roweis 2002). The perplexity is
# thus the effective number of neighbours that attract a point. The library searches for three
# times as many neighbours, and lowers the perplexity if there are not enough points. To show the
# largest perplexities as well, we compute their affinities over all pairs and pass them to `TSNE`.


# %%
def at_perplexity(p, X):
    """Make a map; use all pairs if 3 p is at least the number of points."""
    if 3 * p < len(X):
        return TSNE(perplexity=p, random_state=0).fit(X)
    P = affinities.all_pairs(X, p)
    return TSNE(affinities=P, method="exact", random_state=0).fit(X)


n = len(digits.X)
perplexities = [2, 5, 30, 100, n // 4, n - 2]
models = [at_perplexity(p, digits.X) for p in perplexities]
maps = [model.embedding_ for model in models]
axes = plot.small_multiples(
    maps, digits.y, titles=[f"perplexity {p}" for p in perplexities], n_columns=3
)

# %% [markdown]
# - **2**: fragments. Each point is attracted by only its two or so nearest neighbours. Nothing
#   determines how the fragments belong together, so they fill the plane evenly. The classes are
#   visible only because the initialisation was good.
# - **5**: chains. The classes are separate, but the gaps inside them mean nothing.
# - **30 and 100**: clusters, about as many as there are kinds of digits.
# - **a quarter of the points**: neighbourhoods are now larger than the classes, which have about
#   a tenth of the points each. The clusters loosen and the gaps between them close.
# - **nearly all points**: every point should be about equally close to every other. All $p_{ij}$
#   are nearly equal, and the map that fits them best is a featureless ball or ring. It is hardly
#   larger than one unit, the distance at which the kernel begins to fall off (the table gives its
#   extent).
#
# Two measures show the same without labels: the fraction of each point's 10 nearest neighbours
# that are also among its nearest on the map, and the rank correlation of all distances.

# %%
print("perplexity   KL    recall at 10   distance correlation   extent of the map")
for p, model in zip(perplexities, models, strict=True):
    Y = model.embedding_
    recall = metrics.neighbor_recall(digits.X, Y, 10)
    kept = metrics.distance_correlation(digits.X, Y, random_state=0)
    extent = np.ptp(Y, axis=0).max()
    print(f"{p:8d} {model.kl_divergence_:8.3f} {recall:12.3f} {kept:20.3f} {extent:20.1f}")

# %% [markdown]
# Near neighbours are preserved best at a perplexity somewhere between 5 and 100, and distances as
# a whole at the largest perplexity: no perplexity is best at both. The KL divergence is lowest at
# the largest perplexity, but **must not be used to choose one**: each perplexity has its own $P$,
# and a flatter $P$ is easier to fit.
#
# ### Clusters that are not there
#
# The next data have no clusters at all. They are drawn from one Gaussian in two dimensions, so a
# perfect map exists, namely the data themselves. Colours show the first coordinate.

# %%
blob = np.random.default_rng(0).normal(size=(300 if SMALL else 1000, 2)).astype(np.float32)
n = len(blob)
perplexities = [2, 5, 30, 100, n - 2]
maps = [at_perplexity(p, blob).embedding_ for p in perplexities]
axes = plot.small_multiples(
    [blob, *maps],
    blob[:, 0],
    titles=["the data", *[f"perplexity {p}" for p in perplexities]],
    n_columns=3,
)

# %% [markdown]
# At perplexity 2 and 5 the map shows dozens of distinct groups, and at 30 it still shows holes
# and lobes. They arise by chance: a few points that happen to lie closer together than others
# attract each other and, since all pairs repel each other, move away from the rest. A different
# sample gives different groups. Therefore
#
# - look at more than one perplexity before you believe in a group, and
# - try the same with points that have no structure, such as these, with the number of points and
#   the dimension of your data.
#
# ### Several perplexities at once
#
# `affinities="multiscale"` adds the Gaussians of several perplexities before each row is
# normalised, $p_{j|i} \propto \sum_l \exp(-\|x_i - x_j\|^2/2\sigma_{il}^2)$ (Lee, Peluffo-Ordóñez
# & Verleysen 2015; Kobak & Berens 2019). `"mixture"` takes the mean of the normalised rows, so
# that each perplexity has the same weight. The initialisation is random here, because PCA would
# give all maps the same global arrangement.

# %%
far = len(digits.X) // 4
choices = {
    "perplexity 10": {"perplexity": 10},
    f"perplexity {far}": {"perplexity": far},
    f"multiscale 10, {far}": {"perplexity": [10, far], "affinities": "multiscale"},
    f"mixture 10, {far}": {"perplexity": [10, far], "affinities": "mixture"},
}
maps = [
    TSNE(**choice, init="random", random_state=0).fit(digits.X).embedding_
    for choice in choices.values()
]
axes = plot.small_multiples(maps, digits.y, titles=list(choices), n_columns=4)

print("                      recall at 10   at 100   distance correlation")
for name, Y in zip(choices, maps, strict=True):
    recalls = [metrics.neighbor_recall(digits.X, Y, k) for k in (10, 100)]
    kept = metrics.distance_correlation(digits.X, Y, random_state=0)
    print(f"{name:20s} {recalls[0]:10.3f} {recalls[1]:12.3f} {kept:12.3f}")

# %% [markdown]
# The wide Gaussian covers many more neighbours, so it has nearly all the weight in the multiscale
# sum, and the map is close to that of the large perplexity alone. The mixture gives half of each
# row to the ten nearest neighbours. It preserves nearly as many near neighbours as perplexity 10,
# and the distances as a whole better. The cost is time: the library searches for three times the
# *largest* perplexity, and every neighbour attracts in every iteration.
#
# ## Iterations
#
# The rest of this notebook uses the MNIST sample. A callback is called every `callback_every`
# iterations, with a record (iteration, KL divergence, gradient norm ...) and a copy of the map.
# `schedules.phases` returns the phases of a fit. The panels show the map at the ends of some of
# them.

# %%
phases = schedules.phases("fast", N)
ends = np.cumsum([phase.n_iter for phase in phases]).tolist()
factors = [phase.exaggeration for phase in phases]
for end, phase in zip(ends, phases, strict=True):
    print(f"to iteration {end:3}: exaggeration {phase.exaggeration:g}, momentum {phase.momentum}")

frames = {}
model = embed(
    callback_every=5, callbacks=[lambda record, Y: frames.__setitem__(record.iteration, Y)]
)
shown = [(10, factors[0]), (50, factors[0])]
shown += [(ends[k], factors[k]) for k in (0, 1, 2, 5, 6, 7)]
titles = [f"{i} iterations, factor {factor:g}" for i, factor in shown]
shown = [i for i, _ in shown]
axes = plot.small_multiples([frames[i] for i in shown], y, titles=titles, n_columns=4)
for ax, i in zip(axes, shown, strict=True):  # each panel on its own scale, without outliers
    low, high = np.percentile(frames[i], [0.5, 99.5], axis=0)
    middle, half = (low + high) / 2, 0.6 * (high - low).max()
    ax.set(xlim=middle[0] + half * np.array([-1, 1]), ylim=middle[1] + half * np.array([-1, 1]))
print("extent:", *[f"{np.ptp(frames[i], axis=0).max():.2g}" for i in shown])

# %% [markdown]
# - **The first phase** uses early exaggeration: all attraction is multiplied by 12. The map stays
#   only a few units wide, and points can pass through each other. (The printed extent includes
#   outliers, which the panels leave out.) This phase forms the arrangement of the classes, not
#   their shapes, and so determines the global structure.
# - **Then the factor decreases in steps.** The classes separate and take on their shapes, while
#   the attraction still holds each of them together. The map grows.
# - **At factor 1** the map spreads further, but its shapes change little. The last phase has a
#   lower momentum, which lets points come to rest. The last two panels hardly differ.
#
# When is the map finished? The KL divergence never quite stops falling. The next figure shows it,
# together with its relative decrease per iteration between checks. `min_kl_rate` is a threshold
# for this relative decrease. If it is set, the first phase and the longest phase at factor 1
# continue until the decrease is smaller (after Belkina et al. 2019), for at most 500 iterations
# of early exaggeration and 10,000 after it.


# %%
def history(model):
    """Return the iterations and KL divergences of a fit's checks."""
    return np.array([(record.iteration, record.kl) for record in model.history_]).T


iteration, kl = history(model)
lost = -np.diff(kl) / kl[1:] / np.diff(iteration)
unexaggerated = ends[factors.index(1) - 1]  # the iteration after which the factor is 1
late = iteration[1:] > unexaggerated
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
left.plot(iteration, kl, color=plot.PALETTE[3])
for end in ends[: factors.index(1)]:
    left.axvline(end, color="grey", linewidth=1)
left.text(ends[0] - 5, 0.2, f"exaggeration {factors[0]:g}", ha="right")
left.text(unexaggerated + 5, 0.2, "1")
left.set(xlabel="iteration", ylabel="KL divergence / nats", ylim=(0, None))
right.semilogy(iteration[1:][late], lost[late], color=plot.PALETTE[3])
right.axhline(1e-4, color="grey", linestyle="--", linewidth=1)
right.text(unexaggerated, 6e-5, "min_kl_rate = 1e-4")
right.set(xlabel="iteration, at exaggeration 1", ylabel="relative decrease of KL per iteration")
plt.show()

print("min_kl_rate   iterations      KL   recall at 10")
for least in (0.0, 1e-3, 1e-4, 1e-5):
    stopped = embed(stopping=optimizer.Stopping(least))
    recall = metrics.neighbor_recall(near, stopped.embedding_, 10)
    print(f"{least:11g} {stopped.n_iter_:12d} {stopped.kl_divergence_:7.3f} {recall:14.3f}")

# %% [markdown]
# At the strongest exaggeration, after the map has unfolded, the history is flat and high. The KL
# divergence is measured without the exaggeration, so the optimizer minimises another function
# there, and the plateau is **no** reason to stop. The KL divergence falls with each step of the
# factor, and then ever more slowly at factor 1. The relative decrease drops at the beginning of
# the last phase because of the lower momentum: steps are shorter from there on. A rate of 0 is
# the fixed schedule. Of the other rates, the strictest runs longest. Its additional iterations
# lower the KL divergence a little but preserve no more neighbours.
#
# ## Learning rate
#
# The learning rate multiplies the gradient. `"auto"` is $N / \rho$ in each phase, where $\rho$ is
# the exaggeration of that phase (Belkina et al. 2019; Kobak & Berens 2019): $N/12$ at first, $N$
# at last. It grows with $N$ because the affinities of each point sum to about $1/N$, so that
# gradients shrink. As in scikit-learn, the gradient here includes its factor 4. openTSNE and
# FIt-SNE omit this factor, so their learning rate must be four times as large for the same step.

# %%
rates = [0.01, 0.1, 1, "auto", N, 10 * N]
models = [embed(learning_rate=rate, callback_every=10) for rate in rates]
names = ["0.01", "0.1", "1", "auto", f"N = {N:,}", f"10 N = {10 * N:,}"]
axes = plot.small_multiples(
    [model.embedding_ for model in models],
    y,
    titles=[f"learning rate {name}" for name in names],
    n_columns=3,
)

figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
for i, (name, each) in enumerate(zip(names, models, strict=True)):
    ax.plot(*history(each), color=plot.PALETTE[i], label=name)
ax.set(xlabel="iteration", ylabel="KL divergence / nats", ylim=(0, None))
ax.legend(title="learning rate", loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

print("learning rate     KL    extent of the map")
for name, each in zip(names, models, strict=True):
    print(f"{name:14s} {each.kl_divergence_:6.2f} {np.ptp(each.embedding_, axis=0).max():14.3g}")

# %% [markdown]
# - **Far too small** (0.01, 0.1): after all iterations the map has hardly changed from the
#   initialisation. It is a fraction of a unit wide (see its extent), and its history is a nearly
#   horizontal line.
# - **Too small** (1): the KL divergence begins to fall late. Early exaggeration ends before the
#   map has unfolded. Classes overlap, or remain thin threads.
# - **auto**: the KL divergence falls first, and ends low.
# - **Too large** (N in all phases): the rate is right at the end, but twelve times too large in
#   the first phase. There the KL divergence stays higher, and the classes take on a different
#   arrangement. As the exaggeration decreases in steps, the rate becomes right, and the map
#   recovers.
# - **Far too large** (10 N): points overshoot again and again and throw each other apart. The map
#   stays finite only because each step is limited to 5 units. The KL divergence rises, and the
#   map is a noisy disc, far larger than the good map.
#
# If the history rises or oscillates, use a smaller rate. If it stays flat after early
# exaggeration, use a larger one.
#
# ## Early exaggeration
#
# Why exaggerate at all? While the map is small, $w_{ij} \approx 1$ and $Z \approx N^2$, so the
# gradient with exaggeration $\rho$ is linear,
#
# $$\frac{\partial C}{\partial Y} \approx 4 \left(\rho L - \tfrac{1}{N} I\right) Y, \qquad
# L = D - P, \quad D_{ii} = \sum_j p_{ij} \approx \tfrac1N,$$
#
# so each step multiplies the component of the map along an eigenvector $L u = \lambda D u$ of the
# graph Laplacian by about $1 - \frac{4 \eta}{N} (\rho \lambda - 1)$. The component **grows if
# $\lambda < 1/\rho$ and decays otherwise**. Components with the smallest $\lambda$, whose
# eigenvectors describe the coarsest structure, grow fastest (Linderman & Steinerberger 2019).
# Early exaggeration is a power iteration that forgets the initialisation and finds the
# arrangement of the clusters. How many eigenvectors grow is a property of the data:

# %%
P = affinities.perplexity(near, 30)
degrees = P.sum(axis=1)
root = sparse.diags_array(1 / np.sqrt(degrees.astype(np.float64)))
eigenvalues = 1 - eigsh(root @ P @ root, 60, which="LA", return_eigenvectors=False)
eigenvalues = np.sort(eigenvalues)[1:]  # without 0, the eigenvalue of the constant vector
print("smallest eigenvalues:", *eigenvalues[:8].round(4))
for rho in (1, 4, 12, 30, 50):
    count = (eigenvalues < 1 / rho).sum()
    print(f"exaggeration {rho:3d}: {count if count < 59 else '59 or more':>10} eigenvectors grow")

# %% [markdown]
# The next maps start from random positions, which contain no structure yet. The exaggeration in
# the first phase is 1 (that is, none), 4, 12 or 50, and decreases in steps after it. In one more
# map, set by a list of phases, it is 50 and then ends at once. To measure how far the classes are
# torn, we join each point to those of its 15 nearest neighbours on the map that are of its class,
# and count the connected pieces of all classes. A piece counts if it has at least a twentieth of
# its class. If each of the ten classes is in one piece, the count is 10.


# %%
def pieces(Y):
    """Count the pieces of all classes on a map."""
    i, j = np.repeat(np.arange(len(Y)), 15), neighbors.find(Y, 15).indices.ravel()
    i, j = i[y[i] == y[j]], j[y[i] == y[j]]
    graph = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(len(Y), len(Y)))
    piece = connected_components(graph, directed=False)[1]
    counts = [np.bincount(piece[y == label]) for label in np.unique(y)]
    return sum(int((count >= count.sum() / 20).sum()) for count in counts)


strengths = [1, 4, 12, 50]
models = [embed(init="random", early_exaggeration=factor) for factor in strengths]
at_once = [{"n_iter": 250, "exaggeration": strengths[-1]}, {"n_iter": 500}]
models.append(embed(init="random", schedule=at_once))
strengths.append("50, at once")
axes = plot.small_multiples(
    [model.embedding_ for model in models],
    y,
    titles=[f"exaggeration {factor}" for factor in strengths],
    n_columns=5,
)
print("early exaggeration   pieces     KL")
for factor, each in zip(strengths, models, strict=True):
    print(f"{factor!s:>12} {pieces(each.embedding_):14d} {each.kl_divergence_:10.3f}")

# %% [markdown]
# - **1**: far more eigenvectors grow than were computed. Clumps form wherever their points happen
#   to be, and repel each other before they meet other points of their class. Classes lie in
#   several pieces, with other classes between them.
# - **4 and 12**: fewer pieces and lower KL divergences.
# - **50**: *no* eigenvector has $\lambda < 1/50$, so only noise grows in the first phase. Here
#   that does no harm, because the factor decreases in steps and passes values at which several
#   eigenvectors grow.
# - **50, at once**: the factor passes no such values. More classes are torn, and the KL divergence
#   is higher than with steps.
#
# Torn classes are visible in the figure and in the number of pieces. The KL divergence is higher
# too, but by itself it does not show that a class lies in several places.
#
# ## Initialisation
#
# It is often said that the initialisation determines where clusters lie (Kobak & Linderman 2021).
# To test this, we compare PCA, the eigenvectors of the graph (`"spectral"`), and random noise
# with two seeds, first with early exaggeration, then without.

# %%
starts = {
    "PCA": {"init": "pca"},
    "spectral": {"init": "spectral"},
    "random 0": {"init": "random"},
    "random 1": {"init": "random", "random_state": 1},
}
maps = [embed(**start).embedding_ for start in starts.values()]
maps += [embed(**start, early_exaggeration_iter=0).embedding_ for start in starts.values()]
for k in range(0, 8, 4):  # align with the first map, which does not change them
    maps[k : k + 4] = [metrics.align(Y, maps[0]).Y for Y in maps[k : k + 4]]
names = [*starts, *[f"{name}, not exaggerated" for name in starts]]
axes = plot.small_multiples(maps, y, titles=names, n_columns=4)

print("                            distance correlation   with the map at")
print("                            with the data          top left          pieces")
for name, Y in zip(names, maps, strict=True):
    kept = metrics.distance_correlation(X, Y, random_state=0)
    same = metrics.distance_correlation(maps[0], Y, random_state=0)
    print(f"{name:25s} {kept:10.3f} {same:20.3f} {pieces(Y):17d}")

# %% [markdown]
# With early exaggeration, all four initialisations lead to the same arrangement: the power
# iteration has forgotten them. Without it, each random initialisation leads to a different
# arrangement, torn and less like the data. PCA and spectral initialisations already contain an
# arrangement and retain much of it, though they do not keep every class whole. So the
# initialisation matters when early exaggeration fails to do its work: if it is left out, if it is
# short, or if clusters have no affinities to each other that could determine their positions
# (those of `datasets.clusters` have hardly any). PCA costs next to nothing and needs no seed. Use
# it, and run random initialisations with several seeds.
#
# ## Tails of the kernel
#
# `dof` is the number of degrees of freedom $\alpha$ of the map's kernel,
# $w_{ij} = (1 + \|y_i - y_j\|^2/\alpha)^{-(\alpha+1)/2}$ (van der Maaten 2009; Kobak et al. 2019).
# A value of 1 gives t-SNE. As $\alpha$ tends to $\infty$, the kernel becomes the Gaussian of
# symmetric SNE.

# %%
dofs = [0.5, 1, 2, 100]
maps = [embed(dof=dof).embedding_ for dof in dofs]
axes = plot.small_multiples(
    maps, y, titles=[f"dof {dof}" + ", t-SNE" * (dof == 1) for dof in dofs], n_columns=4
)
for dof, Y in zip(dofs, maps, strict=True):
    recall = metrics.neighbor_recall(near, Y, 10)
    print(f"dof {dof:5}: recall at 10 {recall:.3f}, extent {np.ptp(Y, axis=0).max():.3g}")

# %% [markdown]
# Heavier tails (0.5) let clusters move further apart and show finer clusters inside them. Lighter
# tails (2) leave less space between clusters. Near the Gaussian (100) there is none: the points
# are crowded, and more than half of the near neighbours that t-SNE preserves are lost. The
# Student kernel was introduced to prevent this crowding. KL divergences of different kernels,
# like those of different $P$, are not comparable; recall is.
#
# ## From Laplacian eigenmaps to t-SNE
#
# Exaggeration need not end. If $\rho$ is kept to the end, the map balances the attraction
# $\rho \sum_j p_{ij} w_{ij} (y_i - y_j)$ against the repulsion
# $\sum_j q_{ij} w_{ij} (y_i - y_j)$, and $\rho$ spans a whole family of methods (Böhm, Berens &
# Kobak 2022). A large $\rho$ leads towards Laplacian eigenmaps (Belkin & Niyogi 2003), which
# minimise $\operatorname{tr} Y^\top L Y$ with $Y^\top D Y = I$, a constraint in place of the
# repulsion. ForceAtlas2 is at about 30, UMAP at about 4, and t-SNE at 1. The first panel is
# `initial.spectral` of $P$, the eigenmap itself. Each further map starts from the previous one
# and continues with `optimize`.
#
# At strong exaggeration with `"auto"`, the map keeps oscillating: the rate is at the limit of
# stability, and the gradient does not decay. A quarter of it, which gives the step of openTSNE,
# lets the map settle.

# %%
eigenmap = initial.spectral(P, random_state=0)
spectrum = [8, 4, 2, 1, 0.5] if SMALL else [30, 20, 12, 4, 2, 1, 0.5]
maps = [eigenmap]
first = {"n_iter": 250, "exaggeration": spectrum[0], "learning_rate": N / spectrum[0] / 4}
model = embed(init=eigenmap, schedule=[first])
for rho in spectrum:
    model.optimize(250, exaggeration=rho, learning_rate=N / rho / 4)
    maps.append(model.embedding_)
axes = plot.small_multiples(
    [metrics.align(Y, eigenmap).Y for Y in maps],
    y,
    titles=["Laplacian eigenmap", *[f"exaggeration {rho}" for rho in spectrum]],
    n_columns=4,
)

# %%
recalls = [metrics.neighbor_recall(near, Y, 10) for Y in maps]
closeness = [metrics.distance_correlation(eigenmap, Y, random_state=0) for Y in maps]
figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.plot(closeness, "o-", color=plot.PALETTE[0], label="distances as in the eigenmap (correlation)")
ax.plot(recalls, "s-", color=plot.PALETTE[3], label="10 nearest neighbours kept (recall)")
ax.set_xticks(range(len(maps)), ["eigenmap", *map(str, spectrum)])
ax.set(xlabel="exaggeration", ylabel="correlation, recall", ylim=(0, 1.05))
ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.3))
plt.show()

# %% [markdown]
# The rule from above holds exactly here. At 30, $1/\rho = 0.0333$ lies between the two smallest
# eigenvalues printed above: one eigenvector grows, the other decays, and the map is a **line**.
# (With more points at the same perplexity, the eigenvalues are smaller, so a larger exaggeration
# is possible.) At 20 both grow, and the map has the three arms of the eigenmap. With less
# attraction the arms break up into classes, and then the classes spread, until repulsion fills
# every gap at 0.5.
#
# The choice is a trade-off. Strong attraction shows continuous structure, such as the gradual
# transitions between the digits 4, 7 and 9. Strong repulsion shows clusters and preserves near
# neighbours, best near the value of t-SNE, 1. To show a continuous development, try 4; to find
# small groups, use 1.
#
# ## Summary
#
# | parameter | too small | good | too large |
# |---|---|---|---|
# | `perplexity` | fragments, spurious groups | 30; also try 10 and 100 | classes merge; a ball |
# | `n_iter` | classes still overlap | the default, or `stopping=Stopping(1e-4)` | wasted time |
# | `learning_rate` | a ball that never unfolds | "auto" | a noisy disc, KL rises |
# | `early_exaggeration` | classes torn | 12: several eigenvectors grow | no eigenvector grows |
# | `init` | | "pca" | random: several seeds |
# | `dof` | fine fragments, wide gaps | 1 | crowding |
# | `exaggeration` | no gaps | 1; up to 4 for continuous structure | a line, a point |

# %% [markdown]
# ## What to try
#
# - Draw the Gaussian in 50 dimensions instead of 2, or draw it again with other seeds. Which
#   groups at perplexity 5 reappear?
# - Use `datasets.clusters(5000)` in place of MNIST. Count the eigenvectors that grow at
#   exaggeration 12, and compare two random initialisations *with* early exaggeration.
# - Run the strong end of the spectrum with `learning_rate="auto"` and print the `gradient_norm`
#   of `history_`. It does not decrease, whereas with a quarter of that rate it falls by orders of
#   magnitude.
# - Compute the eigenvalues of your own data, and choose `early_exaggeration` so that between five
#   and fifteen eigenvectors grow. Is the map better than at 12?
