"""The page: what it holds, read back from it; text that stays text; and the page in a browser."""

import base64
import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from bhtsne import browser, neighbors
from bhtsne.palette import PALETTE, PLAIN
from bhtsne.plot import PALETTE as PLOTTED

NASTY = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<!--", "-->", "]]>",
    "\"quoted\" 'twice' `thrice`", "line\u2028separated\u2029here", "&lt;b&gt; & <b>", "=1+1",
    "{title}", "\ud800 alone", "ünïcödé 数字 🙂", "comma, and\nline",
    "<img src=x onerror=alert(1)>",
]  # fmt: skip


class Parsed(HTMLParser):
    """The elements of a page with their attributes, and the text inside of each."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.inside = [], False
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        self.inside = True

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.elements[-1][2] += data

    def all(self, tag, **wanted):
        found = [e for e in self.elements if e[0] == tag]
        return [e for e in found if all(e[1].get(k) == v for k, v in wanted.items())]


def read_back(path):
    """Return the head of the page's data, with arrays in place of their descriptions."""
    raw = Parsed(path).all("script", **{"class": "data"})[0][2]
    content = gzip.decompress(base64.b64decode(raw, validate=True))
    size = int.from_bytes(content[:4], "little")
    head = json.loads(content[4 : 4 + size])

    def array(told):
        dtype = np.dtype(told["dtype"]).newbyteorder("<")
        assert (4 + size + told["start"]) % 8 == 0
        return np.frombuffer(content, dtype, told["length"], 4 + size + told["start"])

    head["maps"] = [array(told).reshape(2, -1).T for told in head["maps"]]
    if head["near"]:
        for name in ("planes", "kept"):
            head["near"][name] = [array(described) for described in head["near"][name]]
    for told in [*head["columns"], *([head["ids"]] if head["ids"] else [])]:
        told["values"] = array(told)
    return head


def values(column):
    """Return a column as Python's objects, None where it is missing."""
    if column["names"] is None:
        return [None if x != x else x for x in column["values"].tolist()]
    return [([*column["names"], None])[i] for i in column["values"]]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "map.html"


def test_places_come_back_to_a_step_of_the_width(path):
    Y = np.random.default_rng(0).normal(size=(500, 2)) * [30, 5] + 1000
    browser.write(path, Y)
    (steps,) = read_back(path)["maps"]
    side = np.ptp(Y, axis=0).max()
    back = steps * side / 65_535
    moved = back - Y
    assert np.ptp(moved, axis=0).max() <= 1.001 * side / 65_535
    assert steps[:, 0].min() == 0
    assert steps[:, 0].max() == 65_535
    assert abs(int(steps[:, 1].min()) + int(steps[:, 1].max()) - 65_535) <= 1  # in the middle


def test_several_maps_share_one_scale(path):
    Y = np.random.default_rng(0).normal(size=(50, 2))
    browser.write(path, [Y, 2 * Y, 0 * Y], titles=["a", "b", "c"])
    head = read_back(path)
    one, two, none = (x.astype(int) for x in head["maps"])
    assert np.abs((two - two[0]) - 2 * (one - one[0])).max() <= 3
    assert (none == none[0]).all()
    assert head["titles"] == ["a", "b", "c"]
    browser.write(path, np.stack([Y, 2 * Y, 0 * Y]))
    assert np.array_equal(read_back(path)["maps"][1], two)
    assert read_back(path)["titles"] == ["1", "2", "3"]


@pytest.mark.parametrize("n", [1, 3])
def test_a_few_points_or_all_in_one_place(path, n):
    browser.write(path, np.full((n, 2), 7.0), ["a"] * n)
    assert len(np.unique(read_back(path)["maps"][0])) == 1


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame])
def test_columns_come_back(path, frame):
    table = {
        "word": ["b", "a", None, "b"],
        "flag": [True, False, True, True],
        "share": [0.1, None, 2.5, -1e30],
        "count": [100_000 * i + 3 for i in range(4)],
        "small": [3, 1, 2, 1],
    }
    columns = frame(table)
    browser.write(path, np.eye(4)[:, :2], columns=columns, labels="small", ids=[7, 8, 9, 10**12])
    head = read_back(path)
    word, flag, share, count, small = head["columns"]
    assert values(word) == table["word"]
    assert values(flag) == ["True", "False", "True", "True"]
    assert values(share) == [None if x is None else np.float32(x) for x in table["share"]]
    assert [c["kind"] for c in head["columns"]] == [
        "category", "category", "fraction", "category", "category",
    ]  # fmt: skip
    assert values(count) == [str(x) for x in table["count"]]
    assert small["names"] == ["1", "2", "3"]
    assert head["columns"][head["labels"]]["name"] == "small"
    assert values(head["ids"]) == ["7", "8", "9", str(10**12)]


