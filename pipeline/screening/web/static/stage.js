// @ts-check
/** The stage: the canvas that the picture lies on, zoom and pan, the wipe's line, what is written over the frame. */

import { FlatScreen } from "./flat.js";
import { GlScreen } from "./screen.js";

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./screen.js").Box} Box
 * @typedef {import("./screen.js").Mode} Mode
 */

const MOST_ZOOM = 32;

export class Stage {
  /** @param {HTMLElement} element  holds a canvas.picture, a canvas.strokes and a .wipe-line */
  constructor(element) {
    this.element = element;
    this.canvas = /** @type {HTMLCanvasElement} */ (element.querySelector("canvas.picture"));
    this.over = /** @type {HTMLCanvasElement} */ (element.querySelector("canvas.strokes"));
    this.line = /** @type {HTMLElement} */ (element.querySelector(".wipe-line"));
    this.screen = makeScreen(this.canvas);
    this.mode = /** @type {Mode} */ ("a");
    this.wipe = 0.5;
    this.exposure = 0; // stops
    this.gamma = 1;
    this.zoom = 1;
    this.middle = [0.5, 0.5]; // of the picture, that lies in the middle of the canvas
    this.shape = 16 / 9;
    /** @type {{a: any, b: any} | null} */
    this.exact = null; // pictures from the EXRs, exposed already
    /** @type {[Source | null, Source | null, number]} */
    this.last = [null, null, 0];
    this.redrawn = () => {};
    this.lost = () => {}; // every picture: the graphics card was taken away and given back
    /** @type {Map<number, [number, number]>} */
    this.fingers = new Map();
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.screen.start();
      this.exact = null;
      this.lost();
    });
    new ResizeObserver(() => this.fit()).observe(element);
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.grab(event));
    element.addEventListener("dblclick", () => this.home());
    this.fit();
  }

  /** @returns {Box} where the picture lies, in pixels of the canvas */
  get box() {
    const { width, height } = this.canvas;
    const fit = Math.min(width, height * this.shape);
    const [w, h] = [fit * this.zoom, (fit / this.shape) * this.zoom];
    return { x: width / 2 - this.middle[0] * w, y: height / 2 - this.middle[1] * h, width: w, height: h };
  }

  fit() {
    const { clientWidth, clientHeight } = this.element;
    for (const canvas of [this.canvas, this.over]) {
      canvas.width = Math.max(1, Math.round(clientWidth * devicePixelRatio));
      canvas.height = Math.max(1, Math.round(clientHeight * devicePixelRatio));
    }
    this.again();
  }

  home() {
    this.zoom = 1;
    this.middle = [0.5, 0.5];
    this.again();
  }

  /** @param {number} factor @param {[number, number]} [at]  of the canvas, that stays where it is */
  magnify(factor, at = [this.canvas.width / 2, this.canvas.height / 2]) {
    const before = this.box;
    const held = [(at[0] - before.x) / before.width, (at[1] - before.y) / before.height];
    this.zoom = Math.min(Math.max(this.zoom * factor, Math.min(1, this.actual)), MOST_ZOOM);
    const { width, height } = this.box;
    this.middle = [
      held[0] + (this.canvas.width / 2 - at[0]) / width,
      held[1] + (this.canvas.height / 2 - at[1]) / height,
    ];
    this.keepIn();
  }

  keepIn() {
    const margin = Math.min(0.5, 0.5 / this.zoom);
    this.middle = this.middle.map((at) => Math.min(Math.max(at, margin), 1 - margin));
    this.again();
  }

  /** One pixel of the picture on one of the screen. @returns {number} the zoom that this takes */
  get actual() {
    const [a] = this.last;
    return a ? a.media.width / Math.min(this.canvas.width, this.canvas.height * this.shape) : 1;
  }

  /** @param {number} shares  of the picture's width, to the right */
  nudge(shares) {
    this.wipe = Math.min(Math.max(this.wipe + shares, 0), 1);
    this.again();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const [x, y] = this.place(event);
    this.magnify(Math.exp(-event.deltaY * 0.0015), [x, y]);
  }

  /** @param {MouseEvent} event @returns {[number, number]} pixels of the canvas */
  place(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / Math.max(1, frame.width);
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  }

  /** Drag the wipe's line where it is near, else the picture; two fingers zoom. @param {PointerEvent} event */
  grab(event) {
    const drawing = this.over.classList.contains("drawing") && event.button === 0;
    if (drawing || event.button > 1) return;
    if (event.pointerType === "touch" && this.pinch(event)) return;
    const box = this.box;
    const start = this.place(event);
    const near = Math.abs(start[0] - (box.x + this.wipe * box.width)) < 24 * devicePixelRatio;
    const wiping = this.mode === "wipe" && (near || this.zoom <= 1) && event.button === 0;
    const middle = [...this.middle];
    if (!wiping && this.zoom <= 1) return;
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moved) => {
      const [x, y] = this.place(moved);
      if (wiping) {
        this.wipe = Math.min(Math.max((x - box.x) / box.width, 0), 1);
        this.again();
      } else if (this.fingers.size < 2) {
        this.middle = [middle[0] - (x - start[0]) / box.width, middle[1] - (y - start[1]) / box.height];
        this.keepIn();
      }
    };
    const end = () => {
      this.element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.element.removeEventListener(name, end);
    };
    if (wiping) move(event);
    this.element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, end);
  }

  /** @param {PointerEvent} event  of a finger @returns {boolean} whether it is the second one */
  pinch(event) {
    this.fingers.set(event.pointerId, this.place(event));
    const second = this.fingers.size === 2;
    const move = (/** @type {PointerEvent} */ moved) => {
      if (moved.pointerId !== event.pointerId) return;
      const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
      const before = this.fingers.get(event.pointerId);
      const now = this.place(moved);
      this.fingers.set(event.pointerId, now);
      if (!other || !before) return;
      const apart = (/** @type {[number, number]} */ at) => Math.max(1, Math.hypot(at[0] - other[0], at[1] - other[1]));
      this.magnify(apart(now) / apart(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    };
    const end = (/** @type {any} */ ended) => {
      if (ended.pointerId !== event.pointerId) return;
      this.fingers.delete(event.pointerId);
      this.element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.element.removeEventListener(name, end);
    };
    this.element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, end);
    return second;
  }

  /** @param {Source | null} a @param {Source | null} b @param {number} frame */
  show(a, b, frame) {
    this.exact = null;
    this.last = [a, b, frame];
    this.again();
  }

  again() {
    const [a, b, frame] = this.last;
    if (a) this.shape = a.media.width / a.media.height;
    const box = this.box;
    const side = (/** @type {Source | null} */ source, /** @type {any} */ exact) => {
      const plain = !source?.view.graded || exact || !this.screen.graded;
      const difference = this.mode === "difference";
      return {
        picture: exact ?? source?.picture(frame) ?? null,
        gain: plain && !difference ? 1 : 2 ** this.exposure,
        gamma: plain && !difference ? 1 : this.gamma,
      };
    };
    const [left, right] = [side(a, this.exact?.a), side(b, this.exact?.b)];
    this.screen.draw({
      a: left.picture,
      b: right.picture,
      mode: this.mode,
      wipe: this.wipe,
      gains: [left.gain, right.gain],
      gammas: [left.gamma, right.gamma],
      box,
      near: a !== null && box.width / a.media.width >= 2,
    });
    this.line.hidden = this.mode !== "wipe";
    this.line.style.left = `${(box.x + this.wipe * box.width) / devicePixelRatio}px`;
    this.redrawn();
  }
}

/** @param {HTMLCanvasElement} canvas */
function makeScreen(canvas) {
  try {
    return new GlScreen(canvas);
  } catch {
    return new FlatScreen(canvas);
  }
}
