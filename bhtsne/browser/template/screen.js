// Where the library draws: its option `renderer`, in place of its own, which draws into a texture of
// floats, from there into a hidden canvas, and copies that. This one draws on the canvas that is
// looked at, and while the map moves it draws as many points as come in time.

const DUE = 1000 / 30, PAUSE = 200; // milliseconds

function screen(canvas) {
  const gl = canvas.getContext("webgl", { antialias: false });
  if (!gl) throw new Error("this browser has no WebGL");
  const wanted = ["OES_texture_float", "OES_element_index_uint", "WEBGL_color_buffer_float", "EXT_float_blend"];
  const extensions = wanted.filter((name) => gl.getExtension(name));
  if (!extensions.includes("OES_texture_float")) throw new Error("this graphics card has no float textures");

  // The points come in a random order, so that the first of them are a fair sample of all.
  let share = 1, moving = false, last = 0, rest;
  const all = gl.drawArrays.bind(gl);
  gl.drawArrays = (mode, first, count) =>
    all(mode, first, moving && mode === gl.POINTS ? Math.ceil(count * share) : count);

  const regl = createREGL({ gl, extensions }), listeners = new Set();
  regl.frame(() => listeners.forEach((listener) => listener()));
  return {
    canvas, regl, gamma: 1, isDestroyed: false,
    isSupported: extensions.includes("WEBGL_color_buffer_float"), // else points jump, they don't glide
    render(draw) {
      const now = performance.now(), late = (now - last) / DUE;
      if (moving && last) share *= late > 1.1 ? Math.max(0.5, 1 / late) : late < 0.8 ? 1.1 : 1;
      share = Math.min(1, Math.max(0.01, share));
      canvas.dataset.share = share; // for whoever measures
      last = now;
      regl.clear({ color: [0, 0, 0, 0], depth: 1 });
      draw();
    },
    // Called for each move; once there was none for a while, `stand` draws all points again.
    moves(stand) {
      if (!moving) last = 0;
      moving = true;
      clearTimeout(rest);
      rest = setTimeout(() => {
        moving = false;
        stand();
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
