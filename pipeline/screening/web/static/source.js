// @ts-check
/** One view of one version as pictures by frame: from its proxy, or from stills while there is none. */

import { indexAt, seekTime } from "./frames.js";

/**
 * @typedef {import("./frames.js").Rate} Rate
 * @typedef {{name: string, label: string, graded: boolean}} View
 * @typedef {{shot: string, version: number, first: number, last: number, rate: Rate, timecode: string,
 *   width: number, height: number, pixels: [number, number], views: View[]}} Media  pixels: of a frame as it is stored
 * @typedef {{upload(held: any, pixels: any): any, release(held: any): void}} Screen
 * @typedef {{state: string, done: number, total: number, url: string, message: string}} Proxy
 */

const KEPT = 12; // pictures held ready around the one that is shown
const POLL_MS = 400;
const PATIENCE_MS = 4000; // for a seek

/** @param {Media} media @param {string} view @param {number} frame @param {string} form @param {object} [grade] */
export function stillUrl(media, view, frame, form, grade = {}) {
  const query = new URLSearchParams(Object.entries(grade).map(([k, v]) => [k, String(v)])).toString();
  const place = `/media/${encodeURIComponent(media.shot)}/v${String(media.version).padStart(3, "0")}`;
  return `${place}/${encodeURIComponent(view)}/${frame}.${form}${query ? `?${query}` : ""}`;
}

export class Source {
  /**
   * @param {Media} media @param {View} view @param {Screen} screen
   * @param {(source: Source) => void} arrived  a picture came, or the proxy's state changed
   */
  constructor(media, view, screen, arrived) {
    this.media = media;
    this.view = view;
    this.proxy = /** @type {Proxy} */ ({ state: "waiting", done: 0, total: 0, url: "", message: "" });
    this.latest = 0; // the frame that came last
    /** @type {HTMLVideoElement | null} */
    this.video = null;
    this.ended = false;
    this.screen = screen;
    this.arrived = arrived;
    /** @type {Map<number, any>} */
    this.kept = new Map();
    this.exact = { key: "", held: /** @type {any} */ (null) };
    this.closed = false;
    this.open();
  }

  /** @param {number} frame */
  holds(frame) {
    return frame >= this.media.first && frame <= this.media.last;
  }

  /** @param {number} frame @returns {any} what the screen draws, null while it is not there */
  picture(frame) {
    return this.kept.get(frame) ?? null;
  }

  /** Ask for the proxy until it is there or failed. */
  async open() {
    const { shot, version } = this.media;
    const url = `/api/shots/${encodeURIComponent(shot)}/versions/${version}/proxy/${encodeURIComponent(this.view.name)}`;
    while (!this.closed) {
      try {
        const answer = await fetch(url);
        if (answer.ok) this.proxy = await answer.json();
        else this.proxy = { ...this.proxy, state: "failed", message: `the server answered ${answer.status}` };
      } catch {
        this.proxy = { ...this.proxy, message: "the server does not answer" };
      }
      if (this.proxy.state === "ready") await this.load(this.proxy.url);
      this.arrived(this);
      if (this.proxy.state === "ready" || this.proxy.state === "failed") return;
      await pause(POLL_MS);
    }
  }

