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
# # Hidden layers over epochs
#
# A small convolutional network learns to classify digits, and t-SNE shows how its layers
# represent them: layer by layer, before and after training, and one layer as an animation over
# the epochs.
#
# **What you will learn**
#
# - how to compute maps of a network's layers, and to evaluate them by the neighbour hit
# - how dynamic t-SNE keeps the maps of many epochs comparable, and what its penalty costs
# - that the network's errors concentrate among the digits that the map places in another class
# - what such maps do not show, and how a large penalty lets later epochs influence earlier maps

# %%
import os
import tempfile
from pathlib import Path

# PyTorch and Numba have separate threads: those that wait should not keep a core busy.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Image, display
from matplotlib.collections import LineCollection
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from torch import nn
from torch.nn import functional as F

from bhtsne import TSNE, DynamicTSNE, datasets, dynamic, layers, metrics, neighbors, plot

SMALL = "BHTSNE_SMALL" in os.environ  # set by the tests: the same notebook on less data
plt.rcParams.update({"figure.dpi": 80, "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
BLUE, ORANGE, GREEN, RED = plot.PALETTE[:4]
torch.use_deterministic_algorithms(True)

# %% [markdown]
# ## A network that returns all activations
#
# The network has two convolutions, each with max pooling, a hidden layer of 64 units, and an
# output of ten numbers, one for each class. Its `forward` returns the activations of every layer
# by name. For a network that you cannot change, use forward hooks instead.


# %%
class Network(nn.Module):
    """A small convolutional network that returns the activations of every layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.third = nn.Linear(32 * 4 * 4, 64)
        self.last = nn.Linear(64, 10)

    def forward(self, images):
        """Return the activations of each layer."""
        conv1 = F.max_pool2d(F.relu(self.first(images)), 2)
        conv2 = F.adaptive_max_pool2d(F.relu(self.second(conv1)), 4)
        hidden = F.relu(self.third(conv2.flatten(1)))
        return {"conv1": conv1, "conv2": conv2, "hidden": hidden, "output": self.last(hidden)}


rng = np.random.default_rng(0)
data = datasets.digits() if SMALL else datasets.mnist()
if SMALL:
    train, test = np.split(rng.permutation(len(data.X)), [-300])
else:  # the last 10,000 digits of MNIST are the test set
    train = rng.choice(60_000, 20_000, replace=False)
    test = 60_000 + rng.choice(10_000, 2_500, replace=False)

side = round(data.X.shape[1] ** 0.5)
images = torch.from_numpy(data.X.astype(np.float32) / data.X.max()).reshape(-1, 1, side, side)
labels = torch.from_numpy(data.y)
y = data.y[test]
print(f"{len(train):,} training digits, {len(test):,} test digits")

# %% [markdown]
# Digits are learned so quickly that most of the progress happens within the first epoch. The
# network is therefore trained slowly, by plain gradient descent, and recorded at times that
# double: before training, after an eighth of an epoch, a quarter, and so on to eight epochs. Each
# time we store the activations of the *test* digits, which are never used for training.

# %%
names = ["untrained", *(f"{part} epoch" for part in "⅛¼½1"), *(f"{n} epochs" for n in (2, 4, 8))]
batch = 20 if SMALL else 50
per_epoch = len(train) // batch
looks = [per_epoch * eighths // 8 for eighths in (1, 2, 4, 8, 16, 32, 64)]


@torch.no_grad()
def look():
    """Return the activations of each layer for the test digits."""
    return network(images[test])


torch.manual_seed(0)
network = Network()
descent = torch.optim.SGD(network.parameters(), lr=0.05)
states, step = [look()], 0
for _ in range(8):
    for now in np.split(rng.permutation(train)[: per_epoch * batch], per_epoch):
        descent.zero_grad()
        F.cross_entropy(network(images[now])["output"], labels[now]).backward()
        descent.step()
        step += 1
        if step in looks:
            states.append(look())

answers = [state["output"].argmax(dim=1).numpy() for state in states]
accuracy = [np.mean(answer == y) for answer in answers]
for name, part in zip(names, accuracy, strict=True):
    print(f"{name:10s} accuracy on the test digits {part:.3f}")

# %% [markdown]
# ## Each layer, before and after
#
# For t-SNE, a layer is a table with one row for each digit and one column for each unit.
# `layers.points` converts activations of any shape to such a table, and reduces it to 50
# principal components if there are more units. `layers.maps` computes a map of each layer, and
# rotates and scales it to align with the previous one. Here one chain leads from the untrained
# output back to the first layer, and then forward through the trained network, so that all eight
# maps are aligned as well as possible.

# %%
before, after = states[0], states[-1]
maps = layers.maps([*reversed(before.values()), *after.values()], TSNE(random_state=0))
maps_before, maps_after = maps[3::-1], maps[4:]
axes = plot.small_multiples(
    [*maps_before, *maps_after],
    y,
    titles=[f"{layer}, {state}" for state in ("untrained", "trained") for layer in before],
    n_columns=4,
)
plt.show()

# %% [markdown]
# In the upper row, before training, the classes are already visible, and get lost from layer to
# layer. Random weights keep similar digits close, but less so the more layers mix them. In the
# lower row the opposite happens: the classes separate layer by layer, as Rauber et al. (2017)
# observed.
#
# Is this a property of the layers, or only of the maps? Rauber et al. measure both by the
# **neighbour hit**, the fraction of a digit's nearest neighbours that belong to its own class,
# here of the nearest six:
#
# $$\mathrm{NH} = \frac{1}{6N} \sum_{i=1}^{N}
# \bigl| \{ j \in \mathcal{N}_6(i) : \ell_j = \ell_i \} \bigr|,$$
#
# where $\ell_i$ is the label of $i$ and $\mathcal{N}_6(i)$ are its neighbours, either among all
# activations of the layer, without any reduction, or on the map.

# %%
hits = {
    layer: [metrics.neighbor_hit(layers.points(state[layer], None), y) for state in states]
    for layer in before
}
map_hits = [[metrics.neighbor_hit(Y, y) for Y in row] for row in (maps_before, maps_after)]
pixels = metrics.neighbor_hit(layers.points(images[test], None), y)

figure, ax = plt.subplots(figsize=(8, 3.8))
for name, time, colour in (("untrained", 0, ORANGE), ("trained", -1, BLUE)):
    curve = [hits[layer][time] for layer in hits]
    ax.plot(curve, "o-", color=colour, label=f"{name}, activations")
    ax.plot(map_hits[time], "s--", color=colour, mfc="white", label=f"{name}, map")
ax.axhline(pixels, color="grey", linestyle=":", label="pixels")
ax.axhline((np.bincount(y) ** 2).sum() / len(y) ** 2, color="grey", label="chance")
ax.set_xticks(range(4), list(before))
ax.set(xlabel="layer", ylabel="neighbour hit", ylim=(0, 1.02))
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

print("              untrained               trained")
print("layer    activations    map     activations    map")
for i, layer in enumerate(hits):
    numbers = hits[layer][0], map_hits[0][i], hits[layer][-1], map_hits[1][i]
    print("{:8} {:11.3f} {:6.3f} {:15.3f} {:6.3f}".format(layer, *numbers))
print(f"pixels   {pixels:11.3f}")

# %% [markdown]
# The maps can be trusted: their neighbour hits rise and fall with those of the activations.
#
# - **Untrained**: the first layer is no worse than the pixels, and each further layer is worse
#   than the one before. Even the output, ten random sums, is far above chance. A map with visible
#   classes therefore does **not** prove that the network has learned anything. Compare it with
#   the map of the untrained network.
# - **Trained**: the neighbour hit rises up to the hidden layer; the output does not increase it
#   further.
# - The first layer hardly improves: its neighbour hit is much the same before and after training.
#
# ## One layer over epochs
#
# The orientation of separately computed maps is arbitrary, and differences between two of them
# may be due to chance. Dynamic t-SNE (Rauber, Falcão & Telea 2016) computes the maps of all times
# $t = 1, \dots, T$ jointly, and penalises movement:
#
# $$C = \sum_{t=1}^{T} \mathrm{KL}\bigl(P[t] \,\|\, Q[t]\bigr) + \frac{\lambda}{2N}
# \sum_{i=1}^{N} \sum_{t=1}^{T-1} \bigl\| y_i[t] - y_i[t+1] \bigr\|^2 .$$
#
# $P[t]$ are the affinities of the digits in the hidden layer at time $t$, $Q[t]$ those of the
# map. The parameter `movement_penalty` is the penalty $\lambda$. We use the default, 0.01; the
# next section explains why it is not larger.

# %%
snapshots = [layers.points(state["hidden"], random_state=0) for state in states]
model = DynamicTSNE(movement_penalty=0.01, random_state=0).fit(snapshots)
film = model.embeddings_
axes = plot.small_multiples(
    film,
    y,
    titles=[f"{name}, accuracy {part:.2f}" for name, part in zip(names, accuracy, strict=True)],
    n_columns=4,
    same_scale=True,
    legend="beside",
)
plt.show()

# %% [markdown]
# All panels have the same coordinates, so a point at the same place in two panels has not moved.
# The 1s are separate from the beginning, and 6 and 0 nearly so; 4, 7 and 9 begin as one group, 2,
# 3, 5 and 8 as another. After half an epoch the groups are denser, and the classes in them still
# overlap. After a whole epoch the classes have separated, and the later epochs only clear the
# gaps. The following animation shows the same maps for a part of the digits:

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "epochs.gif")
    shown = [Y[:400] for Y in film]
    plot.animate(path, shown, y[:400], titles=names, seconds=0.7, fps=10, hold=0.6)
    display(Image(data=path.read_bytes(), format="gif"))

# %% [markdown]
# The same in numbers, for all layers:

# %%
figure, ax = plt.subplots(figsize=(8.5, 4))
for colour, (layer, curve) in zip(plot.PALETTE, hits.items(), strict=False):
    ax.plot(curve, "o-", color=colour, label=f"{layer}, neighbour hit")
curve = [metrics.neighbor_hit(Y, y) for Y in film]
ax.plot(curve, "s--", color=GREEN, mfc="white", label="maps of hidden, neighbour hit")
ax.plot(accuracy, "x-", color="black", label="accuracy")
ax.set_xticks(range(len(names)), [name.split()[0] for name in names])
ax.set(xlabel="epochs", ylabel="neighbour hit, accuracy", ylim=(0, 1.02))
ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
plt.show()

# %% [markdown]
# - The deeper a layer, the lower its neighbour hit before training and the larger its gain.
#   Training undoes the mixing by the random weights.
# - The gain is not monotonic: after half an epoch, `conv2` and `hidden` have *worse* neighbours
#   than before training. The network has lost its random representation, and has not yet learned
#   one of its own.
# - Accuracy begins at chance, while the neighbour hit of the output is far above it. The classes
#   are grouped, but the output does not yet identify them.
#
# ## What the penalty does
#
# We fit the same snapshots with penalties from 0 to 10 and, for comparison, compute separate
# maps. At $\lambda = 0$ the maps share only their start. `movement_` measures how far points move
# from one map to the next: with each map centred, it is
#
# $$\sqrt{\frac{\sum_i \| y_i[t] - y_i[t+1] \|^2}
# {\sum_i \| y_i[t] \|^2 + \sum_i \| y_i[t+1] \|^2}},$$
#
# which is 0 if nothing moves, and 1 for unrelated maps.

# %%
penalties = [0, 0.01, 1] if SMALL else [0, 0.01, 0.1, 1, 10]
apart = [TSNE(random_state=0).fit(X) for X in snapshots]
sequences = {"separate": [each.embedding_ for each in apart]}
kls = {"separate": np.mean([each.kl_divergence_ for each in apart])}
for penalty in penalties:
    each = model  # fitted above with penalty 0.01
    if penalty != model.movement_penalty:
        each = DynamicTSNE(movement_penalty=penalty, random_state=0).fit(snapshots)
    sequences[f"λ = {penalty}"] = each.embeddings_
    kls[f"λ = {penalty}"] = each.kl_divergences_.mean()

moved = {name: dynamic.movement(some) for name, some in sequences.items()}
first_hits = {name: metrics.neighbor_hit(some[0], y) for name, some in sequences.items()}
last_hits = {name: metrics.neighbor_hit(some[-1], y) for name, some in sequences.items()}
print("                         mean KL   neighbour hit")
print("           movement   divergence   untrained   8 epochs")
for name in sequences:
    numbers = moved[name].mean(), kls[name], first_hits[name], last_hits[name]
    print("{:10} {:8.4f} {:12.3f} {:11.3f} {:10.3f}".format(name, *numbers))
print(f"activations {hits['hidden'][0]:31.3f} {hits['hidden'][-1]:10.3f}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 3.3))
ticks = [name.removeprefix("λ = ") for name in sequences]
axes[0].plot(ticks, [some.mean() for some in moved.values()], "o-", color=BLUE)
axes[0].set(ylabel="mean movement", ylim=(0, None))
axes[1].plot(ticks, list(kls.values()), "o-", color=BLUE)
axes[1].set(ylabel="mean KL divergence / nats", ylim=(0, None))
axes[2].plot(ticks, list(first_hits.values()), "o-", color=ORANGE, label="map, untrained")
axes[2].axhline(hits["hidden"][0], color=ORANGE, linestyle=":", label="activations, untrained")
axes[2].plot(ticks, list(last_hits.values()), "o-", color=BLUE, label="map, 8 epochs")
axes[2].axhline(hits["hidden"][-1], color=BLUE, linestyle=":", label="activations, 8 epochs")
axes[2].set(ylabel="neighbour hit", ylim=(0, 1.02))
axes[2].legend(frameon=False, loc="lower left", ncols=2, fontsize="small")
for ax in axes:
    ax.set_xlabel("movement penalty λ")
plt.show()

# %% [markdown]
# Less movement costs divergence: the larger λ, the less the points move, and the worse each map
# fits its own snapshot. The right panel shows a second cost. The neighbour hit of the map of the
# **untrained** network increases with λ, and becomes far better than that of the activations
# which the map represents. This cannot come from its snapshot. It comes from the later ones:
# points are held where they *will* belong. With the largest λ all eight maps are the same, and
# the untrained network looks trained. A map of an early epoch that contains information from
# later epochs is misleading.
#
# A penalty is therefore small enough if the neighbour hit of the first map is hardly better than
# that of its data: 0.01 here. At 0.1, a commonly used value, later epochs already influence the
# first map too much. Movement is measured in the units of the map, and maps of more points are
# wider, so choose the penalty by such a comparison, not by its value.
#
# Maps at four of the eight times, each row scaled separately:

# %%
rows = ["separate", "λ = 0", "λ = 0.01", "λ = 1"]
picked = [0, 3, 4, 7]
axes = plot.small_multiples(
    [sequences[row][t] / np.std(sequences[row]) for row in rows for t in picked],
    y,
    titles=[f"{row}, {names[t]}" for row in rows for t in picked],
    n_columns=4,
    same_scale=True,
    legend="beside",
)
plt.show()

# %% [markdown]
# Separate maps are rotated and reflected arbitrarily, since each starts from its own principal
# components. With a common start (λ = 0) this happens less, but whole classes still exchange
# places for no reason in the data. With λ = 0.01 they keep their places, and the mixed groups of
# the untrained layer remain mixed. With λ = 1 the four maps are hardly distinguishable.
#
# The paths of some digits through all eight maps, with a dot at the end of each path:

# %%
figure, axes = plt.subplots(1, 3, figsize=(12, 4.2))
colours = np.array(plot.PALETTE)[y[:250]]
for ax, row in zip(axes, rows[1:], strict=True):
    ways = np.stack(sequences[row], axis=1)[:250]
    ax.add_collection(LineCollection(ways, colors=colours, linewidths=0.8, alpha=0.5))
    ax.scatter(*ways[:, -1].T, c=colours, s=10, zorder=3)
    ax.set(title=row, aspect="equal", adjustable="datalim", xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="lightgrey")
plt.show()

# %% [markdown]
# ## Digits in the wrong place
#
# On the last map a few digits lie among another class: at least four of their six neighbours on
# the map have a different label. Does the network misclassify them? The left panel marks the
# errors of the network with rings. The right panel shows the first sixteen misplaced digits, with
# the class in which they lie and the prediction of the network, in red where it is wrong.

# %%
Y, answer = film[-1], answers[-1]
around = y[neighbors.find(Y, 6).indices]
misplaced = (around != y[:, None]).sum(axis=1) >= 4
host = np.array([np.bincount(row).argmax() for row in around])
wrong = answer != y

left, right = plt.figure(figsize=(11, 5.8)).subfigures(1, 2, width_ratios=[1.2, 1])
ax = plot.scatter(Y, y, ax=left.add_subplot())
ax.scatter(*Y[wrong].T, s=40, facecolors="none", edgecolors="black", label="misclassified")
ax.legend(loc="lower center", bbox_to_anchor=(0.5, -0.06), frameon=False)
for ax, i in zip(right.subplots(4, 4).flat, np.flatnonzero(misplaced)[:16], strict=False):
    ax.imshow(images[test[i], 0], cmap="Greys")
    ax.set_title(f"{y[i]} in {host[i]}s,\nread {answer[i]}", color=RED if wrong[i] else "black")
for ax in right.axes:
    ax.title.set_size(9)
    ax.axis("off")
plt.show()

certainty = torch.softmax(after["output"], dim=1).max(dim=1).values.numpy()
print(f"misplaced: {misplaced.sum()}, misclassified {wrong[misplaced].mean():.1%}")
print(f"the rest:  {(~misplaced).sum()}, misclassified {wrong[~misplaced].mean():.1%}")
print(f"of all errors, misplaced: {misplaced[wrong].mean():.0%}")
same = (host == answer)[misplaced & wrong].mean()
print(f"of misplaced errors, assigned to the class in which they lie: {same:.0%}")
print(f"median certainty, correct ones: misplaced {np.median(certainty[misplaced & ~wrong]):.2f},")
print(f"                                the rest {np.median(certainty[~misplaced & ~wrong]):.4f}")

# %% [markdown]
# A misplaced digit is misclassified dozens of times as often as the others. About half of all
# errors are misplaced digits, and most of these are assigned to the class in which they lie. The
# network is less certain of the misplaced digits that it classifies correctly. This is expected:
# the output is a linear function of this layer, so digits that are close in the layer have nearly
# the same output. It makes the map a useful tool: look at the misplaced digits to find wrong
# labels, hard cases, and examples that a class lacks.
#
# ## What the maps do not show
#
# **Sizes and distances.** Each $P[t]$ adapts to the density of its snapshot, so t-SNE does not
# depend on the scale of its data. The following table gives the spread of the points about their
# mean in the hidden layer and on the map, and the rank correlation of the distances between the
# ten class centres in the layer and on the map.


# %%
def centres(X):
    """Return the mean of each class."""
    return np.array([X[y == digit].mean(axis=0) for digit in range(10)])


print("                spread           distances of class centres")
print("           layer       map       layer and map, correlation")
for name, X, Y in zip(names, snapshots, film, strict=True):
    spread = [np.sqrt(A.var(axis=0).sum()) for A in (X, Y)]
    kept = metrics.distance_correlation(centres(X), centres(Y), random_state=0)
    print(f"{name:10s} {spread[0]:6.2f} {spread[1]:8.1f} {kept:15.2f}")

# %% [markdown]
# Training increases the spread of the points in the layer by a factor of about a hundred; the
# extent of the map hardly changes. The better the classes are separated, the less the distances
# between them on the map mean: the affinities to all other classes vanish, so $P$ does not
# distinguish between their distances. It means little that two classes are neighbours on the last
# map; what the map does show is where there is a *gap*.
#
# **What a readout could do.** The next layer is linear. The neighbour hit measures whether nearby
# points share a class, not whether hyperplanes separate the classes, and neither implies the
# other. Two artificial data sets show this: six clusters on a line, labelled alternately; and two
# classes that differ in one of 200 directions, where the other directions are noise.

# %%
kind = rng.integers(0, 6, 1000)
clumps = rng.normal(size=(1000, 20))
clumps[:, 0] += 12 * kind
faint = rng.normal(size=(1000, 200))
faint[:, 0] += 4 * (kind % 2)
linear = LogisticRegression(tol=0.01, max_iter=1000)

figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
for ax, X in zip(axes, (clumps, faint), strict=True):
    hit = metrics.neighbor_hit(X, kind % 2)
    part = cross_val_score(linear, X, kind % 2).mean()
    title = f"neighbour hit {hit:.2f}, linear readout {part:.2f}"
    plot.scatter(TSNE(random_state=0).fit_transform(X), kind % 2, ax=ax, title=title, legend=None)
plt.show()

# %% [markdown]
# On the left, t-SNE separates all clusters, but no hyperplane in the data could separate the
# classes. On the right, a hyperplane classifies most points correctly, but the classes overlap on
# the map. The same holds for the network. The next table shows the accuracy of a new linear
# readout of the hidden layer at each time (logistic regression, tested on other test digits than
# it was fitted to), next to the accuracy of the network itself.

# %%
print("           neighbour hit   linear readout   the network itself")
for name, X, hit, part in zip(names, snapshots, hits["hidden"], accuracy, strict=True):
    fitted = cross_val_score(linear, X / X.std(), y, cv=3).mean()
    print(f"{name:10s} {hit:13.3f} {fitted:16.3f} {part:20.3f}")

# %% [markdown]
# In the untrained hidden layer, a fitted readout classifies most digits correctly, although the
# network's own output is at chance level. After half an epoch, where the neighbours are at their
# worst, a readout does better than before: what looks like a setback on the map is not a setback
# for the purpose of the layer. What a layer *contains*, what is *near* in it, and what the
# network *uses* are three different questions. A map answers the second.
#
# ## Sources
#
# - Rauber, Fadel, Falcão & Telea 2017, *Visualizing the hidden activity of artificial neural
#   networks*, IEEE Transactions on Visualization and Computer Graphics 23 (1).
# - Rauber, Falcão & Telea 2016, *Visualizing time-dependent data using dynamic t-SNE*, EuroVis
#   short papers.
# - van der Maaten & Hinton 2008, *Visualizing data using t-SNE*, Journal of Machine Learning
#   Research 9.

# %% [markdown]
# ## What to try
#
# - Apply `DynamicTSNE` to layers instead of epochs: `[layers.points(a) for a in after.values()]`,
#   like the inter-layer evolution of Rauber et al. (2017). What does the penalty do to the first
#   map?
# - Shuffle the labels of the training digits, and train longer. Which curves still rise, for the
#   training digits and for the test digits?
# - Train with `torch.optim.Adam`, or with a learning rate ten times as large. Does the setback at
#   half an epoch remain?
# - Halve the number of test digits and find the penalty at which the first map is as good as its
#   data. Is it still 0.01?
