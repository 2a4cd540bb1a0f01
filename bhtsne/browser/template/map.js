// Input on the page → calls of the drawing library; its events → changes of the page.

const byId = (id) => document.getElementById(id);
const canvas = byId("map"), legend = byId("legend"), hits = byId("hits");
const night = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const LISTED = 30, GLIDE = 700;

let data, plot, card, stage, neighbors, lines, pinned = -1, lassoing = false;
let colours, column = null, moment = 0, wanted = 0, moving = false, hovered = -1, selected = [], busy = Promise.resolve();

// The coordinates of map k, from −1 to 1 in the square around all maps, y upwards.
function points(k) {
  const { n } = data, steps = data.maps[k], x = new Float32Array(n), y = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    x[i] = steps[i] / 32767.5 - 1;
    y[i] = steps[n + i] / 32767.5 - 1;
  }
  return { x, y, z: colours.bins };
}

// A fixed random order: in the order of the file, one class could cover another.
function shuffled(n) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1, seed = 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((seed / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function size() {
  const area = Math.min(innerWidth, innerHeight) ** 2;
  return Math.max(1.2, 1.15 * Math.sqrt((0.0172 * area) / (data.n + 500) ** 0.7));
}

// Drawing calls are queued, since the library accepts no points during a transition.
function draw(options = {}) {
  busy = busy.then(() => plot.draw(points(moment), { zDataType: "categorical", select: selected, ...options }));
  return busy;
}

function applyColours() {
  const dark = night.matches;
  colours = coloured(data, column, dark);
  const style = getComputedStyle(document.documentElement);
  plot.set({
    backgroundColor: style.getPropertyValue("--ground").trim(),
    colorBy: colours.colours.length > 1 ? "category" : null,
    pointColor: colours.colours,
    pointColorActive: colours.colours,
    pointColorHover: style.getPropertyValue("--ink").trim(),
    lassoColor: style.getPropertyValue("--accent").trim(),
  });
}

function drawLegend() {
  legend.replaceChildren();
  const label = data.columns[data.labels];
  if (!column && label?.kind === "text") {
    legend.append(element("p", `${counted(label.names.length)} different labels, all in one colour`, "note"));
  }
  if (colours.range) {
    const bar = element("div", undefined, "ramp");
    const stops = colours.colours.slice(0, -1).filter((_, k) => k % 32 === 0 || k === STEPS);
    bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
    const ends = element("p", undefined, "ends");
    ends.append(...colours.range.map((text) => element("span", text)));
    legend.append(bar, ends);
  }
  for (const { name, bin, count } of colours.entries ?? []) {
    const button = element("button", undefined, "entry");
    const dot = element("span", undefined, "dot");
    dot.style.background = colours.colours[bin];
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(dot, element("span", short(name), "name"), element("span", counted(count), "count"));
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.ariaPressed !== "true"));
      const buttons = legend.querySelectorAll("button");
      const bins = new Set(colours.entries.map((e) => e.bin).filter((_, k) => buttons[k].ariaPressed === "true"));
      choose(Array.from({ length: data.n }, (_, i) => i).filter((i) => bins.has(colours.bins[i])), button);
    });
    legend.append(button);
  }
}

// Select points, and reset the other inputs for selection: search field or legend.
function choose(some, by) {
  if (some.length) plot.select(some, { preventEvent: true });
  else plot.deselect({ preventEvent: true });
  setSelection(some, by);
}

function setSelection(some, by) {
  selected = some;
  byId("selection").hidden = some.length === 0;
  byId("chosen").textContent = `${counted(some.length)} selected`;
  if (some.length !== 1 || some[0] !== pinned) unpin();
  describeGroup(data, neighbors, some);
  if (!legend.contains(by)) for (const b of legend.querySelectorAll("button")) b.ariaPressed = "false";
  if (by !== byId("search")) {
    byId("search").value = byId("found").textContent = "";
    hits.replaceChildren();
  }
}

function search() {
  const words = byId("search").value, found = matches(data, words), label = data.columns[data.labels];
  choose(found, byId("search"));
  const noun = found.length === 1 ? "point" : "points";
  byId("found").textContent = words.trim() ? `${counted(found.length)} ${noun}` : "";
  hits.replaceChildren(...found.slice(0, LISTED).map((i) => {
    const line = element("li"), button = element("button"), wanted = words.trim().toLowerCase();
    const best = data.columns.filter((c) => c.names).map((c) => valueText(c, i))
      .find((text) => text?.toLowerCase().includes(wanted));
    button.type = "button";
    button.append(element("span", short(best ?? (label ? valueText(label, i) : "") ?? ""), "name"), element("span", short(idOf(data, i)), "count"));
    button.addEventListener("click", () => visit(i));
    line.append(button);
    return line;
  }));
}