  /** @param {string} url */
  async load(url) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, preload: "auto", disablePictureInPicture: true });
    video.className = "source-video";
    document.body.append(video); // a video outside the page is not always decoded
    const loaded = happened(video, "loadeddata", 20000);
    video.src = url;
    if (!(await loaded) || this.closed) {
      video.remove();
      this.proxy = { ...this.proxy, state: "failed", message: "this browser cannot play the proxy" };
      return;
    }
    this.forget();
    this.video = video;
    video.addEventListener("ended", () => {
      this.ended = true;
      this.arrived(this);
    });
    this.watch();
  }

  /** Take every frame that the video presents. */
  watch() {
    const video = this.video;
    if (!video) return;
    const presented = (/** @type {number} */ _now, /** @type {{mediaTime: number}} */ told) => {
      if (this.closed) return;
      video.requestVideoFrameCallback(presented);
      if (this.take(told.mediaTime) !== null) this.arrived(this);
    };
    video.requestVideoFrameCallback(presented);
  }

  /**
   * Keep the video's picture of this moment. Its number comes with the picture where the browser can say so; else it is
   * the one that was last presented.
   * @param {number} mediaTime @returns {number | null} the frame
   */
  take(mediaTime) {
    const video = this.video;
    if (!video || video.readyState < 2) return null;
    /** @type {any} */
    let pixels = video;
    let seconds = mediaTime;
    if ("VideoFrame" in window) {
      try {
        pixels = new VideoFrame(video);
        seconds = pixels.timestamp / 1e6;
      } catch {
        return null;
      }
    }
    const frame = this.media.first + indexAt(seconds, this.media.rate);
    if (!this.kept.has(frame)) this.keep(frame, pixels);
    if (pixels !== video) pixels.close();
    this.latest = frame;
    return frame;
  }

  /** @param {number} frame @param {any} pixels */
  keep(frame, pixels) {
    let held = null;
    if (this.kept.size >= KEPT) {
      const [oldest] = this.kept.keys();
      held = this.kept.get(oldest);
      this.kept.delete(oldest);
    }
    this.kept.set(frame, this.screen.upload(held, pixels));
  }

  /**
   * Have the picture of a frame ready. One call at a time.
   * @param {number} frame @returns {Promise<boolean>}
   */
  async show(frame) {
    if (!this.holds(frame)) return true;
    this.ended = false;
    const held = this.kept.get(frame);
    if (held) {
      this.kept.delete(frame); // youngest again
      this.kept.set(frame, held);
      return true;
    }
    return this.video ? this.seek(frame) : this.still(frame);
  }

  /** @param {number} frame */
  async seek(frame) {
    const video = /** @type {HTMLVideoElement} */ (this.video);
    const until = performance.now() + PATIENCE_MS;
    const done = happened(video, "seeked", PATIENCE_MS);
    video.currentTime = seekTime(frame - this.media.first, this.media.rate);
    await done;
    while (!this.kept.has(frame)) {
      if ("VideoFrame" in window && this.take(0) === frame) break;
      if (this.closed || performance.now() > until) return false;
      await pause(4); // the picture follows the event
    }
    return this.kept.has(frame);
  }

  /** @param {number} frame */
  async still(frame) {
    const image = await loadImage(stillUrl(this.media, this.view.name, frame, "jpg", { width: 1920 }));
    if (!image || this.closed || this.video) return Boolean(this.video);
    this.keep(frame, image);
    this.latest = frame;
    return true;
  }

  /**
   * The frame itself, from the EXR, exposed in scene light: what no proxy can show.
   * @param {number} frame @param {{exposure: number, gamma: number}} grade @returns {Promise<any>}
   */
  async exactly(frame, grade) {
    if (!this.holds(frame)) return null;
    const key = `${frame} ${grade.exposure} ${grade.gamma}`;
    if (this.exact.key !== key) {
      const image = await loadImage(stillUrl(this.media, this.view.name, frame, "png", grade));
      if (!image || this.closed) return null;
      this.exact = { key, held: this.screen.upload(this.exact.held, image) };
    }
    return this.exact.held;
  }

  /** @param {number} speed */
  play(speed) {
    if (!this.video) return;
    this.ended = false;
    this.video.playbackRate = speed;
    this.video.play().catch(() => {}); // a pause that comes first
  }

  pause() {
    this.video?.pause();
  }

  forget() {
    for (const held of this.kept.values()) this.screen.release(held);
    this.kept.clear();
    if (this.exact.held) this.screen.release(this.exact.held);
    this.exact = { key: "", held: null };
  }

  close() {
    this.closed = true;
    this.forget();
    if (this.video) {
      this.video.removeAttribute("src");
      this.video.load();
      this.video.remove();
    }
  }
}

/** @param {number} milliseconds @returns {Promise<void>} */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** @param {EventTarget} target @param {string} name @param {number} patience @returns {Promise<boolean>} */
function happened(target, name, patience) {
  return new Promise((resolve) => {
    const end = (/** @type {boolean} */ good) => {
      clearTimeout(timer);
      target.removeEventListener(name, yes);
      target.removeEventListener("error", no);
      resolve(good);
    };
    const yes = () => end(true);
    const no = () => end(false);
    const timer = setTimeout(no, patience);
    target.addEventListener(name, yes);
    target.addEventListener("error", no);
  });
}

/** @param {string} url @returns {Promise<HTMLImageElement | null>} */
async function loadImage(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}
