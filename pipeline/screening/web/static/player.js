// @ts-check
/** The player's page: its notes, its buttons, its keys. */

import { COLOURS, WIDTHS } from "./draw.js";
import { explain, listen } from "./keys.js";
import { Remarks } from "./remarks.js";
import { $, choose, exact, grade, label, look, mode, page, playback, root, say, settings, sketch, stage, timeline } from "./viewer.js";

const remarks = new Remarks($("notes"), page, chosen, marked);

// ---------------------------------------------------------------- notes

/** @param {import("./remarks.js").Note} note */
function chosen(note) {
  playback.goto(note.frame);
  look(note.frame, note.drawing);
}

/** @param {import("./remarks.js").Note[]} notes */
function marked(notes) {
  timeline.mark(notes.map((note) => ({ frame: note.frame, title: note.text, resolved: note.resolved })));
}

/** @param {1 | -1} way */
function another(way) {
  const note = remarks.next(playback.frame, way);
  if (note) chosen(note);
}

/** @param {boolean} on */
function drawing(on) {
  if (on) playback.stop();
  sketch.use(on);
  $("draw").setAttribute("aria-pressed", String(on));
}

async function save() {
  const text = $("note-text").value.trim();
  if (!text && !sketch.drawing) {
    $("note-said").textContent = "Write or draw something first.";
    return;
  }
  $("note-save").disabled = true;
  const wrong = await remarks.write(playback.frame, text, sketch.drawing);
  $("note-save").disabled = false;
  $("note-said").textContent = wrong || "Kept.";
  if (wrong) return;
  $("note-text").value = "";
  sketch.clear();
  drawing(false);
}

// ---------------------------------------------------------------- hands and keys

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else root.requestFullscreen().catch(() => say("This browser does not let the page fill the screen."));
}

const keys = [
  { keys: [" "], shown: "Space", says: "play, stand still", does: () => playback.toggle() },
  { keys: ["j"], shown: "J", says: "backwards, faster each time", does: () => playback.shuttle(-1) },
  { keys: ["k"], shown: "K", says: "stand still", does: () => playback.stop() },
  { keys: ["l"], shown: "L", says: "forwards, faster each time", does: () => playback.shuttle(1) },
  { keys: ["ArrowLeft"], shown: "←", says: "one frame back", does: () => playback.step(-1) },
  { keys: ["ArrowRight"], shown: "→", says: "one frame on", does: () => playback.step(1) },
  { keys: ["Shift+ArrowLeft"], shown: "Shift ←", says: "ten frames back", does: () => playback.step(-10) },
  { keys: ["Shift+ArrowRight"], shown: "Shift →", says: "ten frames on", does: () => playback.step(10) },
  { keys: ["Home"], shown: "Home", says: "first frame", does: () => playback.goto(0) },
  { keys: ["End"], shown: "End", says: "last frame", does: () => playback.goto(1e9) },
  { keys: ["g"], shown: "G", says: "go to a frame by number", does: () => $("frame").select() },
  { keys: ["i"], shown: "I", says: "the loop begins here", does: () => loop(playback.frame, Math.max(playback.last, playback.frame)) },
  { keys: ["o"], shown: "O", says: "the loop ends here", does: () => loop(Math.min(playback.first, playback.frame), playback.frame) },
  { keys: ["p"], shown: "P", says: "loop the whole shot", does: () => loop(0, 1e9) },
  { keys: ["1"], shown: "1", says: "A", does: () => mode("a") },
  { keys: ["2"], shown: "2", says: "B", does: () => mode("b") },
  { keys: ["3"], shown: "3", says: "wipe between A and B", does: () => mode("wipe") },
  { keys: ["4"], shown: "4", says: "difference of A and B", does: () => mode("difference") },
  { keys: ["t"], shown: "T", says: "toggle A and B", does: () => mode(stage.mode === "b" ? "a" : "b") },
  { keys: ["v"], shown: "V", says: "next view", does: nextView },
  { keys: ["["], shown: "[", says: "exposure down a quarter stop", does: () => grade("exposure", stage.exposure - 0.25) },
  { keys: ["]"], shown: "]", says: "exposure up a quarter stop", does: () => grade("exposure", stage.exposure + 0.25) },
  { keys: [";"], shown: ";", says: "gamma down", does: () => grade("gamma", stage.gamma - 0.1) },
  { keys: ["'"], shown: "'", says: "gamma up", does: () => grade("gamma", stage.gamma + 0.1) },
  { keys: ["r"], shown: "R", says: "exposure and gamma as made", does: asMade },
  { keys: ["x"], shown: "X", says: "the EXR itself, when standing still", does: () => exact(!settings.exact) },
  { keys: ["+", "="], shown: "+", says: "zoom in (or the wheel)", does: () => stage.magnify(Math.SQRT2) },
  { keys: ["-"], shown: "−", says: "zoom out", does: () => stage.magnify(Math.SQRT1_2) },
  { keys: ["h", "0"], shown: "H", says: "whole picture (or double click)", does: () => stage.home() },
  { keys: ["f"], shown: "F", says: "full screen", does: full },
  { keys: ["u"], shown: "U", says: "burn-in", does: () => root.classList.toggle("no-burn-in") },
  { keys: ["d"], shown: "D", says: "draw", does: () => drawing(!sketch.active) },
  { keys: ["Ctrl+z"], shown: "Ctrl Z", says: "take the last stroke back", does: () => sketch.undo() },
  { keys: ["n"], shown: "N", says: "write a note", does: () => { playback.stop(); $("note-text").focus(); } },
  { keys: [","], shown: ",", says: "note before", does: () => another(-1) },
  { keys: ["."], shown: ".", says: "next note", does: () => another(1) },
  { keys: ["?"], shown: "?", says: "these keys", does: () => ($("help").open ? $("help").close() : $("help").showModal()) },
  { keys: ["Escape"], shown: "Esc", says: "leave drawing or a field", does: leave },
];

