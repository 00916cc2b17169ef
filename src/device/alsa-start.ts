import { TenutoError } from '../errors.js';
import { errno, errnoName, monotonicNs, pcmReport, sleepUntilNs } from '../os/index.js';
import type { Capture } from './alsa-capture.js';
import { type Playback, playbackAt } from './alsa-playback.js';

/** How long a device may take until it plays: a sound server has to connect the stream first. */
const startMs = 2000;
/** How often its position is looked at meanwhile. */
const lookNs = 250_000;
/** Movements of its position after which a device counts as started, and after long ones. */
const startSteps = 4;
const startLongSteps = 3;
const longStepFrames = 512;
/** Silence beyond which a device that runs dry at its start is given up. */
const silenceFramesMax = 16_384;

export interface StartPlan {
  name: string;
  captureName: string | null;
  quantum: number;
  /** Silence that it begins with, if that is enough. */
  silenceFrames: number;
  isLinked: boolean;
}

/** What was seen of a device while it started. */
export interface Started {
  /** It plays as fast as it is given, with no clock of its own. */
  isUnpaced: boolean;
  /** Frames that it takes at a time. */
  stepFrames: number;
  /** Frames between its buffer and the loudspeaker. */
  offsetFrames: number;
}

function notStarted(name: string, why: string): TenutoError {
  return new TenutoError('TENUTO_DEVICE_LOST', `${name} does not start: ${why}`);
}

/** Follows how one side moves. */
class Steps {
  count = 0;
  longest = 0;
  private position = 0;

  follow(position: number): void {
    const step = position - this.position;
    if (step <= 0) return;
    this.position = position;
    // The first one may be of what lies between here and the device.
    if (this.count++ > 0) this.longest = Math.max(this.longest, step);
  }

  restart(): void {
    this.count = 0;
    this.position = 0;
  }
}

/**
 * Starts a device and gives it silence until it was seen to play: only then it is worth to be given
 * the stream. Sleeps; not for the audio thread.
 *
 * @throws TenutoError `TENUTO_DEVICE_LOST`
 */
export function startSides(
  playback: Playback,
  capture: Capture | null,
  { name, captureName, quantum, silenceFrames, isLinked }: StartPlan,
): Started {
  let silence = silenceFrames;
  const silenceMost = Math.min(silenceFramesMax, playback.choice.bufferFrames);
  let offsetFrames = 0;
  const steps = new Steps();
  let begunNs = 0;
  const begin = () => {
    steps.restart();
    begunNs = monotonicNs();
    const error = playback.restart(silence);
    if (error < 0) throw notStarted(name, errnoName(error));
  };
  const captureError = capture?.restart(isLinked) ?? 0;
  begin();
  if (captureError < 0) throw notStarted(captureName ?? '', errnoName(captureError));
  const silenceNs = () => (silence * 1e9) / playback.choice.rateHz;
  const deadlineNs = monotonicNs() + startMs * 1e6;
  for (;;) {
    const error = playback.observe();
    const fill = error < 0 ? 0 : playback.fillFrames;
    if ((error === -errno.EPIPE || fill <= 0) && silence < silenceMost) {
      // It takes more at a time than it was given, or this process was kept from the processor.
      silence = Math.min(2 * silence, silenceMost);
      begin();
      continue;
    }
    if (error < 0) throw notStarted(name, errnoName(error));
    if (fill <= 0) {
      const isEarly = monotonicNs() - begunNs < silenceNs() / 2;
      if (isEarly) return { isUnpaced: true, stepFrames: quantum, offsetFrames: 0 };
      // This process was kept from the processor for so long that nothing was seen.
      begin();
      continue;
    }
    steps.follow(playback.frames[playbackAt.written]! - fill);
    offsetFrames = Math.max(offsetFrames, playback.report.words[pcmReport.delayFrames]! - fill);
    const isHeard = capture === null || hears(capture);
    const needed = steps.longest >= longStepFrames ? startLongSteps : startSteps;
    if (steps.count >= needed && isHeard) {
      return { isUnpaced: false, stepFrames: steps.longest, offsetFrames };
    }
    if (fill < silence) playback.giveSilence(silence - fill);
    if (monotonicNs() > deadlineNs) {
      throw notStarted(isHeard ? name : (captureName ?? ''), `no sign of it in ${startMs} ms`);
    }
    sleepUntilNs(monotonicNs() + lookNs);
  }
}

/** Whether the listening side holds what it should before the first turn. */
function hears(capture: Capture): boolean {
  const waiting = capture.observe();
  capture.noteStep(waiting);
  return capture.isReady(waiting);
}
