// @ts-check
/** The pixel under the pointer: scene-linear values of A and B as their EXRs hold them, and the screen's. */

/**
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {import("./source.js").Source} Source
 * @typedef {{names: string[], values: Float64Array, width: number}} Tile
 */

const TILE = 32; // pixels on a side: what the server hands out at once
const KEPT = 64; // tiles

export class Probe {
  /** @param {Stage} stage @param {HTMLElement} element  that says it */
  constructor(stage, element) {
    this.stage = stage;
    this.element = element;
    this.on = false;
    /** @type {[number, number] | null} */
    this.pointer = null; // pixels of the canvas
    /** @type {Map<string, Promise<Tile | null>>} */
    this.tiles = new Map();
    this.turn = 0;
    stage.element.addEventListener("pointermove", (event) => {
      this.pointer = stage.place(event);
      if (this.on) this.look();
    });
    stage.element.addEventListener("pointerleave", () => {
      this.pointer = null;
      if (this.on) this.look();
    });
  }

  /** @param {boolean} on */
  use(on) {
    this.on = on;
    this.element.hidden = !on;
    if (on) this.look();
  }

  /** Say what lies under the pointer; what comes late says nothing. */
  async look() {
    this.turn += 1;
    const { turn, stage, pointer } = this;
    const [a, b, frame] = stage.last;
    const { box } = stage;
    const share = pointer && [(pointer[0] - box.x) / box.width, (pointer[1] - box.y) / box.height];
    if (!a || !pointer || !share || share.some((at) => at < 0 || at >= 1)) {
      this.element.textContent = "Point at the picture.";
      return;
    }
    stage.again();
    const shown = stage.screen.pixel(...pointer);
    const sides = /** @type {[string, Source][]} */ ([["A", a], ["B", b]].filter(([, source]) => source));
    const rows = await Promise.all(sides.map(async ([name, source]) => [name, await this.value(source, frame, share)]));
    if (turn !== this.turn) return;
    const [x, y] = place(a, share);
    this.element.replaceChildren(
      part("b", `${x}, ${y}`),
      ...rows.flatMap(([name, said]) => [part("span", name), part("output", said, `side-${name}`)]),
      part("span", "screen"),
      part("output", shown.join(" "), "screen"),
    );
  }

  /** @param {Source} source @param {number} frame @param {number[]} share @returns {Promise<string>} */
  async value(source, frame, share) {
    if (!source.holds(frame)) return "no frame";
    const [x, y] = place(source, share);
    const [left, top] = [x - (x % TILE), y - (y % TILE)];
    const { shot, version } = source.media;
    const url = `/api/shots/${encodeURIComponent(shot)}/versions/${version}/light/${encodeURIComponent(source.view.name)}/${frame}?x=${left}&y=${top}`;
    let asked = this.tiles.get(url);
    if (!asked) {
      if (this.tiles.size >= KEPT) this.tiles.delete([...this.tiles.keys()][0]);
      asked = read(url, Math.min(TILE, source.media.pixels[0] - left));
      this.tiles.set(url, asked);
      asked.then((tile) => tile || this.tiles.delete(url));
    }
    const tile = await asked;
    if (!tile) return "not known";
    const at = ((y - top) * tile.width + x - left) * tile.names.length;
    return tile.names.map((name, i) => `${name} ${short(tile.values[at + i])}`).join("  ");
  }
}

/** @param {string} url @param {number} width @returns {Promise<Tile | null>} */
async function read(url, width) {
  try {
    const answer = await fetch(url);
    if (!answer.ok) return null;
    const names = (answer.headers.get("x-channels") ?? "").split(",");
    return { names, values: new Float64Array(await answer.arrayBuffer()), width };
  } catch {
    return null;
  }
}

/** @param {Source} source @param {number[]} share @returns {[number, number]} its pixel, from the top left */
function place(source, share) {
  const [width, height] = source.media.pixels;
  return [Math.floor(share[0] * width), Math.floor(share[1] * height)];
}

/** @param {number} value  scene-linear, of any size */
function short(value) {
  if (Number.isInteger(value) && Math.abs(value) >= 2) return String(value); // ids
  return Number.isFinite(value) ? value.toFixed(Math.abs(value) >= 100 ? 1 : 4) : String(value);
}

/** @param {string} kind @param {string} text @param {string} [name] */
function part(kind, text, name = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  if (name) made.dataset.of = name;
  return made;
}