listen(keys, () => Boolean(document.activeElement?.matches("input[type=text], textarea, select")) || $("help").open);
explain($("help-keys"), keys);

function leave() {
  drawing(false);
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

/** @param {number} first @param {number} last */
function loop(first, last) {
  if (!playback.a) return;
  playback.between(Math.max(first, playback.a.media.first), Math.min(last, playback.a.media.last));
  label();
}

function nextView() {
  const choice = $(stage.mode === "b" ? "b-view" : "a-view");
  choice.selectedIndex = (choice.selectedIndex + 1) % choice.options.length;
  choose();
}

function asMade() {
  grade("exposure", 0);
  grade("gamma", 1);
}

/** @param {string} id @param {string} event @param {(event: any) => void} does */
const on = (id, event, does) => $(id).addEventListener(event, does);
/** @param {string} id @param {() => void} does  a button; the keys stay with the page after it */
const press = (id, does) => on(id, "click", () => {
  does();
  $(id).blur();
});

for (const name of /** @type {const} */ (["a", "b", "wipe", "difference"])) press(`mode-${name}`, () => mode(name));
for (const id of ["a-version", "a-view", "b-version", "b-view"]) {
  on(id, "change", () => {
    $(id).blur();
    choose();
  });
}
for (const what of /** @type {const} */ (["exposure", "gamma"])) {
  on(what, "input", () => grade(what, Number($(what).value)));
  on(what, "change", () => $(what).blur());
}
press("as-made", asMade);
press("exact", () => exact(!settings.exact));
press("to-first", () => playback.goto(playback.first));
press("back", () => playback.step(-1));
press("play", () => playback.toggle());
press("on", () => playback.step(1));
press("to-last", () => playback.goto(playback.last));
press("loop-in", () => loop(playback.frame, Math.max(playback.last, playback.frame)));
press("loop-out", () => loop(Math.min(playback.first, playback.frame), playback.frame));
press("loop-all", () => loop(0, 1e9));
press("fit", () => stage.home());
press("full", full);
press("keys", () => $("help").showModal());
press("help-close", () => $("help").close());
press("draw", () => drawing(!sketch.active));
press("undo", () => sketch.undo());
press("clear", () => sketch.clear());
press("note-save", save);
press("notes-fold", () => root.classList.toggle("no-notes"));
on("frame", "keydown", (event) => {
  if (event.key !== "Enter") return;
  const frame = Number($("frame").value);
  $("frame").blur();
  if (Number.isInteger(frame)) playback.goto(frame);
  label();
});
on("note-text", "keydown", (event) => {
  if (event.key === "Enter" && event.ctrlKey) save();
});
on("note-text", "focus", () => playback.speed && playback.stop());
root.addEventListener("chosen", (event) => {
  const { version } = /** @type {CustomEvent} */ (event).detail;
  if (remarks.version !== version) remarks.read(version);
});

for (const colour of COLOURS) {
  const swatch = document.createElement("button");
  Object.assign(swatch, { type: "button", className: "swatch", title: `draw in ${colour}` });
  swatch.style.background = colour;
  swatch.setAttribute("aria-pressed", String(colour === sketch.colour));
  swatch.addEventListener("click", () => {
    sketch.colour = colour;
    for (const other of $("swatches").children) other.setAttribute("aria-pressed", String(other === swatch));
    drawing(true);
    swatch.blur();
  });
  $("swatches").append(swatch);
}
on("pen", "change", () => {
  sketch.width = WIDTHS[Number($("pen").value)];
  $("pen").blur();
  drawing(true);
});

// What the address asks for: ?version=2&view=comp&b=1&b_view=plate&mode=wipe&frame=1017
const asked = new URLSearchParams(location.search);
for (const [name, id] of [["version", "a-version"], ["b", "b-version"]]) if (asked.get(name)) $(id).value = asked.get(name);
for (const [name, id] of [["view", "a-view"], ["b_view", "b-view"]]) $(id).dataset.wanted = asked.get(name) ?? "";
playback.frame = Number(asked.get("frame")) || 0;
await choose();
const wanted = asked.get("mode");
if (wanted === "b" || wanted === "wipe" || wanted === "difference") mode(wanted);
