// @ts-check
/** The picture on the screen without WebGL: compared by the canvas; exposure and gamma come with stills from the server. */

/** @typedef {import("./screen.js").Drawn} Drawn */

export class FlatScreen {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.graded = false;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  }

  /** @param {any} held @param {any} pixels */
  upload(held, pixels) {
    const copy = held ?? document.createElement("canvas");
    copy.width = pixels.displayWidth ?? pixels.videoWidth ?? pixels.naturalWidth;
    copy.height = pixels.displayHeight ?? pixels.videoHeight ?? pixels.naturalHeight;
    copy.getContext("2d").drawImage(pixels, 0, 0);
    return copy;
  }

  /** @param {any} held */
  release(held) {
    held.width = held.height = 0;
  }

  start() {}

  /** What was drawn there. @param {number} x @param {number} y @returns {number[]} 0..255 */
  pixel(x, y) {
    return [...this.context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data.slice(0, 3)];
  }

  /** @param {Drawn} drawn */
  draw({ a, b, mode, wipe, box, near }) {
    const { context, canvas } = this;
    context.globalCompositeOperation = "source-over";
    context.fillStyle = "#0b0c0d";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = !near;
    const put = (/** @type {any} */ picture) => {
      if (picture) context.drawImage(picture, box.x, box.y, box.width, box.height);
    };
    if (mode === "b") put(b);
    else put(a);
    if (mode === "wipe" && b) {
      context.save();
      context.beginPath();
      context.rect(box.x + wipe * box.width, box.y, (1 - wipe) * box.width, box.height);
      context.clip();
      put(b);
      context.restore();
    }
    if (mode === "difference" && b) {
      context.globalCompositeOperation = "difference";
      put(b);
    }
  }
}
