// The card beside a point: its image, its label and its other values.

const element = (name, text, ...classes) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (classes.length) made.classList.add(...classes);
  return made;
};

function makeCard(data, sources) {
  const card = document.getElementById("card"), sheets = new Map();

  function sheet(k) {
    if (!sheets.has(k)) {
      const image = new Image();
      image.src = data.socket ? `sheet/${k}` : `data:image/webp;base64,${sources[k]}`;
      sheets.set(k, image.decode().then(() => image));
    }
    return sheets.get(k);
  }

  function thumbnail(i) {
    const { width, height, across, down } = data.thumbnails;
    const k = i % (across * down), canvas = element("canvas");
    Object.assign(canvas, { width, height });
    const scale = Math.max(1, Math.floor(112 / Math.max(width, height)));
    Object.assign(canvas.style, { width: `${width * scale}px`, height: `${height * scale}px` });
    sheet(Math.floor(i / (across * down))).then((image) => {
      const x = (k % across) * width, y = Math.floor(k / across) * height;
      canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
    }, () => canvas.remove()); // the server of a live page is gone
    return canvas;
  }

  function fill(i, colour) {
    card.replaceChildren();
    if (data.thumbnails) card.append(thumbnail(i));
    const label = data.columns[data.labels], name = label && valueText(label, i);
    const head = element("p", short(name ?? `Point ${idOf(data, i)}`), "name");
    const dot = element("span", undefined, "dot");
    dot.style.background = colour;
    head.prepend(dot);
    const list = element("dl");
    const rows = data.columns.filter((c) => c !== label).map((c) => [c.name, valueText(c, i)]);
    for (const [key, value] of [...(name ? [["id", idOf(data, i)]] : []), ...rows]) {
      const line = element("div");
      line.append(element("dt", short(key)), element("dd", short(value ?? "–", 400)));
      list.append(line);
    }
    card.append(head, list);
  }

  function place([x, y]) {
    const { width, height } = card.getBoundingClientRect(), gap = 14;
    const left = x + gap + width > innerWidth - 8 ? x - gap - width : x + gap;
    const top = Math.min(Math.max(y - height / 2, 8), innerHeight - height - 8);
    Object.assign(card.style, { left: `${Math.max(8, left)}px`, top: `${Math.max(8, top)}px` });
  }

  return {
    thumbnail,
    show(i, at, colour) {
      fill(i, colour);
      card.hidden = false;
      place(at);
    },
    hide: () => (card.hidden = true),
  };
}
