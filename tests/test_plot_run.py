"""Films of recorded runs, MP4, and the dots that are painted: by a second way to the same."""

import ast
import os
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from test_plot import blobs
from test_plot_film import CORNERS, QUICK, frames

from bhtsne import Recorder
from bhtsne.optimizer import Record
from bhtsne.plot import animate
from bhtsne.plot.film import _pace, _run_titles
from bhtsne.plot.painting import _paint


def run(count=12, n=40):
    """Return a recorded run of blobs that grow from 1e-4 to 100."""
    recorder, (Y, _), random = Recorder(), blobs(n), np.random.default_rng(0)
    for i, width in enumerate(np.geomspace(1e-4, 100, count)):
        kl, Y = np.nan if i == 0 else 5 - i / 10, Y + random.normal(size=Y.shape) / 5
        recorder(Record(10 * i, kl, 0, 0, 0), (width * Y / np.abs(Y).max()).astype(np.float32))
    return recorder


def inked(picture):
    """Return the height and width, in pixels, of what is drawn below the title."""
    there = np.argwhere((picture[40:, :590] < 200).any(axis=2))
    return np.ptp(there, axis=0)


@pytest.mark.full
def test_a_run_takes_ten_seconds_and_ends_with_a_rest(tmp_path):
    recorder = run()
    animate(tmp_path / "run.gif", recorder, fps=10)
    pictures, durations = frames(tmp_path / "run.gif")
    assert sum(durations[:-1]) == pytest.approx(10_000, rel=0.05)
    assert set(durations[:-1]) == {100}
    assert durations[-1] == 2000
    # of 1e-4 and of 100 as large
    sizes = np.array([inked(picture).max() for picture in pictures])
    assert sizes.min() > 0.7 * sizes.max() > 300


def test_the_titles_of_a_run_tell_iteration_and_divergence(tmp_path):
    titles = ["iteration 0", "iteration 10   KL 4.900", "iteration 20   KL 4.800"]
    assert _run_titles(run(3)) == titles
    animate(tmp_path / "own.gif", run(3), titles=["a", "b", "c"], seconds=0.1)
    animate(tmp_path / "told.gif", run(3), seconds=0.1)
    assert (tmp_path / "own.gif").read_bytes() != (tmp_path / "told.gif").read_bytes()


@pytest.mark.parametrize(("count", "length"), [(2, 10), (11, 10), (101, 10), (301, 30)])
def test_the_pace_of_a_run(count, length):
    pace = _pace(count, None, 20, None, ".mp4", True)
    assert sum(pace.durations[:-1]) == pytest.approx(length, rel=0.02)
    # no map is rested at: time goes on evenly
    assert np.ptp(np.diff(pace.times)) == pytest.approx(0)
    assert {*range(count)} <= {*np.round(pace.times, 9)}
    assert sum(_pace(count, 0.1, 20, 0.5, ".gif", True).durations) > 0.5 * count


def test_follow_may_be_asked_for_and_declined(tmp_path):
    recorder = run(6)
    animate(tmp_path / "still.gif", recorder, follow=False, seconds=0.1)
    first, *_, last = frames(tmp_path / "still.gif")[0]
    assert inked(first).max() < 0.1 * inked(last).max()
    animate(tmp_path / "maps.gif", recorder.maps, follow=True, **QUICK)
    first, *_, last = frames(tmp_path / "maps.gif")[0]
    assert inked(first).max() > 0.7 * inked(last).max()


def test_separate_fits_are_laid_on_each_other(tmp_path):
    Y, y = blobs(60)
    maps, names = [Y, 3 * Y[:, ::-1] + 9], np.array(list("abcdef"))[y]
    animate(tmp_path / "film.gif", maps, names, align=True, **QUICK)
    pictures, _ = frames(tmp_path / "film.gif")
    assert all((np.abs(picture - pictures[0]) > 8).mean() < 1e-3 for picture in pictures)


