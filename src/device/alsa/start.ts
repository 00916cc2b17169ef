import { TenutoError } from '../../errors.js';
import { errno, errnoName, monotonicNs, pcmReport, sleepUntilNs } from '../../os/index.js';
import type { Capture } from './capture.js';
import { type Playback, playbackAt } from './playback.js';

/**
 * How long a device may take until it plays: a sound server has to connect the stream first, and
 * headphones have to wake up.
 */
export const startMs = 2000;
/** How often its position is looked at meanwhile. */
const lookNs = 250_000;
/** Movements of its position after which a device counts as started. */
const startSteps = 4;
/** One that moves by so much at a time has shown it with the second movement. */
const longStepMs = 20;
/** Quanta in a row after which a device that has none of them in its buffer has no clock. */
const swallowed = 4;

export interface StartPlan {
  name: string;
  captureName: string | null;
  quantum: number;
  /** Silence that it begins with, if that is enough. */
  silenceFrames: number;
  isLinked: boolean;
  /** Steps of which it need not be known how long they are. */
  stepFramesMax: number;
  /** How long it may show no sign of playing at all. */
  patienceMs: number;
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

/** It was opened and started, and stands still. */
export class NoSignOfIt extends TenutoError {
  constructor(name: string, ms: number) {
    super('TENUTO_DEVICE_LOST', `${name} does not start: no sign of it in ${ms} ms`);
  }
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
export function startSides(playback: Playback, capture: Capture | null, plan: StartPlan): Started {
  const { name, captureName, quantum, silenceFrames, isLinked, stepFramesMax, patienceMs } = plan;
  const silenceFramesMax = playback.choice.bufferFrames;
  let silence = Math.min(silenceFrames, silenceFramesMax);
  let offsetFrames = 0;
  const steps = new Steps();
  const begin = () => {
    steps.restart();
    const error = playback.restart(silence);
    if (error < 0) throw notStarted(name, errnoName(error));
  };
  const captureError = capture?.restart(isLinked) ?? 0;
  begin();
  if (captureError < 0) throw notStarted(captureName ?? '', errnoName(captureError));
  if (swallows(playback, quantum)) {
    return { isUnpaced: true, stepFrames: quantum, offsetFrames: 0 };
  }
  const begunNs = monotonicNs();
  const longStep = (longStepMs * playback.choice.rateHz) / 1000;
  for (let isHeard = false; ; sleepUntilNs(monotonicNs() + lookNs)) {
    const limitMs = steps.count > 0 ? startMs : patienceMs;
    if (monotonicNs() - begunNs > limitMs * 1e6) {
      throw new NoSignOfIt(steps.count > 0 && !isHeard ? (captureName ?? name) : name, limitMs);
    }
    const error = playback.observe();
    if (error < 0 && error !== -errno.EPIPE) throw notStarted(name, errnoName(error));
    const fill = error < 0 ? 0 : playback.fillFrames;
    if (fill <= 0) {
      // It takes more at a time than it was given, or this process was not there in time.
      if (error < 0 && silence === silenceFramesMax) throw notStarted(name, errnoName(error));
      silence = Math.min(2 * silence, silenceFramesMax);
      begin();
      continue;
    }
    steps.follow(playback.frames[playbackAt.written]! - fill);
    offsetFrames = Math.max(offsetFrames, playback.report.words[pcmReport.delayFrames]! - fill);
    isHeard = capture === null || hears(capture);
    const isKnown = steps.count >= startSteps || steps.longest >= longStep;
    if (steps.longest > stepFramesMax || (isKnown && isHeard)) {
      return { isUnpaced: false, stepFrames: steps.longest, offsetFrames };
    }
    if (fill < silence) playback.giveSilence(silence - fill);
  }
}

/** Whether a device takes what it is given in no time: more than once, before any time has passed. */
function swallows(playback: Playback, quantum: number): boolean {
  const begunNs = monotonicNs();
  for (let i = 0; i < swallowed; i++) {
    if (playback.observe() < 0 || playback.fillFrames > 0) return false;
    if (playback.giveSilence(quantum) < 0) return false;
  }
  const givenNs = (swallowed * quantum * 1e9) / playback.choice.rateHz;
  return playback.observe() === 0 && playback.fillFrames <= 0 && monotonicNs() - begunNs < givenNs;
}

/** Whether the listening side holds what it should before the first turn. */
function hears(capture: Capture): boolean {
  const waiting = capture.observe();
  capture.noteStep(waiting);
  return capture.isReady(waiting);
}
