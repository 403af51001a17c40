// @ts-check
/** Frames and time: integer frames, rational rates, and nothing between them. */

/**
 * @typedef {object} Rate  frames per second as a ratio: 24000/1001, never 23.976
 * @property {number} numerator
 * @property {number} denominator
 */

/**
 * Where to seek so that the frame with this index is shown: its middle, since its edge may round to the one before.
 * @param {number} index @param {Rate} rate @returns {number} seconds
 */
export function seekTime(index, rate) {
  return ((2 * index + 1) * rate.denominator) / (2 * rate.numerator);
}

/**
 * The index of the frame that is presented at a time of the movie.
 * @param {number} seconds @param {Rate} rate @returns {number}
 */
export function indexAt(seconds, rate) {
  return Math.round((seconds * rate.numerator) / rate.denominator);
}

/** @param {Rate} rate @returns {number} frames per second, for timers alone */
export function perSecond(rate) {
  return rate.numerator / rate.denominator;
}

/**
 * The timecode so many frames after `start`, with dropped numbers where `start` has a ";". "" stays "".
 * Source: SMPTE ST 12-1 (drop frame counting).
 * @param {string} start @param {number} frames @param {Rate} rate @returns {string}
 */
export function timecodeAt(start, frames, rate) {
  const match = /^(\d{1,2}):(\d{1,2}):(\d{1,2})([:;.,])(\d{1,3})$/.exec(start.trim());
  if (!match) return "";
  const [hours, minutes, seconds, frame] = [match[1], match[2], match[3], match[5]].map(Number);
  const drop = match[4] === ";" || match[4] === ",";
  const base = Math.max(1, Math.round(perSecond(rate)));
  const dropped = drop ? Math.floor(base / 15) : 0;
  const minute = base * 60 - dropped;
  const tenMinutes = base * 600 - dropped * 9;
  const all = hours * 60 + minutes;
  let count = (all * 60 + seconds) * base + frame - dropped * (all - Math.floor(all / 10)) + frames;
  const day = tenMinutes * 6 * 24;
  count = ((count % day) + day) % day;
  const tens = Math.floor(count / tenMinutes);
  const rest = count % tenMinutes;
  count += dropped * 9 * tens + (rest >= dropped ? dropped * Math.floor((rest - dropped) / minute) : 0);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const whole = Math.floor(count / base);
  const hour = Math.floor(whole / 3600);
  return `${two(hour)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${drop ? ";" : ":"}${two(count % base)}`;
}

/** @param {string} text "24000/1001" or "24" @returns {Rate} */
export function parseRate(text) {
  const [numerator, denominator] = text.split("/").map(Number);
  return { numerator, denominator: denominator || 1 };
}
