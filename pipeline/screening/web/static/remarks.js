// @ts-check
/** Notes beside the picture: read, jump to their frames, write with a drawing. */

/**
 * @typedef {import("./draw.js").Drawing} Drawing
 * @typedef {{id: number, version: number, frame: number, author: string, text: string, created: string,
 *   drawing: Drawing | null, resolved: boolean}} Note
 */

export class Remarks {
  /**
   * @param {HTMLElement} list @param {{shot: string, csrf: string}} page
   * @param {(note: Note) => void} chosen @param {(notes: Note[]) => void} changed
   */
  constructor(list, page, chosen, changed) {
    this.list = list;
    this.page = page;
    this.chosen = chosen;
    this.changed = changed;
    /** @type {Note[]} */
    this.notes = [];
    this.version = 0;
  }

  /** @param {number} version */
  async read(version) {
    this.version = version;
    const query = new URLSearchParams({ shot: this.page.shot, version: String(version) });
    try {
      const answer = await fetch(`/api/notes?${query}`);
      if (!answer.ok) return;
      const told = await answer.json();
      const notes = /** @type {any[]} */ (Array.isArray(told) ? told : told.notes);
      this.notes = notes.filter((note) => note.frame !== null).map(plain).sort((a, b) => a.frame - b.frame);
    } catch {
      return; // the server is away: what is known stays
    }
    this.draw();
    this.changed(this.notes);
  }

  /**
   * @param {number} frame @param {string} text @param {Drawing | null} drawing
   * @returns {Promise<string>} what went wrong, "" when nothing did
   */
  async write(frame, text, drawing) {
    const body = { shot: this.page.shot, version: this.version, frame, text, drawing };
    try {
      const answer = await fetch("/api/notes", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF": this.page.csrf },
        body: JSON.stringify(body),
      });
      if (!answer.ok) {
        const told = await answer.json().catch(() => ({}));
        return typeof told.detail === "string" ? told.detail : `The note was not kept: the server answered ${answer.status}.`;
      }
    } catch {
      return "The note was not kept: the server does not answer. Try again.";
    }
    await this.read(this.version);
    return "";
  }

  draw() {
    this.list.replaceChildren(...this.notes.map((note) => this.item(note)));
    this.list.classList.toggle("empty", !this.notes.length);
  }

  /** @param {Note} note */
  item(note) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = note.resolved ? "note resolved" : "note";
    for (const [kind, text] of [
      ["frame", String(note.frame)],
      ["author", note.author],
      ["drawn", note.drawing ? "drawing" : ""],
      ["text", note.text],
    ]) {
      if (!text) continue;
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = text;
      button.append(part);
    }
    button.addEventListener("click", () => this.chosen(note));
    item.append(button);
    return item;
  }

  /** The note before or after a frame. @param {number} frame @param {1 | -1} way */
  next(frame, way) {
    const there = this.notes.filter((note) => (note.frame - frame) * way > 0);
    return way > 0 ? there[0] : there[there.length - 1];
  }
}

/** @param {any} told @returns {Note} */
function plain(told) {
  const drawing = typeof told.drawing === "string" ? JSON.parse(told.drawing || "null") : told.drawing;
  return {
    id: told.id,
    version: told.version,
    frame: told.frame,
    author: String(told.author ?? ""),
    text: String(told.text ?? ""),
    created: String(told.created ?? ""),
    drawing: drawing?.strokes?.length ? drawing : null,
    resolved: Boolean(told.resolved ?? told.resolved_at),
  };
}
