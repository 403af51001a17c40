// @ts-check
/** Strokes as geometry: smooth lines, arrows, and which stroke a point lies on. */

/**
 * @typedef {[number, number]} Point  shares of the picture's width and height
 * @typedef {{colour: string, width: number, points: Point[]}} Stroke  width: of the picture's width
 * @typedef {import("./screen.js").Box} Box
 */

const BARB = 0.45; // radians between an arrow's shaft and its barbs

/**
 * An arrow as one stroke: its corners are points told twice, where the smoothed line below turns sharply.
 * @param {Point} from @param {Point} to @param {number} width  of the pen @param {number} shape  width over height
 * @returns {Point[]}
 */
export function arrow(from, to, width, shape) {
  const [dx, dy] = [to[0] - from[0], (to[1] - from[1]) / shape];
  const long = Math.hypot(dx, dy);
  if (!long) return [from];
  const barb = Math.min(Math.max(0.02, 5 * width), long);
  const way = Math.atan2(dy, dx);
  const tip = (/** @type {number} */ turn) =>
    /** @type {Point} */ ([to[0] - barb * Math.cos(way + turn), to[1] - barb * Math.sin(way + turn) * shape].map(rounded));
  const [left, right] = [tip(BARB), tip(-BARB)];
  return [from, to, to, left, left, to, to, right];
}

/** @param {number} share */
export function rounded(share) {
  return Math.round(share * 1e5) / 1e5;
}

/**
 * Whether a point lies on a stroke, or as near as `reach`, a share of the picture's width.
 * @param {Stroke} stroke @param {Point} at @param {number} reach @param {number} shape
 */
export function touches(stroke, at, reach, shape) {
  const flat = (/** @type {Point} */ [x, y]) => [x - at[0], (y - at[1]) / shape]; // the point in the middle, both sides in widths
  const points = stroke.points.map(flat);
  const near = reach + stroke.width / 2;
  return points.some(([x, y], i) => {
    const [u, v] = points[Math.max(0, i - 1)];
    const [dx, dy] = [x - u, y - v];
    const along = dx || dy ? Math.min(Math.max(-(u * dx + v * dy) / (dx * dx + dy * dy), 0), 1) : 0;
    return Math.hypot(u + along * dx, v + along * dy) <= near;
  });
}

/** @param {CanvasRenderingContext2D} context @param {Stroke} stroke @param {Box} box */
export function line(context, stroke, box) {
  const points = stroke.points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = Math.max(1, stroke.width * box.width);
  context.strokeStyle = stroke.colour;
  context.beginPath();
  context.moveTo(points[0][0], points[0][1]);
  if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]);
  for (let i = 1; i < points.length; i++) {
    // Through the middles of the way, bent towards the points: no corners where the hand made none.
    const [x, y] = points[i - 1];
    context.quadraticCurveTo(x, y, (x + points[i][0]) / 2, (y + points[i][1]) / 2);
  }
  const last = points[points.length - 1];
  context.lineTo(last[0], last[1]);
  context.stroke();
}
