// The blocks of data in this page → columns and maps as typed arrays.

const block = (name) => [...document.getElementsByClassName(name)].map((e) => e.textContent);

const KINDS = {
  uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array,
  uint32: Uint32Array, float32: Float32Array, float64: Float64Array,
};

// A message → its head, and a function from the description of an array to the array.
function parsed(buffer) {
  const size = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  return [head, (a) => new KINDS[a.dtype](buffer, 4 + size + a.start, a.length)];
}

function unpackNeighbors(near, array) {
  near.planes = near.planes.map(array);
  near.kept = near.kept.map(array);
}

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const [head, array] = parsed(await new Response(stream).arrayBuffer());
  head.maps = head.maps.map(array);
  if (head.near) unpackNeighbors(head.near, array);
  for (const column of [...head.columns, ...(head.ids ? [head.ids] : [])]) {
    column.values = array(column);
  }
  return head;
}

// A value as text, rounded for display or exact for a file; null if it is missing.
function valueText(column, i, exact = false) {
  const value = column.values[i];
  if (column.names) return value < column.names.length ? column.names[value] : null;
  if (Number.isNaN(value)) return null;
  if (column.kind === "date") return day(value);
  if (exact) return column.values instanceof Float32Array ? shortest(value) : String(value);
  return column.kind === "integer" ? String(value) : brief(value);
}

const DAY = 86_400_000;

// Milliseconds since 1970 as a date, with the time of day where it is not midnight.
function day(ms) {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return String(ms);
  const [date, clock] = time.toISOString().split("T");
  return ms % DAY ? `${date} ${clock.replace(/(:00)?[.]000Z$|Z$/, "")}` : date;
}

// Text with an ellipsis in place of the middle if it is too long.
function short(text, longest = 120) {
  const half = longest / 2;
  return text.length <= longest ? text : `${text.slice(0, half)}…${text.slice(1 - half)}`;
}

const counted = (n) => n.toLocaleString("en");
const brief = (x) => (Number.isFinite(x) ? String(Number(x.toPrecision(5))) : String(x));

// The fewest digits that give this float32: 0.1 instead of 0.10000000149011612.
function shortest(x) {
  for (let digits = 6; digits < 9; digits++) {
    const text = String(Number(x.toPrecision(digits)));
    if (Math.fround(text) === x) return text;
  }
  return String(x);
}

const idOf = (data, i) => (data.ids ? valueText(data.ids, i, true) ?? "" : String(i));

// A cell of a CSV file. An apostrophe precedes text that a spreadsheet would run as a formula.
function cell(text, isNumber) {
  if (text === null) return "";
  if (!isNumber && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(data, points) {
  const names = ["id", ...data.columns.map((c) => c.name)].map((name) => cell(name, false));
  const lines = [names.join(",")];
  for (const i of points) {
    const cells = data.columns.map((c) => cell(valueText(c, i, true), !c.names));
    lines.push([cell(idOf(data, i), data.ids ? !data.ids.names : true), ...cells].join(","));
  }
  return lines.join("\n") + "\n";
}

// The points with the words in one of their names or dates, or with the words as id, in order.
function matches(data, words) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return [];
  const tests = data.columns.filter((c) => c.names).map((c) => {
    const hit = c.names.map((name) => name.toLowerCase().includes(wanted));
    return (i) => hit[c.values[i]];
  });
  const dates = data.columns.filter((c) => c.kind === "date");
  tests.push(...dates.map((c) => (i) => valueText(c, i)?.includes(wanted)));
  tests.push((i) => idOf(data, i).toLowerCase() === wanted);
  const found = [];
  for (let i = 0; i < data.n; i++) if (tests.some((test) => test(i))) found.push(i);
  return found;
}
