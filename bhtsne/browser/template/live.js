// The messages of a run → its maps on the page; controls of the page → commands to the run.

const byName = (name) => document.getElementById(name);

// Slider: range on a logarithmic or linear scale, text of a value.
const PARAMETERS = {
  exaggeration: { low: 0.5, high: 32, log: true },
  learning_rate: { low: 0.05, high: 10, log: true },
  momentum: { low: 0, high: 0.98 },
  theta: { low: 0, high: 1.2 },
  dof: { low: 0.2, high: 20, log: true },
};

function makeLive(data, shown) {
  const socket = new WebSocket(data.socket), frozen = () => byName("freeze").ariaPressed === "true";
  let status = {}, over = null;

  const send = (command) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(command));
  const word = (text) => text[0].toUpperCase() + text.slice(1);

  function describe() {
    const { stage = "waiting", done, iteration, left, kl = [] } = status, last = kl.at(-1);
    const total = iteration + left;
    byName("stage").textContent = iteration === undefined ? word(stage) : `Iteration ${counted(iteration)} of ${counted(total)}`;
    byName("progress").value = iteration === undefined ? done ?? 0 : total ? iteration / total : 1;
    byName("divergence").textContent = last ? `KL divergence ${last[1].toFixed(3)}` : "";
    const state = over ? { finished: "The run is over", callback: "Stopped", interrupt: "Interrupted", converged: "Converged", failed: "The fit failed" }[over] : status.paused ? "Paused" : "";
    byName("state").textContent = state ?? "";
    byName("pause").setAttribute("aria-pressed", String(Boolean(status.paused)));
    for (const button of document.querySelectorAll("#controls button:not(#freeze)")) button.disabled = over !== null || iteration === undefined;
    byName("freeze").disabled = over !== null;
    for (const input of document.querySelectorAll("#parameters input, #schedule")) input.disabled = over !== null;
    drawCurve(kl);
    for (const [name, value] of Object.entries(status.parameters ?? {})) {
      const input = byName(name), given = status.given.includes(name);
      if (document.activeElement !== input || !input.matches(":active")) input.value = toSlider(name, value);
      byName(`${name}-value`).textContent = `${name === "learning_rate" ? "× " : ""}${brief(Number(value.toPrecision(3)))}`;
      input.closest("label").classList.toggle("given", given);
    }
    document.body.dataset.iteration = iteration ?? ""; // for tests and bench/live.py
    document.body.dataset.over = over ?? "";
  }

  // The divergence against the iterations, as a line.
  function drawCurve(kl) {
    const high = Math.max(...kl.map((k) => k[1])), low = Math.min(...kl.map((k) => k[1])), end = kl.at(-1)?.[0] || 1;
    const points = kl.map(([i, k]) => `${(220 * i) / end},${36 - (32 * (k - low)) / (high - low || 1)}`);
    byName("curve").setAttribute("points", points.join(" "));
  }

  const toSlider = (name, value) => {
    const { low, high, log } = PARAMETERS[name];
    return 1000 * (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  };
  const fromSlider = (name, at) => {
    const { low, high, log } = PARAMETERS[name], t = at / 1000;
    return Number((log ? low * (high / low) ** t : low + (high - low) * t).toPrecision(4));
  };

  function receive(content) {
    if (typeof content === "string") {
      status = JSON.parse(content);
      over = status.over ?? null;
      return describe();
    }
    const [head, array] = parsed(content);
    if (head.type === "near") {
      unpackNeighbors(head, array);
      return shown.neighbors({ ...head, places: array(head.places) });
    }
    if (head.kept !== undefined) return shown.keep(array(head.places), head.kept);
    return frozen() || shown.map(array(head.places));
  }

  function listenToControls() {
    for (const name of ["step", "restart", "more", "stop", "schedule", "keep"]) {
      byName(name).addEventListener("click", () => send({ do: name }));
    }
    byName("pause").addEventListener("click", () => send({ do: status.paused ? "go" : "pause" }));
    byName("freeze").addEventListener("click", () => byName("freeze").setAttribute("aria-pressed", String(!frozen())));
    for (const name of Object.keys(PARAMETERS)) {
      byName(name).addEventListener("input", (event) => send({ do: "set", name, value: fromSlider(name, event.target.valueAsNumber) }));
    }
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "BUTTON"].includes(document.activeElement.tagName)) return;
      if (event.key === " ") byName("pause").click();
      else if (event.key === ".") byName("step").click();
      else if (event.key === "k") byName("keep").click();
      else return;
      event.preventDefault();
    });
  }

  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", (event) => receive(event.data));
  socket.addEventListener("close", () => {
    if (over === null) over = "interrupt";
    describe();
    byName("state").textContent ||= "The run has ended";
  });
  byName("run").hidden = false;
  listenToControls();
  describe();
}
