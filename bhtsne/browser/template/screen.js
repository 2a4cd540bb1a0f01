// A canvas → the option `renderer` of the library. The default renderer draws into a float texture,
// then into a hidden canvas, and copies it. This one draws on the visible canvas, and while the map
// moves, it draws only as many points as the frame rate allows.

const DUE = 1000 / 30, PAUSE = 200; // milliseconds: target per frame, delay until all are drawn

function screen(canvas) {
  const gl = canvas.getContext("webgl", { antialias: false });
  if (!gl) throw new Error("this browser has no WebGL");
  const wanted = ["OES_texture_float", "OES_element_index_uint", "WEBGL_color_buffer_float", "EXT_float_blend"];
  const extensions = wanted.filter((name) => gl.getExtension(name));
  if (!extensions.includes("OES_texture_float")) throw new Error("this graphics card has no float textures");

  // The points are in random order, so that the first of them are a random sample.
  let share = 1, moving = false, last = 0, rest;
  const all = gl.drawArrays.bind(gl);
  gl.drawArrays = (mode, first, count) =>
    all(mode, first, moving && mode === gl.POINTS ? Math.ceil(count * share) : count);

  const regl = createREGL({ gl, extensions }), listeners = new Set();
  regl.frame(() => listeners.forEach((listener) => listener()));
  return {
    canvas, regl, gamma: 1, isDestroyed: false,
    isSupported: extensions.includes("WEBGL_color_buffer_float"), // otherwise there are no transitions
    render(draw) {
      const now = performance.now(), late = (now - last) / DUE;
      if (moving && last) share *= late > 1.1 ? Math.max(0.5, 1 / late) : late < 0.8 ? 1.1 : 1;
      share = Math.min(1, Math.max(0.01, share));
      canvas.dataset.share = share; // for bench/browser.py
      last = now;
      regl.clear({ color: [0, 0, 0, 0], depth: 1 });
      draw();
    },
    // Called on each move; `redraw` draws all points after a pause.
    moves(redraw) {
      if (!moving) last = 0;
      moving = true;
      clearTimeout(rest);
      rest = setTimeout(() => {
        moving = false;
        redraw();
      }, PAUSE);
    },
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh: () => regl.poll(),
    resize() {}, // the library sizes the canvas itself
    destroy: () => regl.destroy(),
  };
}