@pytest.mark.parametrize(
    ("dtype", "held"),
    [("uint8", "uint8"), ("int16", "int16"), ("int64", "float64"), ("float16", "float32")],
)
def test_numbers_are_exact_and_small(path, dtype, held):
    numbers = np.arange(100).astype(dtype)
    numbers[0] = {"int64": 2**53, "int16": -5}.get(dtype, 0)
    browser.write(path, np.zeros((100, 2)), columns={"x": numbers})
    (column,) = read_back(path)["columns"]
    assert column["dtype"] == held
    assert values(column) == numbers.tolist()


def test_integers_that_no_browser_holds_are_text(path):
    numbers = [2**60 + i for i in range(50)]
    browser.write(
        path, np.zeros((50, 2)), columns={"x": numbers, "day": np.array(["NaT"] * 50, "M8[ns]")}
    )
    x, day = read_back(path)["columns"]
    assert values(x) == [str(i) for i in numbers]
    assert values(day) == [None] * 50


def test_dates_are_milliseconds_and_categories_keep_their_order(path):
    days = pd.Series(pd.to_datetime(["2020-01-02 00:00", None, "2020-01-01 12:00"]))
    sizes = pd.Categorical(["small", "large", None], ["small", "medium", "large"], ordered=True)
    browser.write(path, np.eye(3)[:, :2], pd.Series(sizes), columns={"day": days})
    label, day = read_back(path)["columns"]
    assert label["names"] == ["small", "medium", "large"]  # whose colours do not shift
    assert day["kind"] == "date"
    assert values(day) == [1_577_923_200_000, None, 1_577_880_000_000]


DAYS = [dt.date(2020, 1, 1), None, dt.date(2020, 1, 3)]


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        (np.array(DAYS, "M8[D]"), "date", None),
        (DAYS, "date", None),
        (pl.Series(DAYS), "date", None),
        (pa.array(DAYS), "date", None),
        (["a", "", "b"], "category", ["a", None, "b"]),
        ([b"a", None, b"b"], "category", ["a", None, "b"]),
        (np.array([1, np.nan, 2]), "category", ["1", None, "2"]),
        (pa.array([1, None, 2]), "category", ["1", None, "2"]),
        (np.ma.array([1, 5, 2], mask=[0, 1, 0]), "category", ["1", None, "2"]),
        (np.ma.array(["a", "x", "b"], mask=[0, 1, 0]), "category", ["a", None, "b"]),
        ([1.5, None, 2], "fraction", [1.5, None, 2]),
        (pd.Series([True, None, False], dtype="boolean"), "category", ["True", None, "False"]),
        ([[1], None, [2]], "category", ["[1]", None, "[2]"]),
    ],
)
def test_columns_of_any_type_may_have_gaps(path, given, kind, expected):
    browser.write(path, np.eye(3)[:, :2], columns={"x": given})
    (column,) = read_back(path)["columns"]
    assert column["kind"] == kind
    start = 1_577_836_800_000
    assert values(column) == (expected or [start, None, start + 2 * 86_400_000])


def test_numbers_in_text_have_the_order_of_their_values(path):
    browser.write(path, np.eye(4)[:, :2], ["10", "9", "day 10", "day 9"])
    assert read_back(path)["columns"][0]["names"] == ["9", "10", "day 9", "day 10"]


def test_images_come_back_in_the_order_of_the_points(path):
    rng = np.random.default_rng(0)
    shades = rng.integers(0, 256, 6000)
    images = np.broadcast_to(shades[:, None, None], (6000, 28, 28)).astype(np.uint8)
    browser.write(path, rng.normal(size=(6000, 2)), images=images)
    told = read_back(path)["thumbnails"]
    files = [base64.b64decode(e[2]) for e in Parsed(path).all("script", **{"class": "sheet"})]
    found = []
    for file in files:
        sheet = np.asarray(Image.open(io.BytesIO(file)).convert("L"))
        rows = sheet.shape[0] // told["height"]
        cells = sheet.reshape(rows, told["height"], told["across"], told["width"]).swapaxes(1, 2)
        found += list(cells[:, :, 8:20, 8:20].reshape(rows * told["across"], -1).mean(axis=1))
    assert len(files) == 2
    assert np.abs(np.array(found[:6000]) - shades).max() < 8


@pytest.mark.parametrize("shape", [(5, 200, 100), (5, 8, 8, 3), (5, 8, 8, 1)])
@pytest.mark.parametrize("scale", [1.0, 16.0, 0.0])
def test_images_of_floats_and_colours(path, shape, scale):
    images = np.linspace(0, scale, np.prod(shape)).reshape(shape)
    browser.write(path, np.eye(5)[:, :2], images=images)
    (sheet,) = Parsed(path).all("script", **{"class": "sheet"})
    told = read_back(path)["thumbnails"]
    picture = Image.open(io.BytesIO(base64.b64decode(sheet[2])))
    assert max(told["width"], told["height"]) <= 64
    assert told["height"] / told["width"] == shape[1] / shape[2]
    assert picture.width == told["width"] * told["across"]