async function visit(i) {
  const { x, y } = points(moment);
  await go([x[i], y[i]], Math.min(plot.get("cameraDistance"), 0.15));
  show(i);
}

// Show the neighbours of a point in a list, and by lines while no other point is under the mouse.
function pin(i) {
  pinned = i;
  listNeighbors();
  drawLines();
}

function unpin() {
  pinned = -1;
  byId("pinned").hidden = true;
  drawLines();
}

function nameOf(i) {
  const label = data.columns[data.labels];
  return short((label && valueText(label, i)) ?? `Point ${idOf(data, i)}`);
}

function listNeighbors() {
  byId("pinned").hidden = !neighbors || pinned < 0;
  if (byId("pinned").hidden) return;
  const listed = neighbors.of(pinned, moment), kept = listed.filter((one) => one.kept).length;
  byId("whose").textContent = `Neighbours of ${nameOf(pinned)}${data.labels === null ? "" : `, id ${short(idOf(data, pinned))}`}`;
  byId("kept").textContent = `${kept} of ${listed.length} are among the ${neighbors.k} nearest on the map`;
  byId("near").replaceChildren(...listed.map((one) => {
    const line = element("li"), button = element("button", undefined, one.kept ? "kept" : "lost");
    const dot = element("span", undefined, "dot");
    dot.style.background = colourOf(one.point);
    button.type = "button";
    button.append(dot);
    if (data.thumbnails) {
      const picture = card.thumbnail(one.point), high = 26 / Math.max(data.thumbnails.width, data.thumbnails.height);
      Object.assign(picture.style, { width: `${data.thumbnails.width * high}px`, height: `${data.thumbnails.height * high}px` });
      button.append(picture);
    }
    button.append(element("span", `${nameOf(one.point)}`, "name"), element("span", `${short(idOf(data, one.point))} ${one.kept ? "kept" : "lost"}`, "count"));
    button.addEventListener("click", () => {
      choose([one.point]);
      pin(one.point);
      visit(one.point);
    });
    line.append(button);
    return line;
  }));
}

const colourOf = (i) => colours.colours[colours.bins[i]] ?? colours.colours[0];

function screenPosition(i) {
  const { left, top } = canvas.getBoundingClientRect(), [x, y] = plot.getScreenPosition(i);
  return [left + x, top + y];
}

function drawLines() {
  const from = hovered >= 0 ? hovered : pinned;
  if (!neighbors || from < 0 || moving) lines?.clear();
  else lines.draw(from, neighbors.of(from, moment), neighbors.k);
}

// A new column with the selected points, for colours and as a file of all points.
function saveAsColumn(event) {
  event.preventDefault();
  const name = byId("name").value.trim(), values = new Uint8Array(data.n).fill(1);
  if (!name) return;
  for (const i of selected) values[i] = 0;
  const made = { name, kind: "category", names: ["inside", "outside"], values };
  data.columns.push(made);
  addChoice(made, data.columns.length - 1);
  byId("by").hidden = false;
  const every = { ...data, columns: [made] };
  download(csv(every, Array.from({ length: data.n }, (_, i) => i)), `${name.replace(/[^\p{L}\p{N}._-]+/gu, "_")}.csv`);
  byId("naming").reset();
}

// The column of the number of neighbours that the map keeps follows the map that is shown.
function countKept() {
  const values = neighbors?.kept(moment);
  if (!values) return;
  const name = `neighbours kept of ${neighbors.k}`;
  const old = data.columns.find((c) => c.derived);
  if (old) old.values = values;
  else data.columns.push({ name, kind: "integer", names: null, values, derived: true });
}

function show(i) {
  hovered = i;
  plot.hover(i, { preventEvent: true });
  card.show(i, screenPosition(i), colourOf(i));
  drawLines();
}

function hide() {
  hovered = -1;
  card.hide();
  drawLines();
}

const go = (target, distance) => plot.zoomToLocation(target, distance,
  still.matches ? {} : { transition: true, transitionDuration: 250 });

// Camera target and distance that show the whole map in the part of the window without panels.
function whole() {
  const { right, bottom } = byId("panel").getBoundingClientRect(), narrow = innerWidth < 640;
  const below = byId("time").hidden ? 0 : 64;
  const left = narrow ? 0 : right, top = narrow ? Math.min(bottom, 120) : 0;
  const width = innerWidth - left, height = innerHeight - top - below;
  const unit = (Math.min(width, height) / 2) * 0.94; // pixels of half the square
  const centre = [left + width / 2 - innerWidth / 2, top + height / 2 - innerHeight / 2];
  return [[-centre[0] / unit, centre[1] / unit], innerHeight / 2 / unit];
}

