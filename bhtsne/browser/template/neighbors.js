// The neighbours of points in the data → lines over the map, and a list beside it.

// The order of points along the Morton curve: the bits of x and y, interleaved, are the key.
function alongCurve(places, n) {
  const keys = new Uint32Array(n);
  const spread = (v) => {
    for (const [shift, mask] of [[8, 0x00ff00ff], [4, 0x0f0f0f0f], [2, 0x33333333], [1, 0x55555555]]) {
      v = (v | (v << shift)) & mask;
    }
    return v;
  };
  for (let i = 0; i < n; i++) keys[i] = spread(places[i]) | (spread(places[n + i]) << 1);
  return Uint32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b] || a - b);
}

// Neighbours, k of each point in a row, −1 for none (see browser/neighborhoods.py).
function decoded({ k, planes }, places, n) {
  const order = alongCurve(places, n), all = new Int32Array(n * k);
  for (let r = 0; r < n; r++) {
    for (let c = 0; c < k; c++) {
      let zigzag = 0;
      for (let p = planes.length - 1; p >= 0; p--) zigzag = 256 * zigzag + planes[p][r * k + c];
      const shift = zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
      all[order[r] * k + c] = shift ? order[r + shift] : -1;
    }
  }
  return all;
}

// The k points nearest to a point on a map.
function nearestOnMap(places, n, i, k) {
  const best = [], far = [];
  for (let j = 0; j < n; j++) {
    const d = (places[j] - places[i]) ** 2 + (places[n + j] - places[n + i]) ** 2;
    if (j === i || (best.length === k && d >= far[k - 1])) continue;
    let at = Math.min(best.length, k - 1);
    while (at > 0 && far[at - 1] > d) {
      best[at] = best[at - 1];
      far[at] = far[at - 1];
      at--;
    }
    best[at] = j;
    far[at] = d;
  }
  return new Set(best);
}

const bitCount = (bits) => {
  let count = 0;
  for (; bits; bits &= bits - 1) count++;
  return count;
};

// Returns functions of the neighbours, or null if the page has none. A run sends them later.
function makeNeighbors(data) {
  const { near, n } = data;
  if (!near) return null;
  const last = near.places ?? data.maps.at(-1), counts = [];
  let all;

  const keeps = (moment) => Boolean(near.kept[moment]);

  return {
    k: near.k,
    all: () => (all ??= decoded(near, last, n)),
    // [{point, rank, kept}], nearest first; kept: whether it is among the k nearest on the map.
    of(i, moment) {
      const found = this.all().subarray(i * near.k, (i + 1) * near.k);
      const bits = keeps(moment) ? near.kept[moment][i] : null;
      const onMap = bits === null ? nearestOnMap(data.maps[moment], n, i, near.k) : null;
      const listed = [];
      found.forEach((point, rank) => {
        if (point >= 0) listed.push({ point, rank, kept: onMap ? onMap.has(point) : Boolean(bits & (1 << rank)) });
      });
      return listed;
    },
    // The number of neighbours that a map keeps, for each point; null for a map without it.
    kept: (moment) => (keeps(moment) ? (counts[moment] ??= Uint8Array.from(near.kept[moment], bitCount)) : null),
  };
}

// Lines from a point to its neighbours, on a canvas over the map.
function makeLines(place, dotColour) {
  const canvas = document.getElementById("links"), context = canvas.getContext("2d");
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function clear() {
    const scale = devicePixelRatio, { clientWidth, clientHeight } = canvas;
    canvas.width = clientWidth * scale;
    canvas.height = clientHeight * scale;
    context.scale(scale, scale);
    canvas.dataset.lines = "0";
  }

  return {
    clear,
    draw(i, listed, k) {
      clear();
      const from = place(i), near = style("--accent"), lost = style("--quiet");
      for (const { point, rank, kept } of listed.toReversed()) {
        const to = place(point);
        context.globalAlpha = 0.95 - (0.6 * rank) / k;
        context.strokeStyle = kept ? near : lost;
        context.lineWidth = kept ? 2 : 1.4;
        context.setLineDash(kept ? [] : [5, 4]);
        context.beginPath();
        context.moveTo(...from);
        context.lineTo(...to);
        context.stroke();
        context.globalAlpha = 1;
        context.fillStyle = dotColour(point);
        context.beginPath();
        context.arc(...to, 4, 0, 2 * Math.PI);
        context.fill();
      }
      canvas.dataset.lines = String(listed.length); // for tests
    },
  };
}
