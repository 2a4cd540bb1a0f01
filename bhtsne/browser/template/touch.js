// Touch events → the mouse events of the library: one finger drags or draws a lasso, two zoom.

function touchAsMouse(canvas) {
  const fingers = new Map();
  let spread = 0;

  const send = (type, { clientX, clientY }, more = {}) => canvas.dispatchEvent(new MouseEvent(type, {
    clientX, clientY, screenX: clientX, screenY: clientY, bubbles: true, cancelable: true, buttons: 1, ...more,
  }));
  const middle = () => {
    const [a, b] = [...fingers.values()];
    return {
      clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2,
      apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event);
    if (fingers.size === 1) {
      send("mouseenter", event);
      send("mousemove", event, { buttons: 0 });
      send("mousedown", event);
    } else if (fingers.size === 2) {
      send("mouseup", event);
      spread = middle().apart;
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event);
    if (fingers.size === 1) send("mousemove", event);
    if (fingers.size !== 2) return;
    const now = middle();
    send("mousemove", now, { buttons: 0 });
    const deltaY = -Math.log(now.apart / spread) * canvas.clientHeight;
    canvas.dispatchEvent(new WheelEvent("wheel", { ...now, deltaY, bubbles: true, cancelable: true }));
    spread = now.apart;
  });
  // Stop the click after a tap, which would select one point and fade all others.
  window.addEventListener("click", (event) => {
    if (event.target === canvas && event.pointerType === "touch") event.stopPropagation();
  }, true);
  for (const type of ["pointerup", "pointercancel"]) {
    window.addEventListener(type, (event) => {
      if (fingers.delete(event.pointerId) && fingers.size === 0) send("mouseup", event);
    });
  }
}
