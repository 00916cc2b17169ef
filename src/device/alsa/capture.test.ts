import { describe, expect, it } from 'vitest';
import { type Pcm, PcmState, pcmReport } from '../../os/index.js';
import { ClockFollower } from '../clock-follower.js';
import { Capture } from './capture.js';
import { haveOneClock } from './names.js';

const rateHz = 48_000;
const quantum = 128;
const toneHz = 997;

/** A card that hears a tone by a clock of its own, and gives it in steps. */
class Card {
  readonly transfer = new ArrayBuffer(quantum * 4);
  private readonly samples = new Float32Array(this.transfer);
  /** Frames that it has heard and given, by its own clock. */
  heard = 0;
  given = 0;

  constructor(private readonly stepFrames: number) {}

  /** Frames that wait are told in whole steps. */
  private get waiting(): number {
    return Math.floor(this.heard / this.stepFrames) * this.stepFrames - this.given;
  }

  observe(report: { words: Int32Array }): number {
    report.words[pcmReport.state] = PcmState.running;
    report.words[pcmReport.availFrames] = this.waiting;
    return 0;
  }

  read(frames: number): number {
    const taken = Math.min(frames, this.waiting);
    for (let i = 0; i < taken; i++) {
      this.samples[i] = 0.5 * Math.sin((2 * Math.PI * toneHz * (this.given + i)) / rateHz);
    }
    this.given += taken;
    return taken;
  }

  prepare(): number {
    return 0;
  }

  start(): number {
    return 0;
  }

  close(): void {}
}

/** Cycles of the tone in `samples`, by the places where it rises through 0. */
function pitchOf(samples: Float32Array): number {
  const rises: number[] = [];
  for (let i = 1; i < samples.length; i++) {
    const [before, now] = [samples[i - 1]!, samples[i]!];
    if (before < 0 && now >= 0) rises.push(i - 1 + before / (before - now));
  }
  return ((rises.length - 1) * rateHz) / (rises.at(-1)! - rises[0]!);
}

describe('a capture device with a clock of its own', () => {
  it.each([
    [200, 128],
    [-200, 128],
    [35, 1024],
  ])('that is %i ppm off and gives %i frames at a time loses nothing', (ppm, stepFrames) => {
    const card = new Card(stepFrames);
    const follower = new ClockFollower({ rateHz, channels: 1, quantum });
    const choice = { format: 'f32', rateHz, channels: 1, periodFrames: 128, bufferFrames: 16_384 };
    const pcm = card as unknown as Pcm;
    const capture = new Capture(pcm, choice as never, 1, quantum, 1000, 8 * quantum, follower);
    const into = new Float32Array(quantum);
    const advance = () => {
      card.heard += quantum * (1 + ppm * 1e-6);
      capture.observe();
    };
    capture.restart(false);
    while (!capture.isReady(capture.observe())) {
      advance();
      capture.noteStep(capture.observe());
    }
    const turnsPerSec = rateHz / quantum;
    const turns = 180 * turnsPerSec;
    const last = new Float32Array(Math.ceil(10 * turnsPerSec) * quantum);
    const kept = last.length / quantum;
    for (let turn = 0; turn < turns; turn++) {
      advance();
      capture.take(into);
      if (turn >= turns - kept) last.set(into, (turn - (turns - kept)) * quantum);
    }
    expect(capture.droppedFrames).toBe(0);
    expect(Math.abs(follower.ppm - ppm)).toBeLessThan(60);
    const cents = 1200 * Math.log2(pitchOf(last) / (toneHz * (1 + ppm * 1e-6)));
    expect(Math.abs(cents)).toBeLessThan(0.1);
  });
});

describe('two devices', () => {
  it.each([
    ['alsa:hw:1,0', 'alsa:plughw:CARD=1', true],
    ['alsa:hw:1', 'alsa:hw:2', false],
    ['pipewire:hall', 'pipewire:side.monitor', true],
    ['pipewire:hall', 'alsa:default', true],
    ['pipewire:hall', 'alsa:hw:0', false],
    ['alsa:null', 'alsa:hw:0', false],
  ])('%s and %s have one clock: %s', (playing, listening, expected) => {
    expect(haveOneClock(playing, listening)).toBe(expected);
  });
});
