// @ts-check
/** The player's page: its buttons, its keys, and what its address asks for. */

import { explain, letGo, listen } from "./keys.js";
import { another, hideDrawings, leave, save, take, toggleDrawing } from "./noting.js";
import { $, choose, exact, grade, label, loop, mode, playback, probe, root, say, settings, sketch, stage } from "./viewer.js";

// ---------------------------------------------------------------- hands and keys

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else root.requestFullscreen().catch(() => say("This browser does not let the page fill the screen."));
}

// In full screen the picture is alone while nobody moves.
let still = 0;
function moved() {
  root.classList.remove("idle");
  clearTimeout(still);
  still = setTimeout(() => root.classList.add("idle"), 2500);
}
for (const name of ["pointermove", "pointerdown", "keydown"]) root.addEventListener(name, moved);
document.addEventListener("fullscreenchange", () => {
  const on = Boolean(document.fullscreenElement);
  moved();
  $("full").setAttribute("aria-pressed", String(on));
  root.classList.toggle("no-notes", on);
  $("notes-fold").setAttribute("aria-expanded", String(!on));
});

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
  { keys: ["q"], shown: "Q", says: "values of the pixel under the pointer", does: probing },
  { keys: ["Ctrl+ArrowLeft"], shown: "Ctrl ←", says: "wipe to the left", does: () => stage.nudge(-0.02) },
  { keys: ["Ctrl+ArrowRight"], shown: "Ctrl →", says: "wipe to the right", does: () => stage.nudge(0.02) },
  { keys: ["+", "="], shown: "+", says: "zoom in (or the wheel)", does: () => stage.magnify(Math.SQRT2) },
  { keys: ["-"], shown: "−", says: "zoom out", does: () => stage.magnify(Math.SQRT1_2) },
  { keys: ["h", "0"], shown: "H", says: "whole picture (or double click)", does: () => stage.home() },
  { keys: ["z"], shown: "Z", says: "one pixel on one of the screen", does: () => stage.magnify(stage.actual / stage.zoom) },
  { keys: ["f"], shown: "F", says: "full screen", does: full },
  { keys: ["u"], shown: "U", says: "burn-in", does: () => root.classList.toggle("no-burn-in") },
  { keys: ["d"], shown: "D", says: "draw, or stop drawing", does: toggleDrawing },
  { keys: ["b"], shown: "B", says: "draw with the pen", does: () => take("pen") },
  { keys: ["a"], shown: "A", says: "draw arrows", does: () => take("arrow") },
  { keys: ["e"], shown: "E", says: "rub strokes out", does: () => take("eraser") },
  { keys: ["Ctrl+z"], shown: "Ctrl Z", says: "take back", does: () => sketch.undo() },
  { keys: ["Ctrl+Z", "Ctrl+y"], shown: "Ctrl Y", says: "do again", does: () => sketch.redo() },
  { keys: ["m"], shown: "M", says: "show or hide the drawings of notes", does: hideDrawings },
  { keys: ["n"], shown: "N", says: "write a note", does: () => { playback.stop(); $("note-text").focus(); } },
  { keys: [","], shown: ",", says: "note before", does: () => another(-1) },
  { keys: ["."], shown: ".", says: "next note", does: () => another(1) },
  { keys: ["?"], shown: "?", says: "these keys", does: () => ($("help").open ? $("help").close() : $("help").showModal()) },
  { keys: ["Escape"], shown: "Esc", says: "leave a field or drawing", does: escape },
];

listen(keys, () => $("help").open);
explain($("help-keys"), keys);

function escape() {
  leave();
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

function probing() {
  probe.use(!probe.on);
  $("probing").setAttribute("aria-pressed", String(probe.on));
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
/** @param {string} id @param {() => void} does  a button */
const press = (id, does) => on(id, "click", () => {
  does();
  letGo($(id));
});

for (const name of /** @type {const} */ (["a", "b", "wipe", "difference"])) press(`mode-${name}`, () => mode(name));
for (const id of ["a-version", "a-view", "b-version", "b-view"]) {
  on(id, "change", () => {
    letGo($(id));
    choose();
  });
}
for (const what of /** @type {const} */ (["exposure", "gamma"])) {
  on(what, "input", () => grade(what, Number($(what).value)));
  on(what, "change", () => letGo($(what)));
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
press("probing", probing);
press("draw", toggleDrawing);
for (const tool of /** @type {const} */ (["pen", "arrow", "eraser"])) press(`tool-${tool}`, () => take(tool));
press("drawings", hideDrawings);
press("undo", () => sketch.undo());
press("redo", () => sketch.redo());
press("clear", () => sketch.clear());
press("note-save", save);
press("notes-fold", () => $("notes-fold").setAttribute("aria-expanded", String(!root.classList.toggle("no-notes"))));
on("frame", "keydown", (event) => {
  if (event.key !== "Enter") return;
  const frame = Number($("frame").value);
  $("frame").blur();
  if (Number.isInteger(frame)) playback.goto(frame);
  label();
});

// What the address asks for: ?version=2&view=comp&b=1&b_view=plate&mode=wipe&frame=1017&in=1010&out=1020
const asked = new URLSearchParams(location.search);
for (const [name, id] of [["version", "a-version"], ["b", "b-version"]]) if (asked.get(name)) $(id).value = asked.get(name);
for (const [name, id] of [["view", "a-view"], ["b_view", "b-view"]]) $(id).dataset.wanted = asked.get(name) ?? "";
playback.frame = Number(asked.get("frame")) || 0;
await choose();
const wanted = asked.get("mode");
if (wanted === "b" || wanted === "wipe" || wanted === "difference") mode(wanted);
if (asked.get("in") || asked.get("out")) loop(Number(asked.get("in")) || 0, Number(asked.get("out")) || 1e9);
