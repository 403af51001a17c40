// @ts-check
/**
 * The shot page's progress, told by the server while the shot renders.
 * @typedef {{name: string, state: string, done: number, total: number}} Stage
 * @typedef {{run: string, stages: Stage[], frame: number | null, versions: number[][]}} State
 */
const root = /** @type {HTMLElement} */ (document.getElementById("shot"));
const panel = /** @type {HTMLElement} */ (document.getElementById("live"));
const list = /** @type {HTMLElement} */ (panel.querySelector("ol"));
const heading = /** @type {HTMLElement} */ (panel.querySelector("h2"));
const seen = new Image(); // the newest frame of the comp that is being rendered
const caption = document.createElement("figcaption");
const figure = document.createElement("figure");
figure.className = "sheet";
figure.append(seen, caption);
let versions = "";

/** @param {Stage} stage */
function line(stage) {
  const item = document.createElement("li");
  item.dataset.state = stage.state;
  const name = document.createElement("span");
  name.textContent = stage.name.replaceAll("_", " ");
  const said = document.createElement("span");
  said.textContent = stage.state === "running" && stage.total ? `${stage.done} of ${stage.total}` : stage.state;
  item.append(name, said);
  if (stage.state === "running" && stage.total) {
    const bar = document.createElement("progress");
    bar.max = stage.total;
    bar.value = stage.done;
    item.append(bar);
  }
  return item;
}

/** A new version: the page offers it, and takes nothing away from who is looking. @param {number[][]} now */
function offer(now) {
  const told = JSON.stringify(now);
  const newest = now.at(-1);
  if (versions && told !== versions && newest && !document.getElementById("newer")) {
    const link = document.createElement("a");
    link.id = "newer";
    link.href = `${location.pathname}?version=${newest[0]}`;
    link.textContent = `v${String(newest[0]).padStart(3, "0")} is delivered: look at it`;
    panel.before(link);
  }
  versions = told;
}

/** The newest frame, when it is another than the one that is shown. @param {number | null} frame */
function show(frame) {
  if (frame === null) figure.remove();
  else if (seen.dataset.frame !== String(frame)) {
    seen.dataset.frame = String(frame);
    seen.alt = `frame ${frame}, as it was rendered`;
    seen.src = `/media/${root.dataset.shot}/rendering/${frame}.jpg`;
    caption.textContent = `frame ${frame}`;
    panel.append(figure);
  }
}

const source = new EventSource(`/api/shots/${root.dataset.shot}/live`);
source.addEventListener("message", (event) => {
  const state = /** @type {State} */ (JSON.parse(event.data));
  const stopped = state.stages.some((stage) => stage.state === "stopped");
  panel.hidden = !stopped && !state.stages.some((stage) => stage.state === "running");
  heading.textContent = stopped ? "The run stopped" : "Rendering";
  list.replaceChildren(...state.stages.filter((s) => s.state !== "waiting").slice(-6).map(line));
  show(state.frame);
  offer(state.versions);
});