function zoom(factor) {
  return go(plot.get("cameraTarget"), plot.get("cameraDistance") * factor);
}

function setLasso(on) {
  byId("lasso").setAttribute("aria-pressed", String(on));
  plot.set({ mouseMode: on ? "lasso" : "panZoom" });
  canvas.classList.toggle("drawing", on);
}

// Maps of a run: the last one of the slider moves, those before it are kept. Only the newest map is
// drawn. The index of the points under the mouse is renewed at most once a second, and at the end.
let drawing = false, newest = false, indexed = 0;

async function showMap(places) {
  data.maps[data.maps.length - 1] = places;
  newest = true;
  if (drawing || moment !== data.maps.length - 1) return;
  drawing = true;
  while (newest) {
    newest = false;
    const fresh = performance.now() - indexed > 1000;
    if (fresh) indexed = performance.now();
    await draw(fresh ? {} : { spatialIndex: plot.get("spatialIndex") });
    drawLines();
    document.body.dataset.maps = Number(document.body.dataset.maps ?? 0) + 1; // for bench/live.py
  }
  drawing = false;
}

function keepMap(places, title) {
  data.maps.splice(-1, 0, places);
  data.titles.splice(-1, 0, title);
  if (moment === data.maps.length - 2) moment = wanted = moment + 1;
  byId("time").hidden = false;
  byId("moment").max = data.maps.length - 1;
  byId("moment").value = moment;
  byId("when").textContent = data.titles[moment];
}

function takeNeighbors(near) {
  data.near = near;
  // Those that maps keep are known for the final map, the last one.
  if (near.kept.length) near.kept = [...Array(data.maps.length - 1), near.kept[0]];
  neighbors = makeNeighbors(data);
  const known = data.columns.length;
  countKept();
  if (data.columns.length > known) addChoice(data.columns.at(-1), known);
  byId("by").hidden = false;
  listNeighbors();
}

// Show map k. During a transition the slider may move on: only its last position is shown next.
async function moveTo(k) {
  wanted = k;
  byId("moment").value = k;
  byId("when").textContent = data.titles[k];
  byId("moment").setAttribute("aria-valuetext", data.titles[k]);
  if (moving) return;
  moving = true;
  hide();
  while (moment !== wanted) {
    moment = wanted;
    countKept();
    if (column?.derived) applyColours();
    const gliding = setInterval(() => stage.moves(plot.redraw), 50);
    await draw(still.matches || !stage.isSupported ? {} : { transition: true, transitionDuration: GLIDE });
    clearInterval(gliding);
  }
  moving = false;
  if (column?.derived) drawLegend();
  listNeighbors();
  drawLines();
}

async function play() {
  const button = byId("play"), playing = button.ariaPressed === "true";
  button.setAttribute("aria-pressed", String(!playing));
  if (playing) return;
  if (wanted === data.maps.length - 1) await moveTo(0);
  while (button.ariaPressed === "true" && wanted < data.maps.length - 1) {
    const next = wanted + 1;
    await moveTo(next);
    if (still.matches) await new Promise((resolve) => setTimeout(resolve, GLIDE));
    if (wanted !== next) break;
  }
  button.setAttribute("aria-pressed", "false");
}

const save = () => download(csv(data, [...selected].sort((a, b) => a - b)), "selection.csv");

function download(text, name) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    choose([]);
    setLasso(false);
    hide();
  }
  if (["INPUT", "SELECT"].includes(document.activeElement.tagName)) return;
  const step = plot.get("cameraDistance") / 4, [x, y] = plot.get("cameraTarget");
  const acts = {
    ArrowLeft: () => go([x - step, y], step * 4), ArrowRight: () => go([x + step, y], step * 4),
    ArrowUp: () => go([x, y + step], step * 4), ArrowDown: () => go([x, y - step], step * 4),
    "+": () => zoom(2 / 3), "=": () => zoom(2 / 3), "-": () => zoom(1.5), 0: () => go(...whole()),
    l: () => setLasso(byId("lasso").ariaPressed !== "true"), "/": () => byId("search").focus(),
  };
  if (!(event.key in acts)) return;
  event.preventDefault();
  acts[event.key]();
}

