import type { Distance, Latency, SonarReading } from '../measure/index.js';
import { columns } from './terminal.js';

/** Of a confidence, so that 0.99999 is not told as 100 %. */
export function confidenceText(confidence: number): string {
  const missing = 1 - confidence;
  if (missing <= 0) return 'certain';
  if (missing > 0.01) return `${(confidence * 100).toFixed(0)} %`;
  return `wrong by a chance of ${missing.toExponential(0)}`;
}

export function metresText(metres: number): string {
  return metres < 1 ? `${(metres * 1000).toFixed(2)} mm` : `${metres.toFixed(4)} m`;
}

export function latencyText(latency: Latency): string {
  const { frames, ms, madFrames, spreadFrames, stream, runs, repeats, otherWays } = latency;
  const rows = [
    ['round trip', `${frames.toFixed(3)} frames, ${ms.toFixed(4)} ms`],
    [
      'spread',
      `${madFrames.toExponential(1)} (median), ${spreadFrames.toExponential(1)} (all) frames`,
    ],
    ['confidence', confidenceText(latency.confidence)],
    ['runs', `${runs.length}, ${repeats} of them repeated, ${otherWays} over another way`],
    ['came back', `${(20 * Math.log10(runs[0]?.level ?? 0)).toFixed(1)} dB`],
    ['holds for', `generation ${stream.generation} of ${stream.device} at ${stream.rateHz} Hz`],
  ];
  if (latency.beyondBuffersFrames !== null) {
    rows.push(['beyond buffers', `${latency.beyondBuffersFrames.toFixed(3)} frames`]);
  }
  return columns(rows);
}

export function distanceText(distance: Distance): string {
  const { echo, sound, confidence } = distance;
  const speed = `${sound.speedMps.toFixed(2)} m/s (${sound.formula})`;
  if (echo === null) {
    return columns([
      ['distance', 'no echo'],
      ['confidence', confidenceText(confidence)],
      ['speed of sound', speed],
    ]);
  }
  const others = distance.echoes.length - 1;
  return columns([
    ['distance', metresText(echo.distanceM)],
    ['time of flight', `${(echo.flightSec * 1000).toFixed(5)} ms`],
    [
      'peak',
      `${(20 * Math.log10(Math.abs(echo.level))).toFixed(1)} dB${echo.level < 0 ? ', turned over' : ''}`,
    ],
    ['signal to noise', `${echo.snrDb.toFixed(1)} dB`],
    ['confidence', confidenceText(confidence)],
    ['possible at best', `${(echo.boundM * 1000).toPrecision(2)} mm, by the ${echo.by}`],
    ['other echoes', others === 0 ? 'none' : String(others)],
    ['speed of sound', speed],
    ['direct sound', `${distance.directFrames.toFixed(3)} frames after it was given`],
  ]);
}

/** One line of the sonar. */
export function readingText(reading: SonarReading): string {
  const { count, distanceM, smoothedM, flightSec, snrDb, failure } = reading;
  if (failure !== null) return `${count}  no number: ${failure.message}`;
  if (distanceM === null) return `${count}  no echo`;
  return (
    `${count}  ${metresText(distanceM)}  shown ${metresText(smoothedM!)}  ` +
    `${(flightSec! * 1000).toFixed(4)} ms  ${snrDb!.toFixed(0)} dB`
  );
}
