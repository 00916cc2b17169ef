import { useEffect, useRef } from 'preact/hooks';
import type { SonarReading } from '../../../src/measure/sonar-reading.js';
import { animate, fitted, type Palette, palette } from '../canvas.js';
import { profiles, profilesMax, readings, settings } from './link.js';

const margin = 34;

/** Lines at round distances below a picture. */
function drawScale(
  context: CanvasRenderingContext2D,
  colours: Palette,
  width: number,
  height: number,
) {
  const most = settings.value?.maxM ?? 1;
  const step =
    [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200].find((one) => most / one <= 10) ?? 500;
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = colours.ink;
  context.strokeStyle = colours.faint;
  for (let metres = step; metres < most; metres += step) {
    const x = Math.round((metres / most) * width) + 0.5;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
    context.fillText(`${Number(metres.toFixed(2))} m`, x + 3, height - 4);
  }
}

function drawProfile(canvas: HTMLCanvasElement, colours: Palette): void {
  const { context, width, height } = fitted(canvas);
  drawScale(context, colours, width, height);
  const profile = profiles.at(-1);
  if (profile === undefined) return;
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [i, level] of profile.entries()) {
    const y = height - (level / 255) * height;
    context.lineTo((i / (profile.length - 1)) * width, y);
  }
  context.stroke();
  const echo = readings.value.at(-1)?.distanceM;
  if (echo == null) return;
  const x = (echo / (settings.value?.maxM ?? 1)) * width;
  context.strokeStyle = colours.warn;
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, height);
  context.stroke();
}

function drawWaterfall(canvas: HTMLCanvasElement, colours: Palette): void {
  const { context, width, height } = fitted(canvas);
  const rowHeight = height / profilesMax;
  context.fillStyle = colours.accent;
  for (const [row, profile] of profiles.entries()) {
    const y = height - (profiles.length - row) * rowHeight;
    const cell = width / profile.length;
    for (let i = 0; i < profile.length; i++) {
      if (profile[i]! < 8) continue;
      context.globalAlpha = (profile[i]! / 255) ** 1.5;
      context.fillRect(i * cell, y, cell + 0.5, rowHeight + 0.5);
    }
  }
  context.globalAlpha = 1;
}

/** A curve of what the readings hold; where there is no number there is a gap. */
function drawHistory(
  canvas: HTMLCanvasElement,
  colours: Palette,
  numberOf: (reading: SonarReading) => number | null,
  unit: { name: string; digits: number },
): void {
  const { context, width, height } = fitted(canvas);
  const values = readings.value.map(numberOf);
  const found = values.filter((value) => value !== null);
  if (found.length === 0) return;
  const low = Math.min(...found);
  const high = Math.max(...found);
  const room = Math.max((high - low) * 0.1, Math.abs(high) * 1e-4, 1e-9);
  const yOf = (value: number) =>
    height - margin / 4 - ((value - low + room) / (high - low + 2 * room)) * (height - margin / 2);
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = colours.ink;
  context.fillText(`${high.toFixed(unit.digits)} ${unit.name}`, 4, 12);
  context.fillText(`${low.toFixed(unit.digits)} ${unit.name}`, 4, height - 4);
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.5;
  context.beginPath();
  let isDown = false;
  for (const [i, value] of values.entries()) {
    if (value === null) {
      isDown = false;
      continue;
    }
    const x = (i / Math.max(1, values.length - 1)) * width;
    if (isDown) context.lineTo(x, yOf(value));
    else context.moveTo(x, yOf(value));
    isDown = true;
  }
  context.stroke();
}

const pictures = {
  profile: drawProfile,
  waterfall: drawWaterfall,
  distance: (canvas: HTMLCanvasElement, colours: Palette) =>
    drawHistory(canvas, colours, ({ smoothedM }) => smoothedM, { name: 'm', digits: 4 }),
  flight: (canvas: HTMLCanvasElement, colours: Palette) => {
    const inMs = ({ flightSec }: SonarReading) => (flightSec === null ? null : flightSec * 1000);
    drawHistory(canvas, colours, inMs, { name: 'ms', digits: 4 });
  },
};

/** One picture with its name; drawn when something new has come. */
export function Picture({ kind, title }: { kind: keyof typeof pictures; title: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let last: unknown[] = [];
    return animate(canvas.current!, () => {
      const { clientWidth, clientHeight } = canvas.current!;
      const now = [readings.value, profiles.at(-1), settings.value, clientWidth, clientHeight];
      if (now.every((value, i) => value === last[i])) return;
      last = now;
      pictures[kind](canvas.current!, palette());
    });
  }, [kind]);
  return (
    <figure class={`picture ${kind}`}>
      <figcaption>{title}</figcaption>
      <canvas ref={canvas} aria-label={title} />
    </figure>
  );
}
