// @ts-check
/** Which frame is shown: steps, seeks, play in both directions, a loop between two frames; A and B always on the same frame. */

import { perSecond, seekTime } from "./frames.js";
import { pause } from "./source.js";

/** @typedef {import("./source.js").Source} Source */

const SPEEDS = [1, 2, 4];
const APART = 2; // frames that B may lag before it is brought back
const BACK_MS = 500;

export class Playback {
  /** @param {(frame: number) => void} present  draw this frame, now */
  constructor(present) {
    this.present = present;
    /** @type {Source | null} */
    this.a = null;
    /** @type {Source | null} */
    this.b = null;
    this.frame = 0; // on the screen
    this.aim = 0; // the frame that it is on its way to, else the one on the screen
    this.speed = 0; // 0: stands; below 0: backwards
    this.loop = true;
    this.first = 0; // of the loop
    this.last = 0;
    /** @type {number | null} */
    this.wanted = null;
    this.seeking = false;
    this.run = 0; // grows with every start and stop: what an older run awaits is void
    this.turning = false;
    this.broughtBack = 0;
  }

  /** @param {Source} a @param {Source | null} b */
  compare(a, b) {
    this.stop();
    [this.a, this.b] = [a, b];
    this.first = Math.min(Math.max(this.first || a.media.first, a.media.first), a.media.last);
    this.last = Math.min(Math.max(this.last || a.media.last, this.first), a.media.last);
    this.goto(this.frame || a.media.first);
  }

  /** @param {number} first @param {number} last */
  between(first, last) {
    if (first <= last) [this.first, this.last] = [first, last];
  }

  get sources() {
    return /** @type {Source[]} */ ([this.a, this.b].filter(Boolean));
  }

  /** Have a frame on the screen as soon as may be; of several wishes the last one counts. @param {number} frame */
  goto(frame) {
    if (!this.a) return;
    this.halt();
    this.wanted = this.aim = Math.min(Math.max(frame, this.a.media.first), this.a.media.last);
    if (!this.seeking) this.seek();
  }

  async seek() {
    this.seeking = true;
    while (this.wanted !== null) {
      const frame = this.wanted;
      this.wanted = null;
      await Promise.all(this.sources.map((source) => source.show(frame)));
      this.put(frame);
    }
    this.seeking = false;
  }

  /** @param {number} frames */
  step(frames) {
    this.goto(this.aim + frames);
  }

  /** Stand still on the frame that is shown. */
  stop() {
    if (this.a) this.goto(this.speed ? this.frame : this.aim);
  }

  halt() {
    this.speed = 0;
    this.run += 1;
    this.turning = false;
    for (const source of this.sources) source.pause();
  }

  toggle() {
    if (this.speed) this.stop();
    else this.play(1);
  }

  /** J and L: start, and faster each time. @param {1 | -1} way */
  shuttle(way) {
    const now = this.speed * way > 0 ? Math.abs(this.speed) : 0;
    this.play(way * (SPEEDS.find((speed) => speed > now) ?? now));
  }

  /** @param {number} speed */
  async play(speed) {
    if (!this.a) return;
    const frame = this.speed ? this.frame : this.aim;
    this.halt();
    this.wanted = null;
    this.speed = speed;
    const run = this.run;
    while (this.seeking) await pause(2);
    const outside = frame < this.first || frame > this.last;
    const ended = speed > 0 ? frame >= this.last : frame <= this.first;
    const from = outside || ended ? (speed > 0 ? this.first : this.last) : frame;
    await this.ready(from);
    if (run !== this.run) return;
    this.put(from);
    if (speed > 0 && this.sources.every((source) => source.video)) this.forwards();
    else this.byTimer(run, from);
  }

  /** @param {number} frame */
  ready(frame) {
    return Promise.all(this.sources.map((source) => source.show(frame)));
  }

  forwards() {
    for (const source of this.sources) {
      const { video, media } = source;
      const index = this.frame - media.first;
      if (!video || !source.holds(this.frame)) continue;
      if (source.latest !== this.frame) video.currentTime = seekTime(index, media.rate); // its picture was kept
      const rate = /** @type {Source} */ (this.a).media.rate;
      source.play((this.speed * perSecond(rate)) / perSecond(media.rate));
    }
  }

  /** A picture came: show the newest frame that both have. @param {Source} source */
  arrived(source) {
    const { a, b } = this;
    if (!a || this.speed <= 0 || this.turning || !a.video) return;
    const both = b?.video && b.holds(a.latest) && !b.ended ? b : null;
    const newest = Math.min(a.latest, both ? both.latest : a.latest, this.last);
    for (let frame = newest; frame > this.frame && frame > newest - 6; frame--) {
      if (a.kept.has(frame) && (!both || both.kept.has(frame))) {
        this.put(frame);
        break;
      }
    }
    if (this.frame >= this.last || a.latest > this.last || a.ended) this.turn();
    else if (both && source === a) this.bringBack(a, both);
  }

  /** @param {Source} a @param {Source} b */
  bringBack(a, b) {
    const now = performance.now();
    if (Math.abs(a.latest - b.latest) <= APART || now - this.broughtBack < BACK_MS || !b.video || !a.video) return;
    this.broughtBack = now;
    b.video.currentTime = Math.max(0, a.video.currentTime + (a.media.first - b.media.first) / perSecond(a.media.rate));
  }

  /** The end of the loop: its last frame is shown, always, and then its first. */
  async turn() {
    this.turning = true;
    const run = this.run;
    for (const source of this.sources) source.pause();
    if (this.frame < this.last) {
      await this.ready(this.last);
      if (run !== this.run) return;
      this.put(this.last);
    }
    const { rate } = /** @type {Source} */ (this.a).media;
    await pause(1000 / perSecond(rate) / this.speed);
    if (run !== this.run) return;
    if (!this.loop) {
      this.halt();
      this.put(this.frame);
      return;
    }
    await this.ready(this.first);
    if (run !== this.run) return;
    this.put(this.first);
    this.turning = false;
    this.forwards();
  }

  /** Backwards, and from stills: each frame is sought; where that takes too long, frames are passed over, time is not. */
  async byTimer(/** @type {number} */ run, /** @type {number} */ from) {
    const { rate } = /** @type {Source} */ (this.a).media;
    const began = performance.now();
    const count = this.last - this.first + 1;
    while (run === this.run) {
      const passed = Math.floor(((performance.now() - began) / 1000) * perSecond(rate) * Math.abs(this.speed));
      const way = from - this.first + Math.sign(this.speed) * passed;
      if (!this.loop && (way < 0 || way >= count)) {
        this.goto(way < 0 ? this.first : this.last);
        return;
      }
      const frame = this.first + (((way % count) + count) % count);
      // Even when the next picture is due and at hand: a turn for the keys, or a screen slower than the rate never hears "stop".
      await pause(3);
      if (frame === this.frame || run !== this.run) continue;
      await this.ready(frame);
      if (run === this.run) this.put(frame);
    }
  }

  /** @param {number} frame */
  put(frame) {
    this.frame = frame;
    if (this.wanted === null) this.aim = frame;
    this.present(frame);
  }
}
