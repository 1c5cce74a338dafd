// The clinic's color, made readable: WCAG 2.2 contrast (1.4.3, 1.4.11) holds whatever color was set.

type Rgb = [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const INK: Rgb = [16, 24, 32];
const DEFAULT: Rgb = [11, 92, 173];

function parse(hex: string): Rgb {
  const short = /^#([\da-f])([\da-f])([\da-f])$/i.exec(hex);
  const full = short ? short.slice(1).map((digit) => digit + digit) : /^#(..)(..)(..)$/.exec(hex)?.slice(1);
  const rgb = full?.map((pair) => Number.parseInt(pair, 16));
  return rgb && !rgb.some(Number.isNaN) ? (rgb as Rgb) : DEFAULT;
}

/** Relative luminance as WCAG 2.2 defines it. */
function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: Rgb, other: Rgb): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const mix = (from: Rgb, to: Rgb, share: number): Rgb =>
  from.map((value, i) => Math.round(value + (to[i]! - value) * share)) as Rgb;

/** `color`, moved towards black or white only as far as it needs to stand out from `background`. */
function readable(color: Rgb, background: Rgb, ratio: number): Rgb {
  const goal = luminance(background) > 0.18 ? INK : WHITE;
  let moved = color;
  for (let share = 0.05; contrast(moved, background) < ratio && share <= 1; share += 0.05) moved = mix(color, goal, share);
  return moved;
}

const css = (rgb: Rgb): string => `rgb(${rgb.join(" ")})`;

/** Custom properties: `--accent` for fills, `--on-accent` for what stands on them, `--accent-text` on plain ground. */
export function accentRule(hex: string, dark: boolean): string {
  const ground: Rgb = dark ? [27, 38, 49] : [241, 245, 249];
  const fill = readable(parse(hex), ground, 3);
  const on = contrast(fill, WHITE) >= 4.5 ? WHITE : readable(INK, fill, 4.5);
  const text = readable(parse(hex), ground, 5.5);
  return `:host{--accent:${css(fill)};--on-accent:${css(on)};--accent-text:${css(text)}}`;
}
