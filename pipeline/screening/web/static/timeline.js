// @ts-check
/** The time line: where the frame lies, the loop, and a mark where a note is. */

/**
 * @typedef {{frame: number, title: string, resolved: boolean}} Mark
 */

export class Timeline {
  /** @param {HTMLElement} element @param {(frame: number) => void} goto */
  constructor(element, goto) {
    this.element = element;
    this.goto = goto;
    this.first = 0;
    this.last = 0;
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
    const scrub = (/** @type {PointerEvent} */ event) => {
      if (!(event.buttons & 1)) return;
      element.setPointerCapture(event.pointerId);
      const box = element.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999999);
      this.goto(this.first + Math.floor(share * (this.last - this.first + 1)));
    };
    element.addEventListener("pointerdown", scrub);
    element.addEventListener("pointermove", scrub);
  }

  /** @param {number} frame @returns {number} where its middle lies, percent */
  place(frame) {
    return (100 * (frame - this.first + 0.5)) / (this.last - this.first + 1);
  }

  /** @param {number} first @param {number} last */
  span(first, last) {
    [this.first, this.last] = [first, last];
    const count = last - first + 1;
    const every = [1, 2, 5, 10, 20, 25, 50, 100, 250, 500, 1000, 5000].find((n) => count / n <= 14) ?? 10000;
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
    this.head.style.left = `${this.place(frame)}%`;
    const half = 50 / (this.last - this.first + 1);
    this.loop.style.left = `${this.place(first) - half}%`;
    this.loop.style.width = `${this.place(last) - this.place(first) + 2 * half}%`;
    this.element.setAttribute("aria-valuenow", String(frame));
  }

  /** @param {Mark[]} marks */
  mark(marks) {
    this.marks.replaceChildren(
      ...marks.map(({ frame, title, resolved }) => {
        const mark = document.createElement("button");
        mark.type = "button";
        mark.title = `${frame}: ${title}`;
        mark.className = resolved ? "mark resolved" : "mark";
        mark.style.left = `${this.place(frame)}%`;
        mark.tabIndex = -1;
        mark.addEventListener("pointerdown", (event) => event.stopPropagation());
        mark.addEventListener("click", () => this.goto(frame));
        return mark;
      }),
    );
  }
}
