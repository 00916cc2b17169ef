import { TenutoError } from '../errors.js';

/** How an input is that something was recorded from. */
export type InputState = 'ok' | 'silent' | 'clipped';

/** Below this, -120 dB, there is not even the noise of a converter. */
const silentPeak = 1e-6;
/** From this on, 0.01 dB below full scale, a sample may have been held there. */
const fullScale = 0.9988;
/** So many samples at the limit in a row: a wave that only touches it has one or two. */
const clippedRun = 3;

/**
 * Whether an input gave nothing at all, or more than it can: samples held at one value near the top.
 * That it is not there at all is known from the device, not from samples.
 */
export function checkInput(samples: Float32Array): { state: InputState; peak: number } {
  let peak = 0;
  for (let i = 0; i < samples.length; i++) peak = Math.max(peak, Math.abs(samples[i]!));
  if (peak < silentPeak) return { state: 'silent', peak };
  if (peak < fullScale) return { state: 'ok', peak };
  let run = 0;
  let longest = 0;
  for (let i = 0; i < samples.length; i++) {
    const isTop = Math.abs(samples[i]!) >= fullScale;
    run = isTop && (run === 0 || samples[i] === samples[i - 1]) ? run + 1 : isTop ? 1 : 0;
    longest = Math.max(longest, run);
  }
  return { state: longest >= clippedRun ? 'clipped' : 'ok', peak };
}

/** Refuses an input that cannot be measured by. @throws TenutoError with the remedy */
export function demandInput(state: InputState, peak: number): void {
  if (state === 'silent') {
    const text = 'the input is silent: not even noise comes from it';
    throw new TenutoError('TENUTO_MEASURE_SILENT', text);
  }
  if (state === 'clipped') {
    const text = `the input is overdriven: it stands at ${peak.toFixed(3)} of full scale`;
    throw new TenutoError('TENUTO_MEASURE_CLIPPED', text);
  }
}
