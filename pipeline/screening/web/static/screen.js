// @ts-check
/** The picture on the screen: two textures, compared and graded in a shader. Without WebGL: flat.js. */

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box  of the picture, in pixels of the canvas
 * @typedef {"a" | "b" | "wipe" | "difference"} Mode
 * @typedef {object} Drawn
 * @property {any} a  what upload() gave, or null
 * @property {any} b
 * @property {Mode} mode
 * @property {number} wipe  0..1 of the picture's width
 * @property {[number, number]} gains  of A and B: 2 to the power of the exposure, 1 where it is in the pixels already
 * @property {[number, number]} gammas
 * @property {Box} box
 * @property {boolean} near  pixels are shown as squares
 */

const VERTEX = `#version 300 es
uniform vec4 box; // of the picture, in clip space: left, top, width, height
out vec2 at;
void main() {
  at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position = vec4(box.x + at.x * box.z, box.y - at.y * box.w, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 at;
uniform sampler2D a, b;
uniform bvec2 there;
uniform int mode; // 0 A, 1 B, 2 wipe, 3 difference
uniform float wipe;
uniform vec2 gains, gammas;
out vec4 colour;

vec3 light(vec3 c) { return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c)); }
vec3 code(vec3 l) { return mix(l * 12.92, 1.055 * pow(max(l, 0.0), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, l)); }

vec3 graded(vec3 c, float gain, float gamma) {
  if (gain != 1.0) c = clamp(code(light(c) * gain), 0.0, 1.0);
  return gamma == 1.0 ? c : pow(c, vec3(1.0 / gamma));
}
vec3 nothing() { return vec3(mod(floor((gl_FragCoord.x + gl_FragCoord.y) / 8.0), 2.0) < 1.0 ? 0.075 : 0.06); }
vec3 first() { return there.x ? graded(texture(a, at).rgb, gains.x, gammas.x) : nothing(); }
vec3 second() { return there.y ? graded(texture(b, at).rgb, gains.y, gammas.y) : nothing(); }

void main() {
  if (mode == 3 && there.x && there.y) {
    vec3 apart = clamp(abs(texture(a, at).rgb - texture(b, at).rgb) * gains.x, 0.0, 1.0);
    colour = vec4(gammas.x == 1.0 ? apart : pow(apart, vec3(1.0 / gammas.x)), 1.0);
  } else {
    bool right = mode == 1 || (mode == 2 && at.x >= wipe);
    colour = vec4(mode == 3 ? nothing() : right ? second() : first(), 1.0);
  }
}`;

const MODES = { a: 0, b: 1, wipe: 2, difference: 3 };

export class GlScreen {
  /** @param {HTMLCanvasElement} canvas @throws where the browser has no WebGL 2 */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.canvas = canvas;
    this.graded = true; // exposure and gamma are its own work
    /** @type {Record<string, WebGLUniformLocation | null>} */
    this.at = {};
    this.start();
  }

  /** Shaders and what they share; again after the context was lost. */
  start() {
    const gl = this.gl;
    const program = /** @type {WebGLProgram} */ (gl.createProgram());
    for (const [kind, text] of /** @type {[number, string][]} */ ([
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(String(gl.getProgramInfoLog(program)));
    gl.useProgram(program);
    for (const name of ["box", "a", "b", "there", "mode", "wipe", "gains", "gammas"]) {
      this.at[name] = gl.getUniformLocation(program, name);
    }
    gl.bindVertexArray(gl.createVertexArray());
    gl.uniform1i(this.at.a, 0);
    gl.uniform1i(this.at.b, 1);
  }

  /** @param {any} held  a texture to use again, or null @param {TexImageSource} pixels */
  upload(held, pixels) {
    const gl = this.gl;
    const texture = held ?? gl.createTexture();
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    return texture;
  }

  /** @param {any} held */
  release(held) {
    this.gl.deleteTexture(held);
  }

  /** What was drawn there, straight after it was drawn. @param {number} x @param {number} y @returns {number[]} 0..255 */
  pixel(x, y) {
    const read = new Uint8Array(4);
    this.gl.readPixels(Math.floor(x), this.canvas.height - 1 - Math.floor(y), 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, read);
    return [...read.slice(0, 3)];
  }

  /** @param {Drawn} drawn */
  draw(drawn) {
    const { gl, at, canvas } = this;
    const { box } = drawn;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0.043, 0.047, 0.051, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const [w, h] = [canvas.width, canvas.height];
    gl.uniform4f(at.box, (2 * box.x) / w - 1, 1 - (2 * box.y) / h, (2 * box.width) / w, (2 * box.height) / h);
    gl.uniform2i(at.there, Number(Boolean(drawn.a)), Number(Boolean(drawn.b)));
    gl.uniform1i(at.mode, MODES[drawn.mode]);
    gl.uniform1f(at.wipe, drawn.wipe);
    gl.uniform2f(at.gains, ...drawn.gains);
    gl.uniform2f(at.gammas, ...drawn.gammas);
    [drawn.a, drawn.b].forEach((texture, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture ?? drawn.a ?? drawn.b);
      if (!(texture ?? drawn.a ?? drawn.b)) return;
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, drawn.near ? gl.NEAREST : gl.LINEAR);
    });
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }
}