function listen() {
  plot.subscribe("pointOver", (i) => plot.get("mouseMode") === "lasso" || show(i));
  plot.subscribe("pointOut", hide);
  plot.subscribe("view", () => {
    stage.moves(plot.redraw);
    if (hovered >= 0) show(hovered);
    else drawLines();
  });
  plot.subscribe("lassoStart", () => (lassoing = true));
  plot.subscribe("lassoEnd", () => (lassoing = false));
  plot.subscribe("select", ({ points }) => {
    if (points.length === 1 && !lassoing) pinned = points[0];
    setSelection(points);
    if (pinned >= 0) pin(pinned);
  });
  plot.subscribe("deselect", () => setSelection([]));
  let pause;
  byId("search").addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(search, 150);
  });
  byId("column").addEventListener("change", () => recolour(data.columns[byId("column").value]));
  byId("save").addEventListener("click", save);
  byId("naming").addEventListener("submit", saveAsColumn);
  byId("unpin").addEventListener("click", () => choose([]));
  addEventListener("resize", drawLines);
  byId("clear").addEventListener("click", () => choose([]));
  byId("lasso").addEventListener("click", () => setLasso(byId("lasso").ariaPressed !== "true"));
  byId("nearer").addEventListener("click", () => zoom(2 / 3));
  byId("farther").addEventListener("click", () => zoom(1.5));
  byId("home").addEventListener("click", () => go(...whole()));
  byId("moment").addEventListener("input", () => moveTo(byId("moment").valueAsNumber));
  byId("play").addEventListener("click", play);
  byId("fold").addEventListener("click", () => fold(!byId("inner").hidden));
  canvas.addEventListener("mouseleave", hide);
  document.addEventListener("keydown", key);
  night.addEventListener("change", () => recolour(column));
  touchAsMouse(canvas);
}

function fold(away) {
  byId("inner").hidden = away;
  byId("fold").setAttribute("aria-expanded", String(!away));
}

function recolour(by) {
  column = by ?? null;
  applyColours();
  drawLegend();
  hide();
  return draw({ spatialIndex: plot.get("spatialIndex") });
}

function fillIn() {
  const { n, title, columns, maps, titles } = data;
  byId("title").textContent = title;
  byId("count").textContent = `${counted(n)} ${n === 1 ? "point" : "points"}`;
  const choices = columns.map((c, i) => [c, i]).filter(([c]) => c.kind !== "text");
  byId("column").append(element("option", "(one colour)"));
  byId("column").options[0].value = "";
  for (const [c, i] of choices) addChoice(c, i);
  byId("column").value = column ? data.labels : "";
  byId("by").hidden = choices.length === 0;
  byId("time").hidden = maps.length < 2;
  byId("moment").max = maps.length - 1;
  moment = wanted = maps.length - 1; // start at the last map
  byId("moment").value = moment;
  byId("moment").setAttribute("aria-valuetext", titles[moment]);
  byId("when").textContent = titles[moment];
  canvas.setAttribute("aria-label", `${title}: ${n} points`);
  fold(innerWidth < 640);
}

function addChoice({ name }, i) {
  const option = element("option", name);
  option.value = i;
  byId("column").append(option);
}

async function open() {
  data = await unpacked(block("data")[0]);
  card = makeCard(data, block("sheet"));
  column = data.columns[data.labels] ?? null;
  if (column?.kind === "text") column = null;
  neighbors = makeNeighbors(data);
  moment = data.maps.length - 1;
  countKept();
  fillIn();
  stage = screen(canvas);
  plot = createScatterplot.default({
    canvas, renderer: stage, spatialIndexUseWorker: false, pointSize: size(), pointSizeSelected: 1, pointOutlineWidth: 0, opacity: 0.85,
    opacityInactiveMax: 0.25, opacityInactiveScale: 0.5, lassoMinDelay: 0, deselectOnEscape: false,
    actionKeyMap: { lasso: "shift", merge: "cmd", remove: "alt" },
  });
  lines = makeLines(screenPosition, colourOf);
  applyColours();
  drawLegend();
  await draw();
  plot.set({ pointOrder: shuffled(data.n) });
  await plot.zoomToLocation(...whole());
  listen();
  byId("about").open = innerWidth >= 640;
  if (data.socket) makeLive(data, { map: showMap, keep: keepMap, neighbors: takeNeighbors });
  byId("message").hidden = true;
  document.body.dataset.ready = "yes"; // for tests and bench/browser.py
}

open().catch((error) => {
  const old = typeof DecompressionStream === "undefined" ? " This browser is too old; use a version of 2023 or later." : "";
  byId("message").hidden = false;
  byId("message").textContent = `The map cannot be shown: ${error.message}.${old}`;
});
