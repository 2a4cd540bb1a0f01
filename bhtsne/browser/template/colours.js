// A column → the bin of each point, the colour of each bin, and the legend.

// The viridis colormap: lightness increases evenly, so that it is readable without colour vision.
const RAMP = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const STEPS = 255;

const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
const hex = (colour) => "#" + colour.map((x) => Math.round(x).toString(16).padStart(2, "0")).join("");
const mixed = (a, b, t) => a.map((x, k) => x + (b[k] - x) * t);

function ramp(t) {
  const at = t * (RAMP.length - 1), k = Math.min(Math.floor(at), RAMP.length - 2);
  return hex(mixed(rgb(RAMP[k]), rgb(RAMP[k + 1]), at - k));
}

// Returns {bins, colours, entries: [{name, bin, count}] or null, range: two texts or null}.
function coloured(data, column, dark) {
  const n = data.n, theme = dark ? "dark" : "light";
  const palette = data.palette[theme], missing = data.missing[theme];
  const bins = new Float32Array(n);
  if (!column) {
    return { bins, colours: [data.plain[theme]], entries: null, range: null };
  }
  if (!column.names) return quantity(column, bins, missing, dark);
  const counts = new Uint32Array(column.names.length + 1);
  for (const code of column.values) counts[code]++;
  const order = [...column.names.keys()];
  if (order.length > palette.length) order.sort((a, b) => counts[b] - counts[a] || a - b);
  const coded = order.slice(0, palette.length), other = coded.length;
  const bin = new Float32Array(counts.length).fill(other);
  bin[column.names.length] = other + 1;
  coded.forEach((code, k) => (bin[code] = k));
  for (let i = 0; i < n; i++) bins[i] = bin[column.values[i]];
  const entries = coded.map((code, k) => ({ name: column.names[code], bin: k, count: counts[code] }));
  const unlabelled = counts[column.names.length], named = entries.reduce((sum, e) => sum + e.count, 0);
  entries.push({ name: `${counted(order.length - other)} others`, bin: other, count: n - named - unlabelled });
  entries.push({ name: "no label", bin: other + 1, count: unlabelled });
  const colours = palette.slice(0, coded.length).concat(data.others[theme], missing);
  return { bins, colours, entries: entries.filter((entry) => entry.count), range: null };
}

function quantity(column, bins, missing, dark) {
  const values = Float64Array.from(column.values).filter(Number.isFinite).sort();
  const at = (share) => values[Math.round(share * (values.length - 1))] ?? 0;
  const low = at(0.01), high = at(0.99), step = high > low ? STEPS / (high - low) : 0;
  column.values.forEach((x, i) => {
    const bin = Math.round((x - low) * step);
    bins[i] = Number.isNaN(x) ? STEPS + 1 : Math.min(Math.max(bin || 0, 0), STEPS);
  });
  const first = dark ? 0.25 : 0; // darker colours are invisible on a dark background
  const along = (k) => first + (1 - first) * (k / STEPS);
  const colours = Array.from({ length: STEPS + 1 }, (_, k) => ramp(along(k))).concat(missing);
  const whole = (ms) => day(high - low > 2 * DAY ? Math.floor(ms / DAY) * DAY : ms);
  const text = column.kind === "date" ? whole : brief;
  const range = [(values[0] < low ? "≤ " : "") + text(low), (values.at(-1) > high ? "≥ " : "") + text(high)];
  const unlabelled = column.values.reduce((sum, x) => sum + Number.isNaN(x), 0);
  const entries = unlabelled ? [{ name: "no label", bin: STEPS + 1, count: unlabelled }] : null;
  return { bins, colours, entries, range: values.length ? range : null };
}
