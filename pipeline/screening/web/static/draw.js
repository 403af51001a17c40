// @ts-check
/** Strokes on the frame: drawn with mouse, pen or finger, kept as shares of the picture's width and height. */

/**
 * @typedef {{colour: string, width: number, points: [number, number][]}} Stroke  width: of the picture's width
 * @typedef {{strokes: Stroke[]}} Drawing
 * @typedef {import("./screen.js").Box} Box
 */

export const COLOURS = ["#ff5a36", "#ffd23f", "#4cd07d", "#4aa8ff", "#ffffff"];
export const WIDTHS = [0.002, 0.004, 0.009];
const STEP = 0.0015; // of the width: nearer points add nothing
const MOST_POINTS = 4000; // of a drawing

export class Sketch {
  /**
   * @param {HTMLCanvasElement} canvas  over the picture, of the same size
   * @param {() => Box} box  where the picture lies, in pixels of the canvas
   * @param {() => void} changed
   */
  constructor(canvas, box, changed) {
    this.canvas = canvas;
    this.box = box;
    this.changed = changed;
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Stroke[]} */
    this.shown = []; // of a note that is looked at
    this.colour = COLOURS[0];
    this.width = WIDTHS[1];
    this.active = false;
    /** @type {Stroke | null} */
    this.stroke = null;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.end());
  }

  /** @returns {Drawing | null} what was drawn, null when nothing was */
  get drawing() {
    return this.strokes.length ? { strokes: this.strokes } : null;
  }

  /** @param {boolean} active */
  use(active) {
    this.active = active;
    this.canvas.classList.toggle("drawing", active);
    if (!active) this.end();
  }

  undo() {
    this.strokes.pop();
    this.tell();
  }

  clear() {
    this.strokes = [];
    this.tell();
  }

  /** @param {Drawing | null} drawing  of a note */
  look(drawing) {
    this.shown = drawing?.strokes ?? [];
    this.draw();
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (!this.active || event.button !== 0) return;
    const points = this.strokes.reduce((sum, stroke) => sum + stroke.points.length, 0);
    if (points >= MOST_POINTS) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = { colour: this.colour, width: this.width, points: [this.place(event)] };
    this.strokes.push(this.stroke);
    this.tell();
  }

  /** @param {PointerEvent} event */
  go(event) {
    const stroke = this.stroke;
    if (!stroke) return;
    for (const moved of event.getCoalescedEvents?.() ?? [event]) {
      const [x, y] = this.place(moved);
      const [u, v] = stroke.points[stroke.points.length - 1];
      if (Math.hypot(x - u, y - v) >= STEP && stroke.points.length < MOST_POINTS) stroke.points.push([x, y]);
    }
    this.draw();
  }

  end() {
    if (!this.stroke) return;
    this.stroke = null;
    this.tell();
  }

  tell() {
    this.draw();
    this.changed();
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  place(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / frame.width;
    const box = this.box();
    const share = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ size) =>
      Math.round(Math.min(Math.max((at * scale - from) / size, 0), 1) * 1e5) / 1e5;
    return [
      share(event.clientX - frame.left, box.x, box.width),
      share(event.clientY - frame.top, box.y, box.height),
    ];
  }

  draw() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const box = this.box();
    for (const stroke of [...this.shown, ...this.strokes]) line(context, stroke, box);
  }
}

/** @param {CanvasRenderingContext2D} context @param {Stroke} stroke @param {Box} box */
function line(context, stroke, box) {
  const points = stroke.points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = Math.max(1, stroke.width * box.width);
  context.strokeStyle = stroke.colour;
  context.beginPath();
  context.moveTo(points[0][0], points[0][1]);
  if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]);
  for (let i = 1; i < points.length; i++) {
    // Through the middles of the way, bent towards the points: no corners where the hand made none.
    const [x, y] = points[i - 1];
    context.quadraticCurveTo(x, y, (x + points[i][0]) / 2, (y + points[i][1]) / 2);
  }
  const last = points[points.length - 1];
  context.lineTo(last[0], last[1]);
  context.stroke();
}
