// @ts-check
/** Notes beside the picture: read, jump to their frames, write with a drawing, answer, resolve. */

/**
 * @typedef {import("./draw.js").Drawing} Drawing
 * @typedef {{id: number, version: number, frame: number, last: number, author: string, text: string, created: string,
 *   drawing: Drawing | null, resolved: boolean, answers: number | null}} Note  last: frame of its range
 * @typedef {{version: number, frame: number, last?: number, text: string, drawing: Drawing | null, answers?: number}} Draft
 */

export class Remarks {
  /**
   * @param {HTMLElement} list @param {{shot: string, csrf: string, guest: boolean}} page
   * @param {{chosen: (note: Note) => void, answer: (note: Note) => void, changed: (notes: Note[]) => void}} told
   */
  constructor(list, page, told) {
    this.list = list;
    this.page = page;
    this.told = told;
    /** @type {Note[]} */
    this.notes = [];
    /** @type {number[]} */
    this.versions = [];
    this.frame = 0;
  }

  /** The notes of these versions, of A first. @param {number[]} versions */
  async read(versions) {
    this.versions = versions;
    const asked = versions.map(async (version) => {
      const query = new URLSearchParams({ shot: this.page.shot, version: String(version) });
      const answer = await fetch(`/api/notes?${query}`);
      if (!answer.ok) throw new Error(String(answer.status));
      return /** @type {any[]} */ (await answer.json());
    });
    try {
      const notes = (await Promise.all(asked)).flat().map(plain);
      if (versions !== this.versions) return; // others were asked for since
      this.notes = notes.sort((a, b) => a.frame - b.frame || (a.answers ?? a.id) - (b.answers ?? b.id) || a.id - b.id);
    } catch {
      return; // the server is away: what is known stays
    }
    this.draw();
    this.told.changed(this.notes);
  }

  /** @param {Draft} draft @returns {Promise<string>} what went wrong, "" when nothing did */
  write({ version, frame, last, text, drawing, answers }) {
    return this.send("/api/notes", {
      shot: this.page.shot,
      version,
      frame,
      frame_out: last ?? null,
      text,
      drawing,
      reply_to: answers ?? null,
    });
  }

  /** @param {Note} note */
  async resolve(note) {
    await this.send(`/api/notes/${note.id}/resolve`, { resolved: !note.resolved });
  }

  /** @param {string} url @param {object} body @returns {Promise<string>} */
  async send(url, body) {
    try {
      const answer = await fetch(url, {
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
    await this.read(this.versions);
    return "";
  }

  draw() {
    this.list.replaceChildren(...this.notes.map((note) => this.item(note)));
    this.list.classList.toggle("empty", !this.notes.length);
    this.stand(this.frame);
  }

  /** Mark the notes of the frame that is shown. @param {number} frame */
  stand(frame) {
    this.frame = frame;
    this.notes.forEach((note, i) => {
      const button = this.list.children[i].querySelector("button");
      if (holds(note, frame)) button?.setAttribute("aria-current", "true");
      else button?.removeAttribute("aria-current");
    });
  }

  /** @param {Note} note */
  item(note) {
    const item = document.createElement("li");
    item.classList.toggle("answer", note.answers !== null);
    const button = press("note", "", () => this.told.chosen(note));
    button.classList.toggle("resolved", note.resolved);
    const several = new Set(this.versions).size > 1;
    for (const [kind, text] of [
      ["frame", note.last > note.frame ? `${note.frame}–${note.last}` : String(note.frame)],
      ["author", `${note.author}${several ? ` · v${String(note.version).padStart(3, "0")}` : ""}`],
      ["drawn", [note.drawing ? "drawing" : "", note.resolved ? "✓ done" : ""].filter(Boolean).join(" · ")],
      ["text", note.text],
    ]) {
      if (!text) continue;
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = text;
      button.append(part);
    }
    item.append(button);
    if (this.page.guest) return item;
    const does = document.createElement("span");
    does.className = "note-does";
    if (note.answers === null) {
      does.append(press("slight", note.resolved ? "Open again" : "Done", () => this.resolve(note)));
      does.append(press("slight", "Answer", () => this.told.answer(note)));
    }
    item.append(does);
    return item;
  }

  /** The note before or after a frame. @param {number} frame @param {1 | -1} way */
  next(frame, way) {
    const there = this.notes.filter((note) => (note.frame - frame) * way > 0);
    return way > 0 ? there[0] : there[there.length - 1];
  }
}

/** @param {Note} note @param {number} frame */
export function holds(note, frame) {
  return note.frame <= frame && frame <= note.last;
}

/** @param {string} name @param {string} text @param {() => void} does */
function press(name, text, does) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: name, textContent: text });
  button.addEventListener("click", does);
  return button;
}

/** @param {any} told @returns {Note} */
function plain(told) {
  return {
    id: told.id,
    version: told.version,
    frame: told.frame,
    last: Math.max(told.frame, told.frame_out ?? told.frame),
    author: String(told.author ?? ""),
    text: String(told.text ?? ""),
    created: String(told.created ?? ""),
    drawing: told.drawing?.strokes?.length ? told.drawing : null,
    resolved: Boolean(told.resolved),
    answers: told.reply_to ?? null,
  };
}
