// @ts-check
/** What is shown and how: two sources compared, graded, labelled. */

import { Sketch } from "./draw.js";
import { parseRate, timecodeAt } from "./frames.js";
import { Playback } from "./playback.js";
import { Probe } from "./probe.js";
import { Source } from "./source.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";

/**
 * @typedef {import("./source.js").Media} Media
 * @typedef {import("./screen.js").Mode} Mode
 */

/** @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);
export const root = /** @type {HTMLElement} */ ($("player"));
export const page = { shot: root.dataset.shot ?? "", csrf: root.dataset.csrf ?? "", guest: root.dataset.guest === "true" };
const versions = /** @type {number[]} */ (JSON.parse(root.dataset.versions ?? "[]"));

export const stage = new Stage($("stage"));
export const playback = new Playback(present);
export const timeline = new Timeline($("timeline"), (frame) => playback.goto(frame), loop);
export const probe = new Probe(stage, $("probe"));
export const sketch = new Sketch(stage.over, () => stage, () => tell("drawn"));
export const settings = { exact: false, turn: 0 };
stage.redrawn = () => {
  sketch.draw();
  $("zoom").textContent = playback.a ? `${Math.round((100 * stage.zoom) / stage.actual)}%` : "";
};
stage.lost = () => {
  for (const source of playback.sources) source.forget();
  playback.goto(playback.frame);
};
/** @type {Map<number, Promise<Media>>} */
const known = new Map();

// ---------------------------------------------------------------- what is shown

/** @param {number} version @returns {Promise<Media>} */
function media(version) {
  const held = known.get(version);
  if (held) return held;
  const url = `/api/shots/${encodeURIComponent(page.shot)}/versions/${version}/media`;
  const made = fetch(url).then(async (answer) => {
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? `the server answered ${answer.status}`);
    const told = await answer.json();
    return { ...told, rate: parseRate(told.rate) };
  });
  made.catch(() => known.delete(version));
  known.set(version, made);
  return made;
}

/** @param {"a" | "b"} side @returns {Promise<Source | null>} */
async function source(side) {
  const version = Number($(`${side}-version`).value);
  if (!version) return null;
  const told = await media(version);
  const choice = $(`${side}-view`);
  const before = choice.value || choice.dataset.wanted || "comp";
  choice.replaceChildren(...told.views.map((view) => new Option(view.label, view.name)));
  const view = told.views.find((found) => found.name === before) ?? told.views[0];
  choice.value = view.name;
  const [old] = [side === "a" ? playback.a : playback.b];
  if (old && !old.closed && old.media.version === version && old.view.name === view.name) return old;
  return new Source(told, view, stage.screen, arrived);
}

