import { useEffect, useRef } from 'preact/hooks';
import type { SonarReading } from '../../../src/measure/sonar-reading.js';
import { animate, fitted, type Palette, palette } from '../canvas.js';
import { profiles, profilesMax, readings, settings } from './link.js';

const margin = 34;
/** Below the picture, for the distances. */
const scaleHeight = 18;
const profileFloorDb = -100;
/** Below this, of 255, the waterfall is empty: it is noise. */
const quietest = 24;
const linesDb = [-20, -40, -60, -80];

/** Lines at round distances, named below the picture. */
function drawDistances(
  context: CanvasRenderingContext2D,
  colours: Palette,
  { width, height }: { width: number; height: number },
) {
  const most = settings.value?.maxM ?? 1;
  const steps = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200];
  // No closer than their names are wide.
  const step = steps.find((one) => most / one <= Math.min(10, width / 48)) ?? 500;
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = colours.ink;
  context.strokeStyle = colours.faint;
  context.textAlign = 'center';
  for (let metres = step; metres < most * 0.98; metres += step) {
    const x = Math.round((metres / most) * width) + 0.5;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height - scaleHeight);
    context.stroke();
    context.fillText(`${Number(metres.toFixed(2))} m`, x, height - 4);
  }
  context.textAlign = 'start';
}

function drawLevels(
  context: CanvasRenderingContext2D,
  colours: Palette,
  { width, height }: { width: number; height: number },
) {
  context.strokeStyle = colours.faint;
  context.fillStyle = colours.ink;
  context.textAlign = 'end';
  for (const db of linesDb) {
    const y = Math.round((db / profileFloorDb) * height) + 0.5;
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
    context.fillText(`${db}`, width - 2, y - 3);
  }
  context.textAlign = 'start';
}

function drawProfile(canvas: HTMLCanvasElement, colours: Palette): void {
  const { context, width, height: all } = fitted(canvas);
  const height = all - scaleHeight;
  drawDistances(context, colours, { width, height: all });
  drawLevels(context, colours, { width, height });
  const profile = profiles.at(-1);
  if (profile === undefined) return;
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.5;
  context.lineJoin = 'round';
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

/** Where the waterfall is put together, a pixel for each level, before it is fitted to its place. */
const sheet = document.createElement('canvas');

/** Red, green and blue of a colour, by drawing with it. */
function partsOf(colour: string): [number, number, number] {
  sheet.width = 1;
  sheet.height = 1;
  const context = sheet.getContext('2d')!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

function drawWaterfall(canvas: HTMLCanvasElement, colours: Palette): void {
  const { context, width, height: all } = fitted(canvas);
  const height = all - scaleHeight;
  drawDistances(context, colours, { width, height: all });
  const points = profiles.at(-1)?.length ?? 0;
  if (points === 0) return;
  const [red, green, blue] = partsOf(colours.accent);
  const image = new ImageData(points, profilesMax);
  for (const [i, profile] of profiles.entries()) {
    const row = profilesMax - profiles.length + i;
    for (let x = 0; x < points; x++) {
      const alpha = 1.6 * Math.max(0, profile[x]! - quietest);
      image.data.set([red, green, blue, Math.min(255, alpha)], (row * points + x) * 4);
    }
  }
  sheet.width = points;
  sheet.height = profilesMax;
  sheet.getContext('2d')!.putImageData(image, 0, 0);
  context.drawImage(sheet, 0, 0, width, height);
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
