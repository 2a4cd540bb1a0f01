"""The film: where points are at each time, who comes and goes, how long it lasts, what stays."""

import time

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from PIL import Image
from test_plot import blobs

from bhtsne.plot import PALETTE, animate
from bhtsne.plot.film import _Film, _times

# far apart, so that the way between two of them is long on the picture
CORNERS = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
QUICK = {"seconds": 0.5, "hold": 0.1}


def frames(path):
    """Return the frames as RGB, (T, height, width, 3), and the milliseconds of each."""
    pictures, durations = [], []
    with Image.open(path) as film:
        for i in range(film.n_frames):
            film.seek(i)
            pictures.append(np.asarray(film.convert("RGB"), np.int16))
            durations.append(film.info["duration"])
    return np.array(pictures), durations


def ease(part):
    return 3 * part**2 - 2 * part**3


def depth(picture, colour):
    """Return how far each pixel is from white to a colour; 0 where it is not on that way."""
    towards = 255 * (np.array(to_rgb(colour)) - 1)
    part = (picture - 255) @ towards / (towards @ towards)
    off = np.abs(picture - 255 - part[..., None] * towards).max(axis=-1)
    return np.where(off < 16, part, 0)


def centre(picture, colour):
    """Return the centre of what is drawn in a colour, in pixels; the legend is left out."""
    weight = depth(picture, colour)[:, :590] > 0.4
    return np.argwhere(weight).mean(axis=0)


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    ("count", "seconds", "fps", "hold", "between"),
    [(2, 1, 20, 0.5, 20), (3, 0.5, 25, 0.2, 12), (4, 0.4, 10, 1, 4), (3, 0.6, 30, 0, 20)],
)
def test_frames_and_duration(tmp_path, count, seconds, fps, hold, between):
    maps = [np.roll(CORNERS, i, axis=0) for i in range(count)]
    animate(tmp_path / "film.gif", maps, seconds=seconds, fps=fps, hold=hold)
    pictures, durations = frames(tmp_path / "film.gif")
    step = 10 * round(100 / fps)
    assert len(pictures) == count + (count - 1) * between
    rests = [max(step, round(1000 * hold))] * count
    assert durations[:: between + 1] == rests
    assert sum(durations) - sum(rests) == between * step * (count - 1)
    assert between * step == pytest.approx(1000 * seconds, abs=step / 2)


@pytest.mark.full
def test_points_glide_with_ease_on_straight_ways(tmp_path):
    """At the part t of the time the way is done to 3 t² − 2 t³: half of it at half the time."""
    maps = [CORNERS, CORNERS[[2, 1, 0, 3]]]
    labels = ["mover", None, None, None]
    animate(tmp_path / "film.gif", maps, labels, seconds=1, fps=25, hold=0.1, size=150)
    pictures, _ = frames(tmp_path / "film.gif")
    places = np.array([centre(picture, PALETTE[0]) for picture in pictures])
    way = places[-1] - places[0]
    assert np.abs(way).min() > 400
    done = (places - places[0]) @ way / (way @ way)
    np.testing.assert_allclose(done, ease(np.arange(27) / 26), atol=0.004)
    assert done[13] == pytest.approx(0.5, abs=0.002)
    across = (places - places[0]) @ [way[1], -way[0]] / (way @ way)
    assert np.abs(across).max() < 0.004


def test_times_are_eased_and_whole_at_each_map():
    np.testing.assert_allclose(
        _times(3, 3), [0, 0.15625, 0.5, 0.84375, 1, 1.15625, 1.5, 1.84375, 2]
    )
    assert _times(1, 5).tolist() == [0]