export async function choose() {
  settings.turn += 1;
  const turn = settings.turn;
  say("");
  try {
    const [a, b] = await Promise.all([source("a"), source("b")]);
    const before = playback.sources;
    if (turn !== settings.turn || !a) {
      for (const made of [a, b]) if (made && !before.includes(made)) made.close();
      return;
    }
    playback.compare(a, b);
    for (const old of before) if (old !== a && old !== b) old.close();
    timeline.span(a.media.first, a.media.last);
    tell("chosen");
    if (!b && stage.mode !== "a") mode("a");
    proxies();
  } catch (error) {
    say(`This version cannot be shown: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {Source} source */
function arrived(source) {
  if (source !== playback.a && source !== playback.b) return;
  proxies();
  if (source.video && !source.kept.size && !playback.speed) playback.goto(playback.frame);
  else playback.arrived(source);
}

/** Draw a frame, and say which. @param {number} frame */
function present(frame) {
  stage.show(playback.a, playback.b, frame);
  tell("stands");
  label();
  stage.canvas.dataset.frame = String(frame);
  stage.canvas.dispatchEvent(new CustomEvent("presented", { detail: { frame } }));
  if (settings.exact && !playback.speed) exactly(frame);
  if (probe.on && !playback.speed) probe.look();
}

/** What the page around the picture listens to. @param {"chosen" | "stands" | "drawn"} what */
function tell(what) {
  root.dispatchEvent(new Event(what));
}

/** @param {number} frame */
async function exactly(frame) {
  const grade = { exposure: stage.mode === "difference" ? 0 : stage.exposure, gamma: stage.mode === "difference" ? 1 : stage.gamma };
  const [a, b] = [playback.a, playback.b];
  const asked = [stage.exposure, stage.gamma];
  const pictures = await Promise.all([a?.exactly(frame, grade), b?.exactly(frame, grade)]);
  if (asked.some((value, i) => value !== [stage.exposure, stage.gamma][i])) return; // a later grade is on its way
  if (frame !== playback.frame || playback.speed || a !== playback.a || b !== playback.b) return;
  stage.exact = { a: pictures[0] ?? null, b: pictures[1] ?? null };
  stage.again();
  $("exact").classList.add("there");
}

export function label() {
  const { a, b, frame } = playback;
  if (!a) return;
  const side = (/** @type {Source} */ { media, view }) => `${media.shot} v${String(media.version).padStart(3, "0")} ${view.label}`;
  const other = b && stage.mode !== "a" ? side(b) : "";
  $("burn-a").textContent = stage.mode === "b" && b ? other : side(a);
  $("burn-b").textContent = stage.mode === "b" ? "" : other;
  $("burn-frame").textContent = String(frame);
  $("burn-time").textContent = timecodeAt(a.media.timecode, frame - a.media.first, a.media.rate);
  if (document.activeElement !== $("frame")) $("frame").value = String(frame);
  $("play").classList.toggle("on", playback.speed !== 0);
  $("speed").textContent = playback.speed && playback.speed !== 1 ? `${playback.speed < 0 ? "−" : ""}${Math.abs(playback.speed)}×` : "";
  timeline.show(frame, playback.first, playback.last);
  $("exact").classList.remove("there");
}

function proxies() {
  const said = playback.sources.flatMap(({ proxy, view }) => {
    if (proxy.state === "ready") return proxy.message ? [`${view.label}: ${proxy.message}`] : [];
    if (proxy.state === "failed") return [`${view.label}: no movie (${proxy.message}); stills are shown`];
    return [`${view.label}: making its movie, ${proxy.done} of ${proxy.total || "…"}; stills until then`];
  });
  $("making").textContent = said.join("  ·  ");
}

/** @param {string} text */
export function say(text) {
  $("said").textContent = text;
}

// ---------------------------------------------------------------- how it is shown

/** @param {Mode} wanted */
export function mode(wanted) {
  if (wanted !== "a" && !playback.b) {
    const other = [...versions].reverse().find((version) => version !== Number($("a-version").value));
    $("b-version").value = String(other ?? $("a-version").value);
    $("b-view").dataset.wanted = other ? "comp" : "plate";
    choose().then(() => playback.b && mode(wanted));
    return;
  }
  stage.mode = wanted;
  for (const name of ["a", "b", "wipe", "difference"]) $(`mode-${name}`).setAttribute("aria-pressed", String(name === wanted));
  stage.again();
  regrade();
  label();
  tell("stands");
}

/** @param {number} first  of the frames that are played over and over @param {number} last */
export function loop(first, last) {
  if (!playback.a) return;
  playback.between(Math.max(first, playback.a.media.first), Math.min(last, playback.a.media.last));
  label();
}

/** @param {"exposure" | "gamma"} what @param {number} value */
export function grade(what, value) {
  const [least, most] = what === "exposure" ? [-8, 8] : [0.2, 5];
  stage[what] = Math.round(Math.min(Math.max(value, least), most) * 100) / 100;
  $(what).value = String(stage[what]);
  $(`${what}-says`).textContent = what === "exposure" ? `${stage.exposure > 0 ? "+" : ""}${stage.exposure.toFixed(1)}` : stage.gamma.toFixed(2);
  regrade();
}

function regrade() {
  stage.exact = null;
  const byServer = !stage.screen.graded && (stage.exposure !== 0 || stage.gamma !== 1);
  stage.again();
  if ((settings.exact || byServer) && !playback.speed) exactly(playback.frame);
}

/** @param {boolean} on */
export function exact(on) {
  settings.exact = on;
  $("exact").setAttribute("aria-pressed", String(on));
  regrade();
  label();
}
