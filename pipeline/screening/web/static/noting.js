// @ts-check
/** Notes and drawings in the player: shown where they belong, drawn with pens, kept, answered. */

import { COLOURS, WIDTHS } from "./draw.js";
import { letGo } from "./keys.js";
import { Remarks, holds } from "./remarks.js";
import { $, mode, page, playback, root, sketch, stage, timeline } from "./viewer.js";

/** @typedef {import("./remarks.js").Note} Note */

export const remarks = new Remarks($("notes"), page, { chosen, answer, changed: mark });
/** @type {Note | null} */
let looked = null; // the note that was chosen: its drawing is shown though it is done with
/** @type {Note | null} */
let answered = null;
let hidden = false; // the drawings of notes

/** Which version a note is about: the one that is seen. */
const subject = () => (stage.mode === "b" && playback.b ? playback.b : playback.a)?.media.version ?? 0;
const draws = () => $("draw").getAttribute("aria-pressed") === "true";

/** @param {Note} note */
function chosen(note) {
  looked = note;
  const [a, b] = [playback.a?.media.version, playback.b?.media.version];
  if (stage.mode === "a" && note.version === b && note.version !== a) mode("b");
  if (stage.mode === "b" && note.version === a && note.version !== b) mode("a");
  playback.goto(note.frame);
}

/** The drawings of the frame that is shown, each on the side of its version; none while it plays. */
function stand() {
  const frame = playback.frame;
  if (looked && !holds(looked, frame)) looked = null;
  if (answered && answered.frame !== frame) answered = null; // an answer lies on the frame of what it answers
  const of = (/** @type {number | undefined} */ version) =>
    hidden || playback.speed || version === undefined
      ? []
      : remarks.notes
          .filter((note) => note.version === version && note.frame === frame && (!note.resolved || note.id === looked?.id))
          .flatMap((note) => note.drawing?.strokes ?? []);
  sketch.stand(frame, { a: of(playback.a?.media.version), b: of(playback.b?.media.version) });
  remarks.stand(frame);
  const version = subject();
  $("note-about").textContent = version ? `v${String(version).padStart(3, "0")}, frame ${frame}${answered ? `: an answer to ${answered.author}` : ""}` : "";
}

function mark() {
  /** @type {import("./timeline.js").Mark[]} */
  const marks = [];
  for (const { frame, last, text, resolved, answers } of remarks.notes) {
    if (answers === null) marks.push({ frame, last, title: text, kind: resolved ? "resolved" : "note" });
  }
  for (const frame of sketch.drafts.keys()) marks.push({ frame, last: frame, title: "drawn, not saved", kind: "draft" });
  timeline.mark(marks);
  stand();
}

/** @param {1 | -1} way */
export function another(way) {
  const note = remarks.next(playback.frame, way);
  if (note) chosen(note);
}

/** @param {boolean} on */
export function drawing(on) {
  if (on) playback.stop();
  sketch.use(on);
  $("draw").setAttribute("aria-pressed", String(on));
}

/** @param {import("./draw.js").Tool} tool */
export function take(tool) {
  sketch.tool = tool;
  for (const name of ["pen", "arrow", "eraser"]) $(`tool-${name}`).setAttribute("aria-pressed", String(name === tool));
  drawing(true);
}

export function toggleDrawing() {
  drawing(!draws());
}

export function hideDrawings() {
  hidden = !hidden;
  $("drawings").setAttribute("aria-pressed", String(!hidden));
  stand();
}

/** @param {Note | null} note */
function answer(note) {
  answered = note;
  if (note) {
    chosen(note);
    $("note-text").focus();
  }
  stand();
}

/** Leave what is begun: an answer first, then the pen. */
export function leave() {
  if (answered) answer(null);
  else drawing(false);
}

export async function save() {
  const text = $("note-text").value.trim();
  const { frame } = playback;
  if (!text && !sketch.drawing) {
    $("note-said").textContent = "Write or draw something first.";
    return;
  }
  const { first, last } = playback;
  const ranged = $("note-range").checked;
  $("note-save").disabled = true;
  const wrong = await remarks.write({
    version: answered?.version ?? subject(),
    frame: answered?.frame ?? (ranged && !sketch.drawing ? first : frame),
    last: answered ? undefined : ranged ? Math.max(last, frame) : undefined,
    text,
    drawing: sketch.drawing,
    answers: answered?.id,
  });
  $("note-save").disabled = false;
  $("note-said").textContent = wrong || "Kept.";
  if (wrong) return;
  $("note-text").value = "";
  $("note-range").checked = false;
  answered = null;
  sketch.kept(frame);
  drawing(false);
}

function drawn() {
  $("undo").disabled = !sketch.history.done.length;
  $("redo").disabled = !sketch.history.undone.length;
  $("clear").disabled = !sketch.strokes.length;
  const told = [...sketch.drafts.keys()].sort().join();
  if (told === $("undo").dataset.drafts) return;
  $("undo").dataset.drafts = told;
  mark();
}

root.addEventListener("stands", stand);
root.addEventListener("drawn", drawn);
root.addEventListener("chosen", () => {
  const versions = [...new Set(playback.sources.map((source) => source.media.version))];
  if (versions.join() !== remarks.versions.join()) remarks.read(versions);
});
$("note-text").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Enter" && event.ctrlKey) save();
});
$("note-text").addEventListener("focus", () => playback.speed && playback.stop());

for (const [name, colour] of Object.entries(COLOURS)) {
  const swatch = document.createElement("button");
  Object.assign(swatch, { type: "button", className: "swatch", title: name });
  swatch.setAttribute("aria-label", `draw in ${name}`);
  swatch.style.background = colour;
  swatch.setAttribute("aria-pressed", String(colour === sketch.colour));
  swatch.addEventListener("click", () => {
    sketch.colour = colour;
    for (const other of $("swatches").children) other.setAttribute("aria-pressed", String(other === swatch));
    take(sketch.tool === "eraser" ? "pen" : sketch.tool);
    letGo(swatch);
  });
  $("swatches").append(swatch);
}
$("pen").addEventListener("change", () => {
  sketch.width = WIDTHS[Number($("pen").value)];
  take(sketch.tool === "eraser" ? "pen" : sketch.tool);
  letGo($("pen"));
});