def test_no_text_of_a_user_is_markup(path):
    n = len(NASTY)
    browser.write(
        path, np.arange(2.0 * n).reshape(n, 2), NASTY, columns=dict.fromkeys(NASTY, NASTY),
        ids=NASTY, titles=[NASTY[0]], title=NASTY[1],
    )  # fmt: skip
    plain = path.with_name("plain.html")
    browser.write(plain, np.arange(2.0 * n).reshape(n, 2))
    page, other = Parsed(path), Parsed(plain)
    assert [e[0] for e in page.elements] == [e[0] for e in other.elements]
    assert page.all("title")[0][2].strip() == NASTY[1]
    head = read_back(path)
    assert [values(c) for c in head["columns"]] == [NASTY] * (n + 1)
    assert values(head["ids"]) == NASTY
    assert [c["name"] for c in head["columns"]] == ["label", *NASTY]


def test_only_the_pages_own_scripts_may_run_and_nothing_is_loaded(path):
    browser.write(path, np.eye(2), images=np.zeros((2, 4, 4)))
    page = Parsed(path)
    (meta,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    scripts = [e[2] for e in page.all("script") if "type" not in e[1]]
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert len(scripts) == 4
    assert re.findall(r"'sha256-([^']+)'", meta[1]["content"]) == digests
    assert "default-src 'none'" in meta[1]["content"]
    assert "http" not in meta[1]["content"]
    addresses = [v for e in page.elements for k, v in e[1].items() if k in ("src", "href")]
    assert [a for a in addresses if not a.startswith("data:")] == []


def test_the_same_arguments_make_the_same_small_file(path):
    n = 100_000
    rng = np.random.default_rng(0)
    Y, y = rng.normal(size=(n, 2)), rng.integers(0, 10, n)
    browser.write(path, Y, y)
    first = path.read_bytes()
    browser.write(path, Y, y)
    assert path.read_bytes() == first
    assert len(first) < 1_100_000  # 4 bytes a point and half a byte for its label, in base64


def test_the_libraries_are_as_their_authors_made_them():
    folder = Path(browser.__file__).parent / "vendor"
    told = (folder / "NOTICE").read_text()
    scripts = sorted(folder.glob("*.js"))
    for script in scripts:
        assert hashlib.sha256(script.read_bytes()).hexdigest() in told.partition(script.name)[2]
    assert len(scripts) == 3
    assert PALETTE is PLOTTED


Y3 = np.eye(3)[:, :2]


def with_neighbors(n, k=15):
    """Return a map in the plane, and the neighbours of the points in 5 dimensions."""
    X = np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32)
    return X, X[:, :2], neighbors.find(X, min(k, n - 1))


def decoded(head):
    """Return the neighbours that a page stores, by a plain loop over bits and places."""
    x, y = head["maps"][-1].astype(int).T
    keys = [
        sum(((a >> b & 1) | (c >> b & 1) << 1) << 2 * b for b in range(16))
        for a, c in zip(x, y, strict=True)
    ]
    order, k = sorted(range(len(x)), key=lambda i: (keys[i], i)), head["near"]["k"]
    zigzag = sum(plane.astype(int) << 8 * p for p, plane in enumerate(head["near"]["planes"]))
    shift = np.where(zigzag % 2, -(zigzag + 1) // 2, zigzag // 2).reshape(-1, k)
    found = np.empty((len(x), k), int)
    for place, i in enumerate(order):
        found[i] = [order[place + s] if s else -1 for s in shift[place]]
    return found


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 4), (300, 15), (300, 40), (3000, 15)])
def test_neighbours_come_back(path, n, k):
    _, Y, found = with_neighbors(n, k)
    browser.write(path, Y, neighbors=found)
    head = read_back(path)
    np.testing.assert_array_equal(decoded(head), found.indices[:, :15])
    assert head["columns"][-1]["name"] == f"distance to neighbour {min(k, n - 1, 15)}"
    np.testing.assert_array_equal(head["columns"][-1]["values"], found.distances[:, :15][:, -1])


def test_neighbours_that_were_not_found_come_back_as_such(path):
    _, Y, (indices, distances) = with_neighbors(50)
    indices, distances = indices.copy(), distances.copy()
    indices[7, 3:], distances[7, 3:] = -1, np.inf
    browser.write(path, Y, neighbors=(indices, distances))
    head = read_back(path)
    np.testing.assert_array_equal(decoded(head), indices)
    assert np.isnan(head["columns"][-1]["values"][7])