def test_the_same_run_is_the_same_file(tmp_path):
    recorder = run()
    recorder.save(tmp_path / "run.npz")
    animate(tmp_path / "a.gif", recorder, seconds=0.1)
    animate(tmp_path / "b.gif", Recorder.load(tmp_path / "run.npz"), seconds=0.1)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_an_empty_recorder_and_one_of_three_dimensions_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one map, got none"):
        animate(tmp_path / "run.gif", Recorder())
    recorder = Recorder()
    recorder(Record(1, 1.0, 0, 0, 0), np.zeros((4, 3), np.float32))
    with pytest.raises(ValueError, match=r"got \[3\] dimensions"):
        animate(tmp_path / "run.gif", recorder)


def test_painted_dots_are_those_of_matplotlib():
    """Agg's own discs, of the same places, sizes, colours and order."""
    random = np.random.default_rng(0)
    for area, tolerance in ((60.0, 4.0), (12.0, 4.0), (1.0, 4.0)):
        places = random.uniform(20, 180, size=(50, 2))
        colours = np.column_stack([random.uniform(size=(50, 3)), np.full(50, 0.7)])
        figure = Figure(figsize=(2, 2), dpi=100)
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set(xlim=(0, 200), ylim=(200, 0))
        ax.axis("off")
        ax.scatter(*places.T, s=area, c=colours, linewidths=0)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())[..., :3].astype(float)
        painted = np.full((200, 200, 3), 255, np.float32)
        rgba = (colours * [255, 255, 255, 1]).astype(np.float32)
        _paint(painted, places.astype(np.float32), rgba, np.float32(area**0.5 / 2 * 100 / 72))
        ink = (255 - drawn).sum()
        assert (255 - painted).sum() == pytest.approx(ink, rel=0.03)
        apart = np.abs(painted - drawn).mean()
        assert apart < tolerance * ink / (255 * 3) / 40_000 * 10


def test_dots_may_lie_at_the_edge_and_beyond():
    picture = np.full((10, 10, 3), 255, np.float32)
    places = np.array([[0, 0], [10, 10], [-50, 3], [3, 1e6]], np.float32)
    _paint(picture, places, np.tile(np.float32([0, 0, 0, 1]), (4, 1)), np.float32(2))
    assert picture[0, 0, 0] < 20 > picture[9, 9, 0]
    assert (picture[3:7, 3:7] == 255).all()


FFMPEG = """#!{python}
import sys
data = sys.stdin.buffer.read()
target = sys.argv[-1]
with open(target, "wb") as file:
    file.write(repr((sys.argv[1:-1], len(data))).encode())
"""


@pytest.fixture
def ffmpeg(tmp_path, monkeypatch):
    """Put a program that only counts bytes in the place of ffmpeg, which CI may not have."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "ffmpeg"
    path.write_text(FFMPEG.format(python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return path


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of POSIX")
def test_an_mp4_is_ffmpeg_s_of_all_frames(tmp_path, ffmpeg):
    animate(tmp_path / "film.mp4", [CORNERS, CORNERS[::-1]], seconds=0.5, fps=30, hold=0.2)
    command, size = ast.literal_eval((tmp_path / "film.mp4").read_text(encoding="utf-8"))
    width, height = map(int, command[command.index("-s") + 1].split("x"))
    assert width % 2 == height % 2 == 0
    assert min(width, height) >= 1080
    assert command[command.index("-r") + 1] == "30"
    assert size == width * height * 3 * (2 * 6 + 15)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of POSIX")
def test_what_ffmpeg_complains_of_is_said_and_the_old_file_stays(tmp_path, ffmpeg):
    complaint = "#!/bin/sh\necho one >&2\necho 'Unknown encoder libx264' >&2\nexit 3\n"
    ffmpeg.write_text(complaint, encoding="utf-8")
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="it says: Unknown encoder libx264"):
        animate(path, [CORNERS, CORNERS[::-1]], **QUICK)
    assert path.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "film.mp4"]


def test_without_ffmpeg_an_mp4_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"an \.mp4 needs ffmpeg, which is not on the PATH"):
        animate(tmp_path / "film.mp4", [CORNERS, CORNERS[:3]])
    assert not list(tmp_path.iterdir())
