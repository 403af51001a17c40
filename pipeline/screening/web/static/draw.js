// @ts-check
/**
 * Strokes over the frame: those of notes on the side that they belong to, and those being drawn, which stay with their frame.
 * Drawn with mouse, pen or finger, kept as shares of the picture's width and height.
 */

import { arrow, line, rounded, touches } from "./shapes.js";

/**
 * @typedef {import("./shapes.js").Stroke} Stroke
 * @typedef {import("./shapes.js").Point} Point
 * @typedef {{strokes: Stroke[]}} Drawing
 * @typedef {"pen" | "arrow" | "eraser"} Tool
 * @typedef {{box: import("./screen.js").Box, mode: import("./screen.js").Mode, wipe: number}} Seen
 */

export const COLOURS = { red: "#ff5a36", yellow: "#ffd23f", green: "#4cd07d", blue: "#4aa8ff", white: "#ffffff" };
export const WIDTHS = [0.002, 0.004, 0.009];
const STEP = 0.0015; // of the width: nearer points add nothing
const MOST_POINTS = 4000; // of a drawing
const REACH = 0.006; // of the eraser, of the picture's width

export class Sketch {
  /**
   * @param {HTMLCanvasElement} canvas  over the picture, of the same size
   * @param {() => Seen} seen  where the picture lies, in pixels of the canvas, and how A and B share it
   * @param {() => void} changed
   */
  constructor(canvas, seen, changed) {
    this.canvas = canvas;
    this.seen = seen;
    this.changed = changed;
    this.frame = 0;
    /** @type {Map<number, Stroke[]>} */
    this.drafts = new Map(); // by frame: what is drawn and not kept yet
    /** @type {{a: Stroke[], b: Stroke[]}} */
    this.shown = { a: [], b: [] }; // of the notes on this frame
    /** @type {{done: Stroke[][], undone: Stroke[][]}} */
    this.history = { done: [], undone: [] }; // of this frame's drawing
    this.colour = COLOURS.red;
    this.width = WIDTHS[1];
    this.tool = /** @type {Tool} */ ("pen");
    this.active = false;
    this.clean = true;
    /** @type {Stroke | null} */
    this.stroke = null;
    this.erasing = false;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.end());
  }

  get strokes() {
    return this.drafts.get(this.frame) ?? [];
  }

  /** @returns {Drawing | null} what was drawn on this frame, null when nothing was */
  get drawing() {
    return this.strokes.length ? { strokes: this.strokes } : null;
  }

  /** @param {boolean} active */
  use(active) {
    this.active = active;
    this.canvas.classList.toggle("drawing", active);
    if (!active) this.end();
  }

  /** The frame and its notes' strokes, by side. @param {number} frame @param {{a: Stroke[], b: Stroke[]}} shown */
  stand(frame, shown) {
    if (frame !== this.frame) {
      this.end();
      this.frame = frame;
      this.history = { done: [], undone: [] };
    }
    this.shown = shown;
    this.tell();
  }

  /** This frame's drawing from now on; what it was can be had back. @param {Stroke[]} strokes */
  set(strokes) {
    this.history.done.push(this.strokes);
    this.history.undone = [];
    this.put(strokes);
  }

  undo() {
    const before = this.history.done.pop();
    if (!before) return;
    this.history.undone.push(this.strokes);
    this.put(before);
  }

  redo() {
    const after = this.history.undone.pop();
    if (!after) return;
    this.history.done.push(this.strokes);
    this.put(after);
  }

  clear() {
    if (this.strokes.length) this.set([]);
  }

  /** What was drawn on a frame is kept elsewhere now. @param {number} frame */
  kept(frame) {
    this.drafts.delete(frame);
    if (frame === this.frame) this.history = { done: [], undone: [] };
    this.tell();
  }

  /** @param {Stroke[]} strokes */
  put(strokes) {
    if (strokes.length) this.drafts.set(this.frame, strokes);
    else this.drafts.delete(this.frame);
    this.tell();
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (!this.active || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    if (this.tool === "eraser") {
      this.erasing = true;
      this.erase(event);
      return;
    }
    const points = this.strokes.reduce((sum, stroke) => sum + stroke.points.length, 0);
    if (points >= MOST_POINTS) return;
    this.stroke = { colour: this.colour, width: this.width, points: [this.place(event)] };
    this.set([...this.strokes, this.stroke]);
  }

  /** @param {PointerEvent} event */
  go(event) {
    if (this.erasing) this.erase(event);
    const stroke = this.stroke;
    if (!stroke) return;
    if (this.tool === "arrow") {
      stroke.points = arrow(stroke.points[0], this.place(event), this.width, this.shape);
    } else {
      for (const moved of event.getCoalescedEvents?.() ?? [event]) {
        const [x, y] = this.place(moved);
        const [u, v] = stroke.points[stroke.points.length - 1];
        if (Math.hypot(x - u, y - v) >= STEP && stroke.points.length < MOST_POINTS) stroke.points.push([x, y]);
      }
    }
    this.draw();
  }

  /** @param {PointerEvent} event */
  erase(event) {
    const at = this.place(event);
    const left = this.strokes.filter((stroke) => !touches(stroke, at, REACH, this.shape));
    if (left.length < this.strokes.length) this.set(left);
  }

  end() {
    this.erasing = false;
    if (!this.stroke) return;
    this.stroke = null;
    this.tell();
  }

  tell() {
    this.draw();
    this.changed();
  }

  get shape() {
    const { box } = this.seen();
    return box.width / box.height;
  }

  /** @param {PointerEvent} event @returns {Point} */
  place(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / frame.width;
    const { box } = this.seen();
    const share = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ size) =>
      rounded(Math.min(Math.max((at * scale - from) / size, 0), 1));
    return [share(event.clientX - frame.left, box.x, box.width), share(event.clientY - frame.top, box.y, box.height)];
  }

  draw() {
    const { a, b } = this.shown;
    const nothing = !a.length && !b.length && !this.strokes.length;
    if (nothing && this.clean) return;
    this.clean = nothing;
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    const { box, mode, wipe } = this.seen();
    const between = box.x + wipe * box.width;
    const put = (/** @type {Stroke[]} */ strokes, /** @type {number} */ from, /** @type {number} */ to) => {
      context.save();
      context.beginPath();
      context.rect(from, 0, to - from, height);
      context.clip();
      for (const stroke of strokes) line(context, stroke, box);
      context.restore();
    };
    if (mode !== "b") put(a, 0, mode === "wipe" ? between : width);
    if (mode !== "a") put(b, mode === "wipe" ? between : 0, width);
    put(this.strokes, 0, width);
  }
}
