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
# # Exact versus Barnes-Hut
#
# In t-SNE every point repels every other point. Barnes-Hut approximates the sum of these
# repulsions with a small error, in a small fraction of the time. This notebook measures the
# error, on a single map and over whole runs.
#
# **What you will learn**
#
# - how large the error of one Barnes-Hut force is, and where on a map it occurs;
# - how the angle θ trades accuracy for speed, and why 0.45 is a good value;
# - why two runs from the same start end in different maps, even if both are exact;
# - how to tell a difference that matters from one that does not;
# - how the run time of both methods grows with the number of points.

# %%
import itertools
import os
import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

from bhtsne import TSNE, affinities, datasets, forces, initial, metrics, neighbors, plot

SMALL = "BHTSNE_SMALL" in os.environ  # set by the tests: the same notebook on less data

plt.rcParams.update({"figure.dpi": 90, "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
BLUE, ORANGE, GREEN, RED = plot.PALETTE[:4]

# %% [markdown]
# ## One gradient, two ways to sum it
#
# t-SNE (van der Maaten & Hinton 2008) computes a map $y_1, \dots, y_N$ by gradient descent on
#
# $$ \mathrm{KL}(P\|Q) = \sum_{i \neq j} p_{ij} \ln \frac{p_{ij}}{q_{ij}}, \qquad
#    q_{ij} = \frac{w_{ij}}{Z}, \qquad
#    w_{ij} = \frac{1}{1 + \|y_i - y_j\|^2}, \qquad
#    Z = \sum_{k \neq l} w_{kl}. $$
#
# The sum in $Z$ runs over all pairs of points. The gradient is the difference of two sums (van
# der Maaten 2014):
#
# $$ \frac{\partial\,\mathrm{KL}}{\partial y_i}
#    = 4 \Big( \underbrace{\sum_j p_{ij} w_{ij} (y_i - y_j)}_{\text{attraction}}
#    - \frac{1}{Z} \underbrace{\sum_j w_{ij}^2 (y_i - y_j)}_{\text{repulsion } F_i} \Big). $$
#
# Almost all $p_{ij}$ are 0, so the attraction is a short sum over near neighbours. The repulsion
# and $Z$ are sums over all pairs, so an exact iteration takes $O(N^2)$ time.
#
# Barnes & Hut (1986) sort the points into a tree of squares. From far away, all points in a
# square act almost like one point. A square of side $s$ at distance $D$ replaces its points if
#
# $$ s < \theta D, $$
#
# which leaves $O(N \log N)$ terms. At θ = 0 no square replaces its points, and every pair is
# summed. The smaller θ is, the smaller the error. For each square, this library stores the
# quadrupole as well as the centre of mass, which makes the error much smaller at the same θ.
#
# `method="exact"` sums all pairs in float64. `method="barnes_hut"`, the default, traverses the
# tree in float32.

# %% [markdown]
# ## The data
#
# We use a small data set, on which exact runs are fast, and a larger one: 5,000 digits of MNIST,
# reduced to 50 principal components. Each data set has one $P$ and one start for all runs.

# %%
if SMALL:
    digits = datasets.digits()
    sets = {f"{n} digits": (digits.X[:n], digits.y[:n]) for n in (300, 900)}
else:
    digits, mnist = datasets.digits(), datasets.mnist()
    chosen = np.random.default_rng(0).choice(len(mnist.X), 5_000, replace=False)
    pixels = mnist.X[chosen].astype(np.float32) / 255
    sets = {
        "1,797 digits": (digits.X, digits.y),
        "5,000 of MNIST": (initial.principal_components(pixels, 50), mnist.y[chosen]),
    }
few, many = sets  # the names of the two sets

near = {name: neighbors.find(X, 90) for name, (X, _) in sets.items()}
P = {name: affinities.perplexity(near[name], 30) for name in sets}
start = {name: initial.pca(X) for name, (X, _) in sets.items()}

for name in sets:
    n = len(start[name])
    print(f"{name}: {P[name].nnz:,} affinities above 0, {P[name].nnz / n**2:.1%} of all pairs")


# %% [markdown]
# `run` computes a map from a given $P$ and a given start, and records the map during the run.


# %%
def run(name, start, method, every=10):
    """Return the fitted model, the map after every `every` iterations, and the time in seconds."""
    X, maps, began = sets[name][0], [], time.perf_counter()
    keep = [lambda record, Y: maps.append(Y)]
    model = TSNE(
        affinities=P[name], init=start, method=method, callbacks=keep, callback_every=every
    ).fit(X)
    return model, np.array(maps), time.perf_counter() - began


tree_run = {name: run(name, start[name], "barnes_hut", 5) for name in sets}
Y = tree_run[many][0].embedding_

plot.scatter(Y, sets[many][1], title=f"{many}, by Barnes-Hut", ax=plt.figure(figsize=(5, 5)).gca())
plt.show()

# %% [markdown]
# ## The forces on one map
#
# We take this final map and compute the repulsion of every point with both methods. We compare
# $F_i / Z$, the quantity that enters the gradient. Two numbers summarise the comparison: the
# error relative to the repulsion and the error relative to the gradient. At the end of a run the
# gradient is small, since attraction and repulsion balance, so the same error is a larger
# fraction of it.

# %%
exact = forces.repulsion(Y, method="exact")
tree = forces.repulsion(Y, method="barnes_hut", theta=0.45)
gradient = forces.gradient(P[many], Y, method="exact").grad


def length(vectors):
    """Return the length of each row."""
    return np.linalg.norm(vectors, axis=1)


repulsion = length(exact.force / exact.z)
error = length(tree.force / tree.z - exact.force / exact.z)
relative = error / repulsion
rms = np.sqrt((error**2).mean())

print(f"Z: {exact.z:.6g} exactly, {tree.z:.6g} by the tree: {tree.z / exact.z - 1:+.1e}")
print(f"RMS error / RMS repulsion {rms / np.sqrt((repulsion**2).mean()):.1e}")
print(f"RMS error / RMS gradient  {4 * rms / np.sqrt((length(gradient) ** 2).mean()):.1e}")
print(f"relative error per point: median {np.median(relative):.1e}, largest {relative.max():.1e}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), width_ratios=(1, 1, 1.1))
bins = np.geomspace(np.quantile(relative, 0.001), relative.max(), 60)
axes[0].hist(relative, bins, color=BLUE)
axes[0].axvline(np.median(relative), color=RED, label="median")
axes[0].set(xscale="log", xlabel="error / repulsion of the point", ylabel="points")
axes[0].set_title("Relative error")
axes[0].legend(frameon=False)
axes[1].loglog(repulsion, error, ".", color=BLUE, ms=2, alpha=0.5)
axes[1].set(xlabel="repulsion of the point", ylabel="error", title="Error against repulsion")
plot.scatter(Y, np.log10(relative), ax=axes[2], title="Relative error on the map")
figure.axes[-1].set_ylabel("log₁₀(error / repulsion)")
plt.show()

known = [np.corrcoef(np.log(repulsion), np.log(e))[0, 1] for e in (error, relative)]
print(f"correlation, in logarithms, of the repulsion with the error {known[0]:+.2f},")
print(f"{'with the error / repulsion':>58} {known[1]:+.2f}")

# %% [markdown]
# For most points the error is far below a thousandth of the force. It grows with the force, but
# less than proportionally. The relative error is therefore larger where the repulsion is weak:
# there the repulsions from all sides nearly cancel, and the error is divided by a small sum. The
# tree does not fail in any particular region: large and small errors occur side by side. A weak
# force with a large relative error does no more harm to the run than any other force, because the
# displacement of a point depends on the absolute error.
#
# ## θ: error against time

# %%
thetas = np.array([0.1, 0.2, 0.3, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5])


def best_of(repeats, function, *args, **options):
    """Return the result and the shortest time, the one least disturbed by other programs."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = function(*args, **options)
        seconds.append(time.perf_counter() - began)
    return result, min(seconds)


exact_seconds = best_of(3, forces.repulsion, Y, method="exact")[1]
seconds, errors, worst = [], [], []
for theta in thetas:
    tree, took = best_of(5 if SMALL else 20, forces.repulsion, Y, theta=theta)
    error = length(tree.force / tree.z - exact.force / exact.z)
    seconds.append(took)
    errors.append(np.sqrt((error**2).mean() / (repulsion**2).mean()))
    worst.append(np.quantile(error / repulsion, 0.99))
    print(f"θ {theta:<4}  {1e3 * took:6.2f} ms   RMS {errors[-1]:.1e}   99 % below {worst[-1]:.1e}")
print(f"exact   {1e3 * exact_seconds:6.2f} ms")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
left.semilogy(thetas, worst, "o-", color=ORANGE, label="99th percentile over the points")
left.semilogy(thetas, errors, "o-", color=BLUE, label="RMS error / RMS repulsion")
left.set(xlabel="θ", ylabel="relative error of the repulsion", title="Error")
right.semilogy(thetas, 1e3 * np.array(seconds), "o-", color=BLUE, label="Barnes-Hut")
right.axhline(1e3 * exact_seconds, color=GREEN, label="exact")
right.set(xlabel="θ", ylabel="time of one repulsion (ms)", title=f"Time, {len(Y):,} points")
for ax in (left, right):
    ax.axvline(0.45, color=RED, ls="--", lw=1, label="default, θ = 0.45")
    ax.legend(frameon=False)
plt.show()

# %% [markdown]
# Below θ = 0.45 the time rises, while the error falls to values of no practical importance. Above
# it the error continues to grow, while there is less and less time left to save. This is why 0.45
# is the default. To specify the error instead of the angle, use
# `TSNE(theta=forces.AdaptiveTheta(1e-3))`, which chooses θ by measuring the error.
#
# Other libraries use half the width of a square in this test, or store no quadrupoles, so the
# same θ does not give the same error there. Compare libraries at equal error.

# %% [markdown]
# ## Two runs from one start
#
# A run consists of hundreds of steps, each with a small error. Do the errors accumulate? We start
# both methods from the same points with the same $P$. As a reference, further runs start from the
# same points with each coordinate changed by one part in ten million. This is the last digit of a
# float32, the smallest possible change. One more run starts from random points.

# %%
rng = np.random.default_rng(1)


def nudged(Y):
    """Return a start with each coordinate changed by one part in ten million, up or down."""
    return (Y.astype(np.float64) * (1 + 1e-7 * rng.choice([-1, 1], Y.shape))).astype(np.float32)


exact_runs, tree_runs, random_run = {}, {}, {}
for name in sets:
    again = [nudged(start[name]) for _ in range(1 if SMALL else 3)]
    exact_runs[name] = [run(name, one, "exact", 5) for one in (start[name], *again)]
    tree_runs[name] = [tree_run[name], *(run(name, one, "barnes_hut", 5) for one in again)]
    nowhere = initial.random(len(start[name]), random_state=0)
    random_run[name] = run(name, nowhere, "barnes_hut", 5)
    times = exact_runs[name][0][2], tree_runs[name][0][2]
    print(f"{name}: exact {times[0]:.1f} s, Barnes-Hut {times[1]:.1f} s")

# %% [markdown]
# ### The KL divergence during the run

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 4))
for ax, name in zip(axes, sets, strict=True):
    for (model, _, _), colour, style, label in (
        (exact_runs[name][0], GREEN, "-", "exact"),
        (exact_runs[name][1], ORANGE, "-", "exact, start nudged by 1e-7"),
        (tree_runs[name][0], BLUE, "--", "Barnes-Hut, θ = 0.45"),
    ):
        steps, kl = zip(*[(r.iteration, r.kl) for r in model.history_], strict=True)
        ax.plot(steps, kl, style, color=colour, lw=2, label=label)
    ax.axvline(250, color="grey", lw=1, ls=":", label="end of early exaggeration")
    ax.set(xlabel="iteration", ylabel="KL divergence (nats)", title=name, ylim=(0, None))
axes[1].legend(frameon=False)
plt.show()

# %% [markdown]
# ### When the runs separate
#
# How far apart are two runs at the same iteration? We measure the RMS distance between the two
# positions of a point, relative to the RMS radius of the map. All runs except the random one have
# (nearly) the same start, so the maps need no rotation.

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True)
for ax, name in zip(axes, sets, strict=True):
    reference = exact_runs[name][0][1]
    steps = [record.iteration for record in exact_runs[name][0][0].history_]
    size = np.sqrt((reference**2).sum((1, 2)))
    lines = [(other, ORANGE, 1) for other in exact_runs[name][1:]] + [(tree_runs[name][0], BLUE, 2)]
    for (_, maps, _), colour, width in lines:
        apart = np.sqrt(((maps - reference) ** 2).sum((1, 2))) / size
        ax.loglog(steps, apart, color=colour, lw=width)
    ax.axhline(1e-7, color="grey", lw=1, ls=":")
    ax.set(xlabel="iteration", title=name, xticks=(10, 50, 250, 750))
    ax.set_xticks([], minor=True)
    ax.set_xticklabels(ax.get_xticks())
axes[0].set_ylabel("distance from the exact run / radius")
handles = [axes[1].lines[k] for k in (0, -2, -1)]
axes[1].legend(
    handles, ["exact, nudged", "Barnes-Hut", "the nudge"], frameon=False, loc="center right"
)
plt.show()

# %% [markdown]
# Within a few tens of iterations, the distance grows from the smallest representable value to its
# final size. From then on, the Barnes-Hut run is about as far from the exact run as the exact run
# is from its own repetitions. The gradient descent of t-SNE is chaotic in the sense of weather
# forecasts: where a cluster unfolds, the last digit decides on which side two points pass each
# other. The size of the initial error no longer matters. (The error of the tree is initially even
# smaller than the nudge: while the map is tiny, $w_{ij}$ is nearly 1 for all pairs, and there is
# hardly anything to approximate.)
#
# So there is no such thing as *the* exact map. There are many equally good maps, and any two runs
# that are not bitwise identical end in two of them. (In this library, the same seed gives bitwise
# identical results with any number of threads.)
#
# ### The maps superimposed
#
# `metrics.align` aligns one map with another by translation, rotation, reflection and scaling
# (Procrustes). Each line below goes from the position of a point in the exact map to its position
# in the other map.

# %%
figure, axes = plt.subplots(2, 2, figsize=(11, 11), dpi=75)
for row, name in zip(axes, sets, strict=True):
    fixed, y = exact_runs[name][0][0].embedding_, sets[name][1]
    others = {"Barnes-Hut": tree_runs[name][0], "exact, start nudged": exact_runs[name][1]}
    for ax, (title, (other, _, _)) in zip(row, others.items(), strict=True):
        aligned = metrics.align(other.embedding_, fixed).Y
        plot.scatter(fixed, y, ax=ax, size=1, title=f"{name}: exact and {title}")
        lines = np.stack([fixed, aligned], axis=1)
        colours = np.array(plot.PALETTE)[y]
        ax.add_collection(LineCollection(lines, colors=colours, lw=0.5, alpha=0.6, zorder=0))
plt.show()

# %% [markdown]
# In both comparisons most points keep their position, parts of clusters are rotated or reflected
# as a whole, and a few points move to another cluster. Left and right differ in which points
# these are.
#
# ## Differences that matter, and those that do not
#
# We ask three questions about each run. How well does it fit, as measured by the exact KL
# divergence? How many of the ten nearest neighbours in the data are among the ten nearest in the
# map (recall)? Are points that are close in the map also close in the data (trustworthiness)?

# %%
for name, (X, _) in sets.items():
    kinds = [("exact", exact_runs[name]), ("Barnes-Hut", tree_runs[name])]
    for kind, runs in [*kinds, ("Barnes-Hut, random start", [random_run[name]])]:
        maps = [model.embedding_ for model, _, _ in runs]
        measures = {
            "KL": [forces.kl_divergence(P[name], Y) for Y in maps],
            "recall": [metrics.neighbor_recall(near[name], Y) for Y in maps],
            "trustworthiness": [metrics.trustworthiness(X, Y) for Y in maps],
        }
        print(f"{name}, {kind}")
        for what, values in measures.items():
            print(f"  {what:16}", *(f"{value:.4f}" for value in values))

# %% [markdown]
# On each data set, each measure has the same value in all runs, up to the variation between the
# exact runs.
#
# We ask two more questions about each *pair* of runs. What fraction of the variance is left after
# Procrustes alignment? How many of the ten nearest neighbours in one map are among the ten
# nearest in the other? We compare pairs of exact runs with pairs of an exact and a Barnes-Hut
# run.

# %%
compared = {}
for name in sets:
    exact_maps, tree_maps = (
        [model.embedding_ for model, _, _ in runs[name]] for runs in (exact_runs, tree_runs)
    )
    pairs = {
        "exact, exact": list(itertools.combinations(exact_maps, 2)),
        "exact, Barnes-Hut": list(itertools.product(exact_maps, tree_maps)),
        "exact, random start": [(one, random_run[name][0].embedding_) for one in exact_maps],
    }
    compared[name] = {
        kind: (
            [metrics.align(b, a).disparity for a, b in some],
            [metrics.neighbor_recall(neighbors.find(a, 10), b, 10) for a, b in some],
        )
        for kind, some in pairs.items()
    }
    for kind, (left, shared) in compared[name].items():
        print(f"{name}, {kind} ({len(left)} pairs)")
        print(f"  variance left      {min(left):.3f} to {max(left):.3f}, mean {np.mean(left):.3f}")
        print(f"  neighbours shared  {min(shared):.2f} to {max(shared):.2f}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharex=True, sharey=True)
for ax, name in zip(axes, sets, strict=True):
    for (kind, values), colour in zip(compared[name].items(), (GREEN, BLUE, ORANGE), strict=True):
        ax.semilogx(*values, "o", color=colour, label=kind, alpha=0.7)
    ax.set(xlabel="fraction of the variance left", title=name)
axes[0].set_ylabel("neighbours shared")
axes[0].legend(frameon=False)
plt.show()

# %% [markdown]
# The maps are *not* the same: even two exact maps are far from sharing all neighbours. But an
# exact and a Barnes-Hut map differ about as much as two exact maps. What is arbitrary in a map is
# also arbitrary in an exact map; rely only on what all runs have in common.
#
# The random start is different. Its KL divergence, recall and trustworthiness are just as good.
# But for the digits most of the variance is left: the clusters are arranged differently. For
# MNIST the run found nearly the same arrangement from random points, which cannot be relied on.
# The start can determine the global arrangement (Kobak & Berens 2019); the method of summing the
# forces does not.

# %% [markdown]
# ## The other approximation: P
#
# A Barnes-Hut run uses the affinities to a limited number of neighbours, here 90, three times the
# perplexity (van der Maaten 2014). By default, `TSNE` with `method="exact"` computes affinities
# for all pairs. How much of the affinity then lies on other pairs?

# %%
pairs = affinities.all_pairs(sets[few][0], 30).toarray()
moved = np.abs(pairs - P[few].toarray()).sum() / 2
print(f"{few}: {moved:.2%} of the affinity lies on other pairs")
model = exact_runs[few][0][0]
print(f"KL of the exact map: {forces.kl_divergence(pairs, model.embedding_):.4f} by all pairs,")
print(f"{model.kl_divergence_:21.4f} by the pairs of 90 neighbours")

# %% [markdown]
# The last digits of divergences from two different $P$ are not comparable. Always compare maps
# using the same $P$, as above.
#
# ## Time against the number of points
#
# We time one evaluation of the repulsion, on points spread like those of a map, whose area grows
# with $N$.

# %%
sizes = 1000 * 2 ** np.arange(2 if SMALL else 7)
took = {"exact": [], "barnes_hut": []}
for n in sizes:
    cloud = (np.sqrt(n) / 3 * rng.normal(size=(n, 2))).astype(np.float32)
    for method, seconds in took.items():
        seconds.append(best_of(3 if n > 20_000 else 10, forces.repulsion, cloud, method=method)[1])
    print(f"{n:6,}: exact {took['exact'][-1]:8.4f} s, tree {took['barnes_hut'][-1]:.4f} s")

# %%
figure, ax = plt.subplots(figsize=(7, 4.5))
ax.loglog(sizes, took["exact"], "o-", color=GREEN, label="exact")
ax.loglog(sizes, took["barnes_hut"], "o-", color=BLUE, label="Barnes-Hut, θ = 0.45")
growth = {"$N^2$": sizes**2.0, r"$N \log N$": sizes * np.log(sizes)}
for (label, curve), last in zip(growth.items(), (s[-1] for s in took.values()), strict=True):
    ax.loglog(sizes, curve * last / curve[-1], ":", color="grey", zorder=0)
    ax.annotate(label, (sizes[0], curve[0] * last / curve[-1]), (-6, 0), ha="right", va="center",
                textcoords="offset points", color="grey")  # fmt: skip
ax.set(xlabel="points", ylabel="time of one repulsion (s)", xlim=(sizes[0] / 2, None))
ax.legend(frameon=False)
plt.show()

million = took["exact"][-1] * (1e6 / sizes[-1]) ** 2
print(f"A million points, exactly: about {million / 60:.0f} minutes an iteration")

# %% [markdown]
# The exact curve follows $N^2$. For a thousand points the choice of method makes little
# difference; from some thousands of points on, it determines whether you have to wait at all.

# %% [markdown]
# ## Summary
#
# - At θ = 0.45 the error of a force is a small fraction of the force, except where forces cancel.
# - Two runs separate regardless of the size of the error; an error in the last digit is enough.
# - An exact and a Barnes-Hut run end as far apart as two exact runs. KL divergence, recall and
#   trustworthiness do not distinguish the two methods.
# - `method="exact"` is intended for small data, for maps of more than three dimensions and for
#   tests. It does not give better maps.

# %% [markdown]
# ## What to try
#
# - Run Barnes-Hut with `theta=1.0` and with `theta=1.5`, and add both to the table. At which θ
#   does the KL divergence begin to deteriorate?
# - Nudge a single coordinate of a single point instead of all. Do the runs still separate, and
#   when?
# - Pass `theta=forces.AdaptiveTheta(1e-3)` to `TSNE` and look at `theta_` and `history_`: how
#   does the error change while the map grows?
# - Replace the start by `initial.spectral(P[few])`: how much variance is left compared with the
#   run from the principal components?
#
# ## References
#
# Barnes & Hut 1986, *A hierarchical O(N log N) force-calculation algorithm*. Kobak & Berens 2019,
# *The art of using t-SNE for single-cell transcriptomics*. van der Maaten & Hinton 2008,
# *Visualizing data using t-SNE*. van der Maaten 2014, *Accelerating t-SNE using tree-based
# algorithms*.