def test_the_camera_does_not_move_and_colours_do_not_flicker(tmp_path):
    """All that stays, points and legend too, has the same pixels in every frame."""
    random = np.random.default_rng(0)
    still = np.column_stack([random.normal(size=300), random.normal(size=300) + 8])
    moves = [random.normal(size=(100, 2)) * [1, scale] - [0, 8] for scale in (1, 0.1, 0.5)]
    y = np.append(random.integers(8, size=300), np.full(100, 8))
    maps = [np.concatenate([still, move]) for move in moves]
    animate(tmp_path / "film.gif", maps, [f"class {i}" for i in y], **QUICK)
    pictures, _ = frames(tmp_path / "film.gif")
    assert (pictures[:, 0, 0] == 255).all()
    upper = pictures[:, : pictures.shape[1] // 2]
    assert (upper < 200).any(axis=(1, 2, 3)).all()
    assert (upper == upper[0]).all()
    assert (pictures[1:, 300:] != pictures[:-1, 300:]).any(axis=(1, 2, 3)).all()


@pytest.mark.full
def test_the_limits_are_those_of_all_maps(tmp_path):
    for maps in ([CORNERS, 5 * CORNERS - 40], [5 * CORNERS - 40, CORNERS]):
        animate(tmp_path / "film.gif", maps, [str(i) for i in range(4)], size=200, **QUICK)
        pictures, _ = frames(tmp_path / "film.gif")
        whole = [(depth(pictures[0], c)[:, :590] > 0.4).sum() for c in PALETTE[:4]]
        for picture in pictures[[3, 6, -1]]:
            found = [(depth(picture, c)[:, :590] > 0.4).sum() for c in PALETTE[:4]]
            np.testing.assert_allclose(found, whole, rtol=0.1)


def test_who_leaves_fades_in_place_and_who_comes_appears_in_place(tmp_path):
    ids = [[7, 8, 1], [9, 7, 1]]  # 8 leaves, 9 comes
    maps = [CORNERS[[0, 1, 2]], CORNERS[[3, 0, 2]]]
    labels = [["b", "a", "b"], ["c", "b", "b"]]
    animate(tmp_path / "film.gif", maps, labels, ids=ids, seconds=0.9, fps=10, hold=0.1, size=300)
    pictures, _ = frames(tmp_path / "film.gif")
    part = ease(np.arange(11) / 10)
    leaver, comer = centre(pictures[0], PALETTE[0]), centre(pictures[-1], PALETTE[2])
    for place, colour, expected in ((leaver, PALETTE[0], 1 - part), (comer, PALETTE[2], part)):
        x, y = np.rint(place).astype(int)
        assert (pictures[expected == 0, x, y] == 255).all()
        found = depth(pictures[:, x, y], colour)
        np.testing.assert_allclose(found, found.max() * expected, atol=0.06)
        assert found.max() > 0.7
    stayers = [centre(picture, PALETTE[1]) for picture in pictures]
    np.testing.assert_allclose(stayers, np.tile(stayers[0], (len(stayers), 1)), atol=0.01)


def test_ids_say_who_is_who(tmp_path):
    Y, y = blobs(60)
    names, maps = np.array(list("abcdef"))[y], [Y, -Y, Y[:, ::-1]]
    animate(tmp_path / "same.gif", maps, names, **QUICK)
    order = [np.random.default_rng(i).permutation(60) if i else np.arange(60) for i in range(3)]
    given = {"ids": [[f"id {i}" for i in k] for k in order], **QUICK}
    shuffled = [Z[k] for Z, k in zip(maps, order, strict=True)]
    animate(tmp_path / "ids.gif", shuffled, [names[k] for k in order], **given)
    assert (tmp_path / "same.gif").read_bytes() == (tmp_path / "ids.gif").read_bytes()


def states(*points):
    """Return a film of one point: x, y, red, green, blue and presence at each map."""
    return _Film(*np.split(np.array(points, np.float32)[:, None], [2], axis=2))


def at(film, time):
    return np.hstack(film.at(time))[0]


def test_place_colour_and_presence_half_way():
    a, b, gone = [0, 4, 1, 0, 0, 1], [2, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]
    moves = states(a, b, gone, gone, a)
    np.testing.assert_allclose(at(moves, 0.5), [1, 2, 0.5, 0, 0.5, 1])
    np.testing.assert_allclose(at(moves, 0.25), [0.5, 3, 0.75, 0, 0.25, 1])
    np.testing.assert_allclose(at(moves, 1.25), [2, 0, 0, 0, 1, 0.75])
    assert at(moves, 2.5)[5] == 0
    np.testing.assert_allclose(at(moves, 3.25), [0, 4, 1, 0, 0, 0.25])
    for i in (0, 1, 4):
        np.testing.assert_array_equal(at(moves, i), np.hstack([part[i] for part in moves])[0])


def test_the_title_is_that_of_the_nearest_map(tmp_path):
    maps = [CORNERS, np.roll(CORNERS, 1, axis=0), CORNERS]
    animate(tmp_path / "film.gif", maps, titles=["first", "second\nline", "third"], **QUICK)
    pictures, _ = frames(tmp_path / "film.gif")
    assert len(pictures) == 23
    strip = pictures[:, :40]
    assert (strip[[0, 11, 22]] < 128).any(axis=(1, 2, 3)).all()
    shown = [next(i for i in (0, 11, 22) if (s == strip[i]).all()) for s in strip]
    assert shown == [0] * 6 + [11] * 11 + [22] * 6


def test_the_same_film_is_the_same_file_and_a_new_one_replaces_it(tmp_path):
    maps = [CORNERS, CORNERS[::-1]]
    for name in ("a.gif", "b.GIF"):
        (tmp_path / name).write_bytes(b"old")
        animate(tmp_path / name, maps, list("abcd"), **QUICK)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.GIF").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2
    assert not plt.get_fignums()


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    def full(image, file, *args, **options):
        file.write(b"GIF89a")
        raise OSError("the disk is full")

    path = tmp_path / "film.gif"
    path.write_bytes(b"old")
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="full"):
        animate(path, [CORNERS, CORNERS[::-1]], **QUICK)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_film_repeats(tmp_path):
    animate(tmp_path / "film.gif", [CORNERS, CORNERS[::-1]], **QUICK)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.info["loop"] == 0


