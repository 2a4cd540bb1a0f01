// A group of points → what it has in common: its neighbours in the data, and columns that differ.

// The share of the members' neighbours that are members, and that expected by chance.
function insideShare(neighbors, chosen, n) {
  const member = new Uint8Array(n), all = neighbors.all(), { k } = neighbors;
  for (const i of chosen) member[i] = 1;
  let inside = 0, total = 0;
  for (const i of chosen) {
    for (let c = 0; c < k; c++) {
      const j = all[i * k + c];
      if (j < 0) continue;
      total++;
      inside += member[j];
    }
  }
  return { share: total ? inside / total : 0, chance: (chosen.length - 1) / Math.max(n - 1, 1) };
}

// The category with most of the neighbours outside of the group, and its share of them.
function nearestGroup(neighbors, chosen, n, column) {
  const member = new Uint8Array(n), all = neighbors.all(), { k } = neighbors;
  const counts = new Uint32Array(column.names.length + 1);
  for (const i of chosen) member[i] = 1;
  let total = 0;
  for (const i of chosen) {
    for (let c = 0; c < k; c++) {
      const j = all[i * k + c];
      if (j < 0 || member[j]) continue;
      counts[column.values[j]]++;
      total++;
    }
  }
  const best = counts.subarray(0, -1).reduce((a, count, code) => (count > counts[a] ? code : a), 0);
  return counts[best] ? { name: column.names[best], share: counts[best] / total } : null;
}

// Mean and variance of the members and of the others, without missing values.
function moments(values, member) {
  const count = [0, 0], mean = [0, 0], sum = [0, 0];
  for (let i = 0; i < member.length; i++) {
    const x = values[i], g = member[i];
    if (!Number.isFinite(x)) continue;
    const step = x - mean[g];
    mean[g] += step / ++count[g];
    sum[g] += step * (x - mean[g]);
  }
  return { count, mean, variance: sum.map((s, g) => (count[g] > 1 ? s / (count[g] - 1) : 0)) };
}

// A column of numbers: the difference of the means in units of the standard deviation within the
// two groups, √((s₁² + s₀²) / 2).
function numberDifference(column, member) {
  const { count, mean, variance } = moments(column.values, member);
  if (!count[0] || !count[1] || mean[0] === mean[1]) return null;
  const size = (mean[1] - mean[0]) / Math.sqrt((variance[0] + variance[1]) / 2);
  return { column, size, inside: mean[1], outside: mean[0] };
}

// A column of categories: the one whose share is most above that of the others, and its shares.
function categoryDifference(column, member) {
  const codes = column.names.length + 1, counts = [new Uint32Array(codes), new Uint32Array(codes)], total = [0, 0];
  for (let i = 0; i < member.length; i++) {
    counts[member[i]][column.values[i]]++;
    total[member[i]]++;
  }
  if (!total[0] || !total[1]) return null;
  let best = null;
  column.names.forEach((name, code) => {
    const inside = counts[1][code] / total[1], outside = counts[0][code] / total[0], size = inside - outside;
    if (!best || size > best.size) best = { column, name, size, inside, outside };
  });
  return best?.size ? best : null;
}

const MOST_NUMBERS = 5, MOST_CATEGORIES = 3;

function differences(data, chosen) {
  const member = new Uint8Array(data.n);
  for (const i of chosen) member[i] = 1;
  const ranked = (columns, difference, most) => columns.map((column) => difference(column, member))
    .filter(Boolean).sort((a, b) => Math.abs(b.size) - Math.abs(a.size)).slice(0, most);
  const of = (...kinds) => data.columns.filter((c) => kinds.includes(c.kind));
  return {
    numbers: ranked(of("integer", "fraction", "date"), numberDifference, MOST_NUMBERS),
    categories: ranked(of("category"), categoryDifference, MOST_CATEGORIES),
  };
}

const percent = (share) => `${(100 * share).toFixed(share && share < 0.1 ? 1 : 0)}\u00a0%`;

// Fill the description of a group of two points or more, and hide it for fewer.
function describeGroup(data, neighbors, chosen) {
  const box = document.getElementById("group"), list = document.getElementById("facts");
  box.hidden = chosen.length < 2;
  if (box.hidden) return;
  const line = (...parts) => {
    const item = element("li");
    item.append(...parts);
    list.append(item);
  };
  list.replaceChildren();
  if (neighbors) {
    const { share, chance } = insideShare(neighbors, chosen, data.n);
    line(element("b", percent(share)), ` of the ${neighbors.k} nearest neighbours in the data lie within; by chance ${percent(chance)}`);
    const label = data.columns[data.labels];
    const next = label?.kind === "category" && share < 1 ? nearestGroup(neighbors, chosen, data.n, label) : null;
    if (next) line("Of those outside, ", element("b", percent(next.share)), ` have the ${short(label.name)} `, element("b", short(next.name)));
  }
  const { numbers, categories } = differences(data, chosen);
  const text = (column, x) => (column.kind === "date" ? day(Math.round(x)) : brief(x));
  for (const { column, size, inside, outside } of numbers) {
    const far = Number.isFinite(size) ? `${size > 0 ? "+" : "−"}${Math.abs(size).toFixed(2)}\u00a0SD` : "all differ";
    line(element("b", short(column.name)), ` ${far}: ${text(column, inside)} within, ${text(column, outside)} outside`);
  }
  for (const { column, name, size, inside, outside } of categories) {
    if (size === 1) continue; // the category that was selected
    line(element("b", `${short(column.name)} = ${short(name)}`), `: ${percent(inside)} within, ${percent(outside)} outside`);
  }
}