def test_each_map_tells_which_neighbours_it_keeps(path):
    X, Y, found = with_neighbors(200)
    maps = [Y, X[:, 2:4]]
    browser.write(path, maps, neighbors=found, kl_per_point=np.arange(200.0))
    head = read_back(path)
    for Y, bits in zip(maps, head["near"]["kept"], strict=True):
        distances = np.linalg.norm(Y[:, None] - Y[None], axis=-1)
        near = np.argsort(distances, axis=1)[:, 1:16]
        for i in range(200):
            expected = [j in near[i] for j in found.indices[i]]
            assert [bool(bits[i] >> r & 1) for r in range(15)] == expected
    np.testing.assert_array_equal(head["columns"][-1]["values"], np.arange(200))


def test_neighbours_of_many_points_take_few_bytes(path):
    X = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    found = neighbors.find(X, 15)
    browser.write(path, X[:, :2])
    alone = path.stat().st_size
    browser.write(path, X[:, :2], neighbors=found)
    assert path.stat().st_size - alone < 40 * 20_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbors": np.zeros((4, 2), int)}, "neighbors"),
        ({"neighbors": (np.zeros((4, 2), int), np.zeros((4, 2)))}, "one or more of each of the 3"),
        ({"neighbors": (np.full((3, 2), 9), np.zeros((3, 2)))}, "from 0 to 2"),
        ({"kl_per_point": np.zeros(4)}, "kl_per_point"),
        ({"kl_per_point": ["a", "b", "c"]}, "kl_per_point"),
    ],
)
def test_neighbours_and_divergences_are_checked(path, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        browser.write(path, np.eye(3)[:, :2], **options)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"Y": np.zeros((3, 3))}, r"Y must have the shape \(N, 2\), got \(3, 3\)"),
        ({"Y": np.zeros((0, 2))}, r"Y must have the shape \(N, 2\), got \(0, 2\)"),
        ({"Y": []}, "Y must have the shape"),
        ({"Y": [[np.nan, 0], [1, 1]]}, "Y must be finite, but 1 of its 2 points"),
        ({"Y": [["a", "b"]]}, "Y must be numbers, got list"),
        ({"Y": [Y3, Y3[:2]]}, r"3 points in Y\[0\] and 2 in Y\[1\]"),
        ({"Y": [Y3, Y3 + np.inf]}, r"Y\[1\] must be finite"),
        ({"labels": ["a", "b"]}, "labels must be one value for each of the 3 points, got list of"),
        ({"labels": "kind"}, r"one of the columns \(none\) or one label .* got 'kind'"),
        ({"labels": np.eye(3)}, "labels must be one value for each of the 3 points"),
        ({"columns": {"x": [1]}}, r"columns\['x'\] must be one value .* got list of length 1"),
        ({"columns": {"x": 1}}, r"columns\['x'\] must be one value .* got int"),
        ({"columns": [1, 2, 3]}, "columns must be a dict .* got list"),
        ({"columns": {"label": [1, 2, 3]}, "labels": [1, 2, 3]}, "must not hold a column 'label'"),
        ({"ids": [1]}, "ids must be one value for each of the 3 points"),
        ({"images": np.zeros((2, 4, 4))}, r"images must have the shape \(3, h, w\)"),
        ({"images": np.zeros((3, 4, 4, 2))}, r"images must have .* got \(3, 4, 4, 2\)"),
        ({"images": np.zeros((3, 0, 4))}, r"images must be numbers, got float64 of shape"),
        ({"images": np.full((3, 2, 2), np.nan)}, "images must be finite"),
        ({"titles": ["a", "b"]}, "titles must be one for each of the 1 maps"),
        ({"path": "map.htm"}, "must end in .html"),
    ],
)
def test_errors_name_the_parameter(tmp_path, arguments, told):
    given = {"path": "map.html", "Y": Y3} | arguments
    with pytest.raises(ValueError, match=told):
        browser.write(tmp_path / given.pop("path"), **given)
    assert list(tmp_path.iterdir()) == []


# In a browser


@pytest.fixture
def opened(window, path):
    """Return a function that writes a page and opens it."""

    def open_page(*arguments, size=(1000, 700), options=None, **keywords):
        browser.write(path, *arguments, **keywords)
        return window(path.as_uri(), size, offline=True, **(options or {}))

    return open_page


def spot(page, path, i, moment=-1):
    """Return where a point lies in the window while all are shown."""
    x, y = read_back(path)["maps"][moment][i] / 32_767.5 - 1
    window = page.viewport_size
    panel = page.locator("#panel").bounding_box()
    narrow, below = window["width"] < 640, 64 if page.locator("#time").is_visible() else 0
    left = 0 if narrow else panel["x"] + panel["width"]
    top = min(panel["y"] + panel["height"], 120) if narrow else 0
    width, height = window["width"] - left, window["height"] - top - below
    half = min(width, height) / 2 * 0.94
    return left + width / 2 + half * x, top + height / 2 - half * y