def test_quantities_one_dimension_and_one_map(tmp_path):
    values = np.linspace(0, 1, 40)
    line = [np.random.default_rng(i).normal(size=(40, 1)) for i in range(2)]
    animate(tmp_path / "film.gif", line, values, **QUICK)
    pictures, _ = frames(tmp_path / "film.gif")
    assert len(pictures) == 12
    assert pictures.shape[1] < pictures.shape[2] / 2
    animate(tmp_path / "film.gif", [CORNERS], hold=0.7)
    pictures, durations = frames(tmp_path / "film.gif")
    assert (len(pictures), durations) == (1, [700])


@pytest.mark.full
def test_five_thousand_points_in_seconds(tmp_path):
    """A fifth of the way of 20 maps, which takes 10 s alone; the rest is for a busy machine."""
    Y, y = blobs(5_000, 10)
    start = time.perf_counter()
    animate(tmp_path / "film.gif", [Y, -Y, Y, -Y, Y], y)
    assert time.perf_counter() - start < 12


@pytest.mark.parametrize(
    ("maps", "labels", "options", "match"),
    [
        ([], None, {}, "at least one map"),
        ([CORNERS, CORNERS[:3]], None, {}, r"same points, got \[4, 3\] points; give ids"),
        ([CORNERS, CORNERS[:, :1]], None, {}, r"got \[2, 1\] dimensions"),
        ([np.zeros((4, 3))] * 2, None, {}, r"got \[3, 3\] dimensions"),
        ([CORNERS, CORNERS], [1, 2], {}, "labels"),
        ([CORNERS, CORNERS], [1, 2, 3, 4], {"ids": [range(4), range(4)]}, "labels must be a list"),
        ([CORNERS, CORNERS], None, {"ids": [range(4)]}, "ids must be a list"),
        ([CORNERS, CORNERS], None, {"ids": [range(4), range(3)]}, "ids must be a list"),
        ([CORNERS, CORNERS], None, {"ids": [range(4), [1, 2, 3, 1]]}, r"ids\[1\]"),
        ([CORNERS, CORNERS], None, {"titles": ["a"]}, "titles"),
        ([CORNERS, CORNERS], None, {"seconds": 0}, "seconds must be .* got 0"),
        ([CORNERS, CORNERS], None, {"seconds": float("nan")}, "seconds"),
        ([CORNERS, CORNERS], None, {"fps": 100}, "fps must be a number from 1 to 50, got 100"),
        ([CORNERS, CORNERS], None, {"hold": -1}, "hold"),
        ([CORNERS, CORNERS], None, {"hold": "long"}, "hold"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, maps, labels, options, match):
    with pytest.raises(ValueError, match=match):
        animate(tmp_path / "film.gif", maps, labels, **options)
    assert not list(tmp_path.iterdir())


def test_other_suffixes_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.gif"):
        animate(tmp_path / "film.avi", [CORNERS])
    with pytest.raises(FileNotFoundError, match=r"film\.gif"):
        animate(tmp_path / "nowhere" / "film.gif", [CORNERS])
