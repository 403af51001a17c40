// @ts-check
/** The plots of a shot: one frame is read in all of them, and opened in the player by a click or Enter. */

const NS = "http://www.w3.org/2000/svg";
const plots = [.../** @type {NodeListOf<SVGSVGElement>} */ (document.querySelectorAll(".figures svg[data-first]"))].map((svg) => {
  const figure = /** @type {HTMLElement} */ (svg.closest("figure"));
  const { first, last, left, right } = svg.dataset;
  const [width, height] = [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height];
  const cursor = document.createElementNS(NS, "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("y1", "16");
  cursor.setAttribute("y2", String(height - 16));
  svg.append(cursor);
  /** @type {Map<number, SVGAElement>} */
  const links = new Map();
  for (const link of /** @type {NodeListOf<SVGAElement>} */ (svg.querySelectorAll("a"))) links.set(Number(link.dataset.frame), link);
  return {
    svg,
    cursor,
    links,
    said: /** @type {HTMLElement} */ (figure.querySelector("output")),
    title: figure.querySelector("figcaption")?.firstChild?.textContent?.trim() ?? "",
    first: Number(first),
    last: Number(last),
    left: Number(left) * width,
    right: Number(right) * width,
  };
});
/** @typedef {typeof plots[number]} Plot */

/** What a plot tells of a frame, "" where it has none. @param {Plot} plot @param {number} frame */
const told = (plot, frame) => plot.links.get(frame)?.querySelector("title")?.textContent ?? "";

/** Read a frame in every plot; null: in none. @param {number | null} frame */
function read(frame) {
  for (const plot of plots) {
    const there = frame !== null && frame >= plot.first && frame <= plot.last;
    plot.cursor.classList.toggle("there", there);
    plot.said.textContent = there ? told(plot, frame) : "";
    if (!there) continue;
    const share = (frame - plot.first) / Math.max(1, plot.last - plot.first);
    const x = String(plot.left + share * (plot.right - plot.left));
    plot.cursor.setAttribute("x1", x);
    plot.cursor.setAttribute("x2", x);
    plot.svg.setAttribute("aria-valuenow", String(frame));
    plot.svg.setAttribute("aria-valuetext", plot.said.textContent || String(frame));
  }
}

/** @param {Plot} plot @param {MouseEvent} event */
function under(plot, event) {
  const box = plot.svg.getBoundingClientRect();
  const at = ((event.clientX - box.left) / box.width) * plot.svg.viewBox.baseVal.width;
  const share = (at - plot.left) / (plot.right - plot.left);
  return Math.round(plot.first + Math.min(Math.max(share, 0), 1) * (plot.last - plot.first));
}

/** @param {number} frame */
function open(frame) {
  const root = document.getElementById("shot");
  location.assign(`/shots/${root?.dataset.shot}/play?version=${root?.dataset.version}&frame=${frame}`);
}

for (const plot of plots) {
  const { svg } = plot;
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "slider");
  svg.setAttribute("aria-label", `${plot.title}, by frame`);
  svg.setAttribute("aria-valuemin", String(plot.first));
  svg.setAttribute("aria-valuemax", String(plot.last));
  svg.setAttribute("aria-valuenow", String(plot.first));
  svg.addEventListener("pointermove", (event) => read(under(plot, event)));
  svg.addEventListener("pointerleave", () => read(null));
  svg.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a")) return; // its link does it, in a new tab too
    open(under(plot, event));
  });
  svg.addEventListener("keydown", (event) => {
    const now = Number(svg.getAttribute("aria-valuenow"));
    const way = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 }[event.key];
    if (event.key === "Enter") open(now);
    else if (way) read(Math.min(Math.max(now + way, plot.first), plot.last));
    else return;
    event.preventDefault();
  });
  svg.addEventListener("blur", () => read(null));
}
