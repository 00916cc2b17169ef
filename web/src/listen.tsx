import { useEffect, useRef } from 'preact/hooks';
import { animate, fitted, type Palette, palette } from './canvas.js';
import { listenTo, patch, played, sound, tap } from './engine.js';
import { decibels } from './format.js';
import { amplitudes, spectrumFrames } from './spectrum.js';

/** The scope shows so much, begun where the wave rises through zero. */
const scopeSec = 0.02;
const floorDb = -90;
const meterFloorDb = -60;
const [lowHz, highHz] = [30, 20_000];
const fallDbPerDraw = 0.7;

const trace = new Float32Array(4096);
const stretch = new Float32Array(spectrumFrames);
const lines = new Float32Array(spectrumFrames / 2);
const shown = new Float32Array(spectrumFrames / 2).fill(floorDb);

/** Where to begin, so that the picture stands still: at the steepest rise through zero. */
function trigger(samples: Float32Array, span: number): number {
  const last = samples.length - span;
  let best = last;
  let steepest = 0;
  for (let i = Math.max(1, last - span); i < last; i++) {
    const rise = samples[i]! - samples[i - 1]!;
    if (samples[i - 1]! <= 0 && samples[i]! > 0 && rise > steepest) {
      steepest = rise;
      best = i;
    }
  }
  return best;
}

function drawScope(canvas: HTMLCanvasElement, colours: Palette): void {
  const { context, width, height } = fitted(canvas);
  const middle = height / 2;
  context.strokeStyle = colours.faint;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, middle);
  context.lineTo(width, middle);
  context.stroke();
  const span = Math.min(trace.length / 2, Math.round(scopeSec * sound.rate));
  let from = 0;
  for (let lane = 0; lane < Math.min(2, sound.lanes); lane++) {
    sound.latest(lane, trace);
    if (lane === 0) from = trigger(trace, span);
    context.strokeStyle = lane === 0 ? colours.accent : colours.ink;
    context.globalAlpha = lane === 0 ? 1 : 0.45;
    context.lineWidth = lane === 0 ? 1.6 : 1.2;
    context.beginPath();
    for (let i = 0; i < span; i++) {
      const y = middle - trace[from + i]! * middle * 0.96;
      if (i === 0) context.moveTo(0, y);
      else context.lineTo((i * width) / (span - 1), y);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

function between(line: number): number {
  const first = Math.max(1, Math.floor(line));
  const share = Math.min(1, Math.max(0, line - first));
  return lines[first]! * (1 - share) + (lines[first + 1] ?? 0) * share;
}

function drawSpectrum(canvas: HTMLCanvasElement, colours: Palette): void {
  const { context, width, height } = fitted(canvas);
  const place = (hz: number) => (Math.log(hz / lowHz) / Math.log(highHz / lowHz)) * width;
  context.strokeStyle = colours.faint;
  context.fillStyle = colours.ink;
  context.font = '11px system-ui, sans-serif';
  for (const [hz, name] of [
    [100, '100 Hz'],
    [1000, '1 kHz'],
    [10_000, '10 kHz'],
  ] as const) {
    const x = Math.round(place(hz)) + 0.5;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
    // At the edge there is no room behind the line.
    const isLast = x + 48 > width;
    context.textAlign = isLast ? 'right' : 'left';
    context.fillText(name, isLast ? x - 5 : x + 5, height - 6);
  }
  sound.latest(0, stretch);
  amplitudes(stretch, lines);
  const perLine = sound.rate / spectrumFrames;
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width; x += 2) {
    const from = lowHz * (highHz / lowHz) ** (x / width);
    const to = lowHz * (highHz / lowHz) ** ((x + 2) / width);
    const first = Math.max(1, Math.floor(from / perLine));
    const last = Math.min(lines.length - 1, Math.max(first, Math.ceil(to / perLine) - 1));
    let loudest = 0;
    for (let i = first; i <= last; i++) loudest = Math.max(loudest, lines[i]!);
    // Where lines lie further apart than points of the screen, between two of them.
    if (last === first) loudest = between(from / perLine);
    const slot = Math.min(shown.length - 1, x >> 1);
    shown[slot] = Math.max(decibels(loudest), shown[slot]! - fallDbPerDraw, floorDb);
    context.lineTo(x, (shown[slot]! / floorDb) * height);
  }
  context.lineTo(width, height);
  context.closePath();
  context.globalAlpha = 0.16;
  context.fillStyle = colours.accent;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.4;
  context.stroke();
}

const held: number[] = [];

function drawMeters(canvas: HTMLCanvasElement, colours: Palette): void {
  const { context, width, height } = fitted(canvas);
  const levels = sound.levels(0.05);
  const gap = 4;
  const bar = Math.min(14, (height - gap * (levels.length - 1)) / levels.length);
  const place = (db: number) => Math.max(0, 1 - db / meterFloorDb) * width;
  levels.forEach(({ peak, rms }, lane) => {
    const y = lane * (bar + gap);
    const peakDb = decibels(peak);
    held[lane] = Math.max(peakDb, (held[lane] ?? meterFloorDb) - 0.25);
    context.fillStyle = colours.faint;
    context.fillRect(0, y, width, bar);
    context.fillStyle = peakDb > -0.1 ? colours.bad : colours.accent;
    context.globalAlpha = 0.35;
    context.fillRect(0, y, place(peakDb), bar);
    context.globalAlpha = 1;
    context.fillRect(0, y, place(decibels(rms)), bar);
    context.fillRect(Math.max(0, place(held[lane]!) - 2), y, 2, bar);
  });
}

function TapChoice() {
  const nodes = patch.value?.nodes ?? [];
  return (
    <label class="choice">
      <span>Listen at</span>
      <select value={tap} onChange={(event) => listenTo(event.currentTarget.value)}>
        <option value={played}>what is played</option>
        {nodes.map(({ name, type }) => (
          <option key={name} value={name}>
            {name} ({type})
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is heard: the wave, its spectrum and its level, at any point of the patch. */
export function Listen() {
  const section = useRef<HTMLElement>(null);
  const scope = useRef<HTMLCanvasElement>(null);
  const spectrum = useRef<HTMLCanvasElement>(null);
  const meters = useRef<HTMLCanvasElement>(null);
  const level = useRef<HTMLOutputElement>(null);
  useEffect(() => {
    let draws = 0;
    let colours = palette();
    return animate(section.current!, () => {
      // Words that change faster than this cannot be read.
      if (draws++ % 15 === 0) {
        colours = palette();
        const peak = Math.max(0, ...sound.levels(0.25).map((one) => one.peak));
        const text = peak > 0 ? `${decibels(peak).toFixed(1)} dBFS` : 'silence';
        if (level.current) level.current.textContent = text;
      }
      drawScope(scope.current!, colours);
      drawSpectrum(spectrum.current!, colours);
      drawMeters(meters.current!, colours);
    });
  }, []);
  return (
    <section ref={section} aria-labelledby="listen-title" class="listen">
      <div class="head">
        <h2 id="listen-title">Sound</h2>
        <TapChoice />
      </div>
      <div class="pictures">
        <canvas ref={scope} role="img" aria-label="The wave of the last 20 milliseconds" />
        <canvas ref={spectrum} role="img" aria-label="Spectrum from 30 hertz to 20 kilohertz" />
      </div>
      <div class="meters">
        <canvas ref={meters} role="img" aria-label="Level of each channel" />
        {/* Read when it is asked for: it changes all the time. */}
        <output ref={level} aria-label="Peak" aria-live="off" />
      </div>
    </section>
  );
}