def pixels(page):
    """Return the picture of the map, without what lies over it."""
    hidden = page.add_style_tag(content=".box { visibility: hidden }")
    raw = page.locator("#map").screenshot()
    hidden.evaluate("style => style.remove()")
    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")).astype(int)


def near(picture, colour):
    """Return which pixels have nearly a colour."""
    return np.abs(picture - [int(colour[k : k + 2], 16) for k in (1, 3, 5)]).max(axis=-1) < 45


def saved(page):
    """Return the rows of the file that the selection is saved as."""
    with page.expect_download() as download:
        page.click("#save")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def drag(page, corners):
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*corner, steps=6)
    page.mouse.up()


def blobs(n):
    """Return a map of four blobs, far apart at the corners of a square, and their numbers."""
    y = np.arange(n) % 4
    return 10.0 * np.c_[y % 2, y // 2] + np.random.default_rng(0).uniform(-1, 1, (n, 2)), y


@pytest.mark.full
def test_a_hundred_thousand_points_are_drawn_and_may_be_coloured(opened, path):
    Y, y = blobs(100_000)
    page = opened(Y, np.array(list("abcd"))[y], columns={"height": Y[:, 1]})
    assert page.inner_text("#count") == "100,000 points"
    picture = pixels(page)
    for k in range(4):
        rows, columns = np.nonzero(near(picture, PALETTE[k]))
        expected = np.mean([spot(page, path, i) for i in range(k, 200, 4)], axis=0)
        assert len(rows) > 1_000
        np.testing.assert_allclose([columns.mean(), rows.mean()], expected, atol=12)
    page.select_option("#column", label="height")
    low, high = np.quantile(np.float32(Y[:, 1]), [0.01, 0.99], method="nearest")
    ends = page.locator("#legend .ends span").all_inner_texts()
    assert ends == [f"≤ {low:.5g}", f"≥ {high:.5g}"]
    page.wait_for_timeout(300)
    by_height = pixels(page)
    assert not near(by_height, PALETTE[1]).any()
    assert near(by_height, "#fde725").sum() > 100
    page.select_option("#column", label="(one colour)")
    page.wait_for_timeout(300)
    assert near(pixels(page), "#2f5f94").sum() > 4_000


def test_the_point_under_the_mouse_says_what_it_is(opened, path):
    Y, y = blobs(40)
    images = np.zeros((40, 8, 8, 3), np.uint8)
    images[7] = [250, 10, 10]
    names = [f"point {i}" for i in range(40)]
    page = opened(
        Y, y, columns={"name": names, "x": Y[:, 0]}, ids=np.arange(40) + 100, images=images
    )
    page.mouse.move(*spot(page, path, 7))
    page.wait_for_selector("#card:visible")
    assert page.inner_text("#card .name") == "3"
    told = dict(
        page.locator("#card dl > div").evaluate_all(
            "ds => ds.map(d => [...d.children].map(e => e.textContent))"
        )
    )
    assert told == {"id": "107", "name": "point 7", "x": f"{np.float32(Y[7, 0]):.5g}"}
    page.wait_for_timeout(200)
    red = np.asarray(
        Image.open(io.BytesIO(page.locator("#card canvas").screenshot())).convert("RGB")
    )
    assert np.abs(red.mean(axis=(0, 1)) - [250, 10, 10]).max() < 15
    page.mouse.move(*np.mean([spot(page, path, i) for i in range(40)], axis=0))
    page.wait_for_selector("#card", state="hidden")


@pytest.mark.full
def test_a_lasso_selects_what_is_inside_of_it(opened, path):
    Y, y = blobs(400)
    columns = {"text": [NASTY[i % len(NASTY)] for i in range(400)], "x": Y[:, 0].astype(np.float32)}
    page = opened(Y, y, columns=columns, ids=[f"id {i}" for i in range(400)])
    inside = [spot(page, path, i) for i in np.flatnonzero(y == 2)]
    (left, top), (right, bottom) = np.min(inside, axis=0) - 8, np.max(inside, axis=0) + 8
    page.click("#lasso")
    drag(page, [(left, top), (right, top), (right, bottom), (left, bottom)])
    page.wait_for_selector("#selection:visible")
    assert page.inner_text("#chosen") == "100 selected"
    head, *rows = saved(page)
    assert head == ["id", "label", "text", "x"]
    assert [row[0] for row in rows] == [f"id {i}" for i in np.flatnonzero(y == 2)]
    for row in rows:
        i = int(row[0][3:])
        assert row[1] == str(y[i])
        safe = "'" * columns["text"][i].startswith("=") + columns["text"][i]
        assert row[2] == safe.replace("\ud800", "\ufffd")
        assert np.float32(row[3]) == columns["x"][i]
    page.click("#clear")
    page.wait_for_selector("#selection", state="hidden")


def test_search_finds_and_selects(opened, path):
    Y, y = blobs(60)
    names = [f"<b>Point {i}</b>" for i in range(60)]
    page = opened(Y, y, columns={"name": names})
    page.keyboard.press("/")
    page.keyboard.type("POINT 5")
    page.wait_for_function("document.getElementById('found').textContent == '11 points'")
    assert page.locator("#hits button .name").all_inner_texts() == [
        names[i] for i in (5, *range(50, 60))
    ]
    assert [row[0] for row in saved(page)[1:]] == ["5", *map(str, range(50, 60))]
    faded, wanted = pixels(page), 0
    for i in (5, 6):
        column, row = np.rint(spot(page, path, i)).astype(int)
        wanted += near(faded[row, column], PALETTE[y[i]]) * (1 if i == 5 else 10)
    assert wanted == 1
    page.locator("#hits button").nth(2).click()
    page.wait_for_selector("#card:visible")
    assert "<b>Point 51</b>" in page.inner_text("#card")
    page.fill("#search", "nothing like it")
    page.wait_for_function("document.getElementById('found').textContent == '0 points'")
    assert page.locator("#selection").is_hidden()


def test_a_category_selects_its_points(opened):
    Y, y = blobs(40)
    page = opened(Y, y)
    page.locator(".entry").nth(1).click()
    page.locator(".entry").nth(3).click()
    assert page.inner_text("#chosen") == "20 selected"
    assert [int(row[1]) % 2 for row in saved(page)[1:]] == [1] * 20
    page.keyboard.press("Escape")
    assert page.locator("#selection").is_hidden()


@pytest.mark.full
def test_the_slider_moves_the_points(opened, path):
    Y, y = blobs(400)
    page = opened(
        [Y[:, ::-1] * [1, -1], Y], y, titles=["before", NASTY[0]], options={"reduced_motion": None}
    )
    assert page.inner_text("#when") == NASTY[0]
    for moment, title in ((1, NASTY[0]), (0, "before")):
        if moment == 0:
            page.focus("#moment")
            page.keyboard.press("ArrowLeft")
            page.wait_for_timeout(1_500)
        assert page.inner_text("#when") == title
        rows, columns = np.nonzero(near(pixels(page), PALETTE[1]))
        expected = np.mean([spot(page, path, i, moment) for i in range(1, 400, 4)], axis=0)
        np.testing.assert_allclose([columns.mean(), rows.mean()], expected, atol=12)


@pytest.mark.full
def test_a_selection_and_another_window_outlive_the_slider(opened, path):
    Y, y = blobs(40)
    page = opened([Y, Y], y)
    page.set_viewport_size({"width": 1200, "height": 600})
    page.wait_for_timeout(300)
    page.keyboard.press("0")
    page.wait_for_timeout(300)
    page.locator(".entry").nth(1).click()
    page.focus("#moment")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    assert page.inner_text("#chosen") == "10 selected"
    page.mouse.move(*spot(page, path, 5))
    page.wait_for_selector("#card:visible")
    assert page.inner_text("#card .name") == "1"


@pytest.mark.full
def test_text_stays_text_in_every_place(opened, path):
    n = len(NASTY)
    Y = np.c_[np.arange(n), np.arange(n) % 3]
    page = opened(
        Y, NASTY, columns={NASTY[0]: NASTY, NASTY[-1]: NASTY[::-1]}, ids=NASTY,
        titles=[NASTY[1]], title=NASTY[0],
    )  # fmt: skip
    assert page.title() == page.inner_text("#title") == NASTY[0]
    shown = page.locator(".entry .name").evaluate_all("names => names.map(e => e.textContent)")
    # half a character, in one of them, does not get out of the browser
    assert [x for x in sorted(NASTY) if "\ud800" not in x] == [x for x in shown if "alone" not in x]
    for i in (0, 1, n - 1):
        page.mouse.move(*spot(page, path, i))
        page.wait_for_function(
            "text => document.querySelector('#card .name')?.textContent == text", arg=NASTY[i]
        )
    page.fill("#search", "alert")
    page.wait_for_selector("#hits button")
    assert page.locator("#panel img, #panel script, #card img, #card script, #panel b").count() == 0


@pytest.mark.full
def test_fingers_on_a_small_dark_window(opened, path):
    Y, y = blobs(40)
    phone = {"has_touch": True, "is_mobile": True, "color_scheme": "dark", "device_scale_factor": 2}
    page = opened(Y, y, size=(360, 640), options=phone)
    assert page.locator("#search").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert pixels(page)[300, 2].max() < 60
    for box in page.locator(".box:visible").all():
        place = box.bounding_box()
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 360
    page.touchscreen.tap(*spot(page, path, 6))
    page.wait_for_selector("#card:visible")
    assert page.inner_text("#card .name") == "2"
    assert page.locator("#selection").is_hidden()
    page.tap("#fold")
    assert page.locator("#search").is_visible()


@pytest.mark.full
def test_everything_is_reached_and_named_without_a_mouse(opened, path):
    Y, y = blobs(40)
    page = opened([Y, Y], y)
    unnamed = "e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)"
    assert (
        page.locator("button, input, select").evaluate_all(f"all => all.filter({unnamed}).length")
        == 0
    )
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert reached >= {
        "map",
        "search",
        "column",
        "entry",
        "lasso",
        "nearer",
        "farther",
        "home",
        "play",
        "moment",
    }
    page.focus("#map")
    before = pixels(page)
    page.keyboard.press("+")
    page.wait_for_timeout(300)
    assert (pixels(page) != before).any()
    page.keyboard.press("0")
    page.wait_for_timeout(300)
    np.testing.assert_allclose(pixels(page), before, atol=40)


def entries(page):
    """Return the legend as name and count."""
    lines = page.locator("#legend .entry").evaluate_all(
        "all => all.map(e => [...e.querySelectorAll('.name, .count')].map(s => s.textContent))"
    )
    return [tuple(line) for line in lines]


@pytest.mark.full
def test_far_too_many_labels_are_counted_and_only_the_most_frequent_named(opened, path):
    Y, _ = blobs(8_000)
    ids = [f"cell {i}" for i in range(8_000)]
    names = [None, *(f"gene {i % 800}" for i in range(7_899)), *["common"] * 100]
    page = opened(Y, ids, columns={"gene": names})
    assert path.stat().st_size < 600_000
    assert entries(page) == []
    assert page.inner_text("#legend") == "8,000 different labels, all in one colour"
    assert near(pixels(page), PLAIN["light"]).sum() > 1_000
    page.select_option("#column", label="gene")
    found = entries(page)
    assert len(found) == 42
    assert found[0] == ("common", "100")
    assert found[-2][0] == "761 others"
    assert found[-1] == ("no label", "1")
    assert sum(int(count.replace(",", "")) for _, count in found) == 8_000
    page.locator(".entry").last.click()
    assert [row[0] for row in saved(page)[1:]] == ["0"]


@pytest.mark.full
def test_dates_colour_by_time_are_searched_and_saved(opened, path):
    Y, _ = blobs(400)
    days = np.datetime64("2020-01-01") + np.arange(400)
    days[7] = np.datetime64("NaT")
    noon = np.datetime64("2020-01-01T12:00") + np.arange(400)
    page = opened(Y, days, columns={"clock": noon})
    ends = page.locator("#legend .ends span").all_inner_texts()
    assert ends == ["≤ 2020-01-05", "≥ 2021-01-30"]
    assert entries(page) == [("no label", "1")]
    page.locator(".entry").click()
    assert [row[:2] for row in saved(page)[1:]] == [["7", ""]]
    page.fill("#search", "2020-02-1")
    page.wait_for_function("document.getElementById('found').textContent == '10 points'")
    rows = saved(page)[1:]
    assert rows[0] == ["40", "2020-02-10", "2020-01-01 12:40"]
    page.select_option("#column", label="clock")
    assert page.locator("#legend .ends span").first.inner_text() == "≤ 2020-01-01 12:04"


@pytest.mark.full
def test_long_names_are_shown_shortly_and_saved_whole(opened, path):
    Y, _ = blobs(40)
    names = ["x" * 10**5 + "ab"[i % 2] for i in range(40)]
    page = opened(Y, names, columns={"more": names})
    page.mouse.move(*spot(page, path, 6))
    page.wait_for_selector("#card:visible")
    assert page.locator("#card").bounding_box()["height"] < 300
    assert [len(name) for name, _ in entries(page)] == [120, 120]
    page.locator(".entry").first.click()
    assert saved(page)[1][1] == names[0]


@pytest.mark.full
def test_lines_and_a_list_lead_to_the_neighbours_of_a_point(opened, path):
    _, Y, found = with_neighbors(120)
    ids = [f"p{i}" for i in range(120)]
    page = opened(Y, np.arange(120) % 3, ids=ids, neighbors=found)
    head, i = read_back(path), 11
    page.mouse.move(*spot(page, path, i))
    page.wait_for_selector("#card:visible")
    assert page.get_attribute("#links", "data-lines") == "15"
    page.mouse.click(*spot(page, path, i))
    page.wait_for_selector("#pinned:visible")
    listed = page.locator("#near .count").all_inner_texts()
    bits = head["near"]["kept"][0][i]
    words = ["kept" if bits >> r & 1 else "lost" for r in range(15)]
    assert listed == [f"p{j} {word}" for j, word in zip(found.indices[i], words, strict=True)]
    assert f"{words.count('kept')} of 15" in page.inner_text("#kept")
    # a line ends at each neighbour: its colour is there on the canvas of the lines
    page.mouse.move(5, 690)
    page.wait_for_selector("#card", state="hidden")
    raw = page.evaluate(
        """points => {
      const c = document.getElementById("links"), { width, height } = c;
      const { data } = c.getContext("2d").getImageData(0, 0, width, height);
      const at = (x) => Math.round(x * devicePixelRatio);
      return points.map(([x, y]) => data[4 * (at(y) * width + at(x)) + 3]);
    }""",
        [spot(page, path, j) for j in found.indices[i].tolist()],
    )
    assert min(raw) > 200
    page.locator("#near button").nth(2).click()
    page.wait_for_function(
        "n => document.getElementById('whose').textContent.includes(n)",
        arg=f"p{found.indices[i, 2]}",
    )
    page.click("#unpin")
    assert page.locator("#pinned").is_hidden()


@pytest.mark.full
def test_a_group_is_described_as_computed_here(opened, path):
    X, Y, found = with_neighbors(300)
    kind = np.array(list("abc"))[(X[:, 0] > 0).astype(int) + (X[:, 0] > 1)]
    size, weight = X[:, 0].astype(np.float64), np.where(X[:, 1] > 0, np.nan, X[:, 3])
    shape = np.where(X[:, 0] > 0.5, "round", "square")
    page = opened(
        Y, kind, columns={"size": size, "weight": weight, "shape": shape}, neighbors=found
    )
    page.locator(".entry").nth(1).click()
    page.wait_for_selector("#group:visible")
    facts = [text.replace("\u00a0", " ") for text in page.locator("#facts li").all_inner_texts()]
    member = kind == "b"

    def percent(share):
        return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"

    near = found.indices[member]
    inside, chance = member[near].mean(), (member.sum() - 1) / 299
    assert facts[0].startswith(f"{percent(inside)} of the 15 nearest neighbours")
    assert facts[0].endswith(f"by chance {percent(chance)}")
    others = kind[near[~member[near]]]
    names, counts = np.unique(others, return_counts=True)
    share, name = percent(counts.max() / len(others)), names[counts.argmax()]
    assert facts[1] == f"Of those outside, {share} have the label {name}"

    def difference(values):
        a, b = values[member & ~np.isnan(values)], values[~member & ~np.isnan(values)]
        return (a.mean() - b.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)

    text = {fact.split()[0]: fact for fact in facts[2:]}
    for name, values in (("size", size), ("weight", weight)):
        expected = difference(values.astype(np.float32).astype(float))
        assert text[name].split()[1] == f"{'+' if expected > 0 else '−'}{abs(expected):.2f}"
    share = (shape[member] == "round").mean() - (shape[~member] == "round").mean()
    word = "round" if share > 0 else "square"
    expected = [percent((shape[some] == word).mean()) for some in (member, ~member)]
    assert f"shape = {word}: {expected[0]} within, {expected[1]} outside" in facts


@pytest.mark.full
def test_a_selection_becomes_a_column(opened, path):
    Y, y = blobs(40)
    page = opened(Y, y)
    page.locator(".entry").nth(2).click()
    page.fill("#name", "my group")
    with page.expect_download() as download:
        page.click("#naming button")
    assert download.value.suggested_filename == "my_group.csv"
    rows = list(csv.reader(Path(download.value.path()).read_text().splitlines()))
    assert rows[0] == ["id", "my group"]
    assert rows[1:] == [[str(i), "inside" if y[i] == 2 else "outside"] for i in range(40)]
    page.select_option("#column", label="my group")
    assert page.locator(".entry .count").all_inner_texts() == ["10", "30"]


@pytest.mark.full
def test_the_colour_by_kept_neighbours_follows_the_slider(opened, path):
    X, Y, found = with_neighbors(120)
    page = opened([Y, X[:, 2:4]], neighbors=found)
    page.select_option("#column", label="neighbours kept of 15")
    ends = "#legend .ends span"
    head = read_back(path)
    for moment in (1, 0):
        page.locator("#moment").evaluate(
            "(e, k) => { e.value = k; e.dispatchEvent(new Event('input')) }", moment
        )
        page.wait_for_timeout(500)
        counts = [int(bits).bit_count() for bits in head["near"]["kept"][moment]]
        low = np.quantile(counts, 0.01, method="nearest")
        assert page.locator(ends).first.inner_text().lstrip("≤ ") == f"{low:g}"
