// @ts-check
// Shaders of the WebGL2 renderer, one per family of textures.

export const VERTEX = `#version 300 es
void main() {
  // One triangle that covers the canvas.
  gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}`;

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
precision highp isampler2D;
uniform vec4 transform;
uniform ivec2 size;
uniform sampler2D colours;
uniform usampler2D masks;
uniform bool hasMask;
uniform int maskCount;
uniform vec2 limits;
uniform int scale;
uniform vec3 curve;
uniform vec4 nanColour;
uniform vec4 belowColour;
uniform vec4 aboveColour;
uniform vec4 maskedColour;
out vec4 result;

bool isNaN(float v) {
  // Drivers may assume that there is no NaN, so its bits are compared.
  return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u;
}

vec4 shade(float v, float absolute) {
  if (isNaN(v)) return nanColour;
  if (v < limits.x) return belowColour;
  if (v > limits.y) return aboveColour;
  float t = (v - limits.x) / (limits.y - limits.x);
  if (scale == 1) t = pow(t, curve.x);
  if (scale == 2) t = (log(absolute) - curve.x) * curve.y;
  if (scale == 3) t = (sign(absolute) * log(1.0 + abs(absolute) / curve.z) - curve.x) * curve.y;
  return texelFetch(colours, ivec2(clamp(int(t * 256.0), 0, 255), 0), 0);
}
`;

/**
 * Values are compared relative to a base near the lower limit: floats of 4 bytes have 24 bits only.
 * @param {"u" | "i"} family
 */
function integers(family) {
  const type = family === "u" ? "uint" : "int";
  return `
uniform ${family}sampler2D image;
uniform ${type} base;
uniform ${family}vec4 maskValues;

vec4 colourAt(ivec2 at) {
  ${type} raw = texelFetch(image, at, 0).r;
  for (int i = 0; i < maskCount; i++) if (raw == maskValues[i]) return maskedColour;
  float v = raw >= base ? float(uint(raw) - uint(base)) : -float(uint(base) - uint(raw));
  return shade(v, float(raw));
}`;
}

const FLOATS = `
uniform sampler2D image;
uniform float base;
uniform vec4 maskValues;

vec4 colourAt(ivec2 at) {
  float v = texelFetch(image, at, 0).r;
  for (int i = 0; i < maskCount; i++) if (v == maskValues[i]) return maskedColour;
  return shade(v, v + base);
}`;

const COMPLEX = `
uniform sampler2D image;
uniform int part;

vec4 colourAt(ivec2 at) {
  vec2 z = texelFetch(image, at, 0).rg;
  float v = length(z);
  if (part == 1) v = atan(z.y, z.x);
  if (part == 2) v = z.x;
  if (part == 3) v = z.y;
  if (isNaN(z.x) || isNaN(z.y)) v = part == 2 ? z.x : part == 3 ? z.y : z.x + z.y;
  return shade(v, v);
}`;

const COLOUR = `
uniform sampler2D image;
// What a colour and the opacity of a texel are multiplied by: for values of the array, and for 0 to 1.
uniform vec2 units;

float level(float v) {
  float t = (v - limits.x) / (limits.y - limits.x);
  if (scale == 1) t = pow(max(t, 0.0), curve.x);
  if (scale == 2) t = v > 0.0 ? (log(v) - curve.x) * curve.y : 0.0;
  if (scale == 3) t = (sign(v) * log(1.0 + abs(v) / curve.z) - curve.x) * curve.y;
  return clamp(t, 0.0, 1.0);
}

vec4 colourAt(ivec2 at) {
  vec4 texel = texelFetch(image, at, 0);
  vec3 v = texel.rgb * units.x;
  if (isNaN(v.r) || isNaN(v.g) || isNaN(v.b)) return nanColour;
  return vec4(level(v.r), level(v.g), level(v.b), clamp(texel.a * units.y, 0.0, 1.0));
}`;

const MAIN = `
void main() {
  ivec2 at = ivec2(floor(gl_FragCoord.xy * transform.xz + transform.yw));
  if (any(lessThan(at, ivec2(0))) || any(greaterThanEqual(at, size))) {
    result = vec4(0.0);
    return;
  }
  vec4 colour = hasMask && texelFetch(masks, at, 0).r != 0u ? maskedColour : colourAt(at);
  result = vec4(colour.rgb * colour.a, colour.a);
}`;

const BODIES = { u: integers("u"), i: integers("i"), f: FLOATS, c: COMPLEX, colour: COLOUR };

/** @param {keyof typeof BODIES} family */
export function fragment(family) {
  return HEAD + BODIES[family] + MAIN;
}
