// @ts-check
/** The time line: where the frame lies, the loop with its two ends to drag, and a mark where a note is. */

/**
 * @typedef {{frame: number, last: number, title: string, kind: "note" | "resolved" | "draft"}} Mark  last: of a note's range
 */

const REACH_PX = 7; // from an end of the loop, to drag it
const NUMBER_PX = 56; // that a frame's number takes

export class Timeline {
  /**
   * @param {HTMLElement} element @param {(frame: number) => void} goto
   * @param {(first: number, last: number) => void} between  the loop was dragged
   */
  constructor(element, goto, between) {
    this.element = element;
    this.goto = goto;
    this.between = between;
    this.first = 0;
    this.last = 0;
    this.from = 0; // of the loop
    this.to = 0;
    const part = (/** @type {string} */ name) => {
      const made = document.createElement("div");
      made.className = name;
      element.append(made);
      return made;
    };
    this.ticks = part("ticks");
    this.loop = part("loop");
    this.marks = part("marks");
    this.head = part("head");
    element.addEventListener("pointerdown", (event) => this.grab(event));
    new ResizeObserver(() => this.last && this.span(this.first, this.last)).observe(element);
  }

  /** Drag an end of the loop where one is near, else the frame. @param {PointerEvent} event */
  grab(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    const near = (/** @type {number} */ edge) => Math.abs(event.clientX - box.left - (edge / 100) * box.width) <= REACH_PX;
    const whole = this.from === this.first && this.to === this.last;
    const end = whole ? "" : near(this.edge(this.from)) ? "from" : near(this.edge(this.to + 1)) ? "to" : "";
    this.element.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moved) => {
      const share = Math.min(Math.max((moved.clientX - box.left) / box.width, 0), 0.999999);
      const frame = this.first + Math.floor(share * (this.last - this.first + 1));
      if (end === "from") this.between(Math.min(frame, this.to), this.to);
      else if (end === "to") this.between(this.from, Math.max(frame, this.from));
      else this.goto(frame);
    };
    const done = () => {
      this.element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.element.removeEventListener(name, done);
    };
    if (!end) move(event);
    this.element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, done);
  }

  /** @param {number} frame @returns {number} where it begins, percent */
  edge(frame) {
    return (100 * (frame - this.first)) / (this.last - this.first + 1);
  }

  /** @param {number} frame @returns {number} where its middle lies, percent */
  place(frame) {
    return this.edge(frame + 0.5);
  }

  /** @param {number} first @param {number} last */
  span(first, last) {
    [this.first, this.last] = [first, last];
    this.element.setAttribute("aria-valuemin", String(first));
    this.element.setAttribute("aria-valuemax", String(last));
    const count = last - first + 1;
    const most = Math.min(14, this.element.clientWidth / NUMBER_PX);
    const every = [1, 2, 5, 10, 20, 25, 50, 100, 250, 500, 1000, 5000].find((n) => count / n <= most) ?? 10000;
    this.ticks.replaceChildren();
    for (let frame = first; frame <= last; frame++) {
      const numbered = frame === first || frame === last || frame % every === 0;
      const close = frame !== first && frame !== last && Math.min(frame - first, last - frame) < every * 0.6;
      if (!numbered && (count > 200 || every > 10)) continue;
      const tick = document.createElement("i");
      tick.style.left = `${this.place(frame)}%`;
      if (numbered && !close) tick.dataset.frame = String(frame);
      this.ticks.append(tick);
    }
  }

  /** @param {number} frame @param {number} first  of the loop @param {number} last */
  show(frame, first, last) {
    [this.from, this.to] = [first, last];
    this.head.style.left = `${this.place(frame)}%`;
    this.loop.style.left = `${this.edge(first)}%`;
    this.loop.style.width = `${this.edge(last + 1) - this.edge(first)}%`;
    this.element.setAttribute("aria-valuenow", String(frame));
  }

  /** @param {Mark[]} marks */
  mark(marks) {
    this.marks.replaceChildren(
      ...marks.map(({ frame, last, title, kind }) => {
        const mark = document.createElement("button");
        mark.type = "button";
        mark.title = `${frame}: ${title}`;
        mark.className = kind;
        mark.style.left = `${this.place(frame)}%`;
        if (last > frame) mark.style.width = `calc(${this.edge(last) - this.edge(frame)}% + 9px)`;
        mark.tabIndex = -1; // the notes beside the picture are the keyboard's way
        mark.setAttribute("aria-hidden", "true");
        mark.addEventListener("pointerdown", (event) => event.stopPropagation());
        mark.addEventListener("click", () => this.goto(frame));
        return mark;
      }),
    );
  }
}
