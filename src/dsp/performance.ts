/**
 * A program that renders, as the performance needs it: a `Renderer`, or what stands for one where
 * the protocol is proven without sound.
 */
export interface Part {
  /** Exactly the bytes that make a snapshot. */
  readonly arena: Uint8Array;
  /** The quantum rendered last, interleaved. */
  readonly output: Float32Array;
  /** The last frame that it put out, a sample for each channel; part of the arena. */
  readonly lastFrame: Float32Array;
  setStreamEnd(stream: number, frames: number): void;
  apply(words: Int32Array, at: number): void;
  render(): void;
  /** As it was made. */
  reset(): void;
  /** Silences the nodes of the user's. */
  silenceOwn(): void;
  /** Nodes of the user's that failed and are silent since. */
  readonly silencedNodes: number;
}

/** What one part hands on to the next, prepared. */
export interface Handover {
  handOn(): void;
}

/** The operation of the command that changes the program, in the low half of its first word. */
export const switchOp = 8;
/** Words of that command: the number of the program, flags, frames of the fade. */
export const switchWords = { program: 1, flags: 2, fadeFrames: 4 } as const;
/** The program before is not to be rendered any more: it fails. What it put out last falls. */
export const switchFlags = { withdraw: 1 } as const;

/** How long the last frame of what cannot go on takes to fall, and the fade that follows it. */
const FALL_SEC = 0.005;
const REVERT_SEC = 0.02;

/**
 * A patch that is changed while it plays: a history of programs, each of which begins at a tick with
 * what the one before handed on, while the one before fades out. Like a single program it is a
 * deterministic machine: the same programs, commands and sources give the same samples, in every
 * replica, offline, and in a replay.
 *
 * A snapshot is a copy of `arena` with the numbers `program` and `previous`, taken while it
 * `isSettled`: during a fade there is none, and who joins begins before it.
 */
export class Performance<P extends Part = Part> {
  /** Interleaved; valid from one `render` to the next. */
  readonly output: Float32Array;
  /** The program that was asked for is not here: nothing can be rendered any more. */
  isLost = false;
  /** The number of the program that plays. */
  program = 0;
  /** The number of the one to go back to; 0 for none. */
  previous = 0;
  private readonly parts = new Map<number, P>();
  private readonly handovers = new Map<string, Handover>();
  private current: P | null = null;
  private outgoing: P | null = null;
  /** Of the fade: how loud each was at its start, its frames, and those that are over. */
  private currentFrom = 1;
  private outgoingFrom = 0;
  private fadeFrames = 1;
  private fadeAt = 1;
  /** What cannot be rendered any more, as its last frame, and the frames for which it still falls. */
  private readonly falling: Float32Array;
  private fallLeft = 0;
  private readonly fallFrames: number;
  private readonly revertFrames: number;
  private readonly streamEnds: Int32Array;

  constructor(
    private readonly format: { rate: number; quantum: number; channels: number; streams: number },
    private readonly prepareHandover: (from: P, to: P) => Handover,
  ) {
    const { rate, quantum, channels, streams } = format;
    this.output = new Float32Array(quantum * channels);
    this.falling = new Float32Array(channels);
    this.fallFrames = Math.round(FALL_SEC * rate);
    this.revertFrames = Math.round(REVERT_SEC * rate);
    this.streamEnds = new Int32Array(streams);
  }

  /** Adds a program that may be switched to. Allocates: not for the audio thread. */
  add(number: number, part: P): void {
    for (const [other, known] of this.parts) {
      this.handovers.set(`${other}-${number}`, this.prepareHandover(known, part));
      this.handovers.set(`${number}-${other}`, this.prepareHandover(part, known));
    }
    this.parts.set(number, part);
  }

  /** Forgets a program, unless it plays. Not for the audio thread. */
  remove(number: number): void {
    const part = this.parts.get(number);
    if (part === undefined || part === this.current || part === this.outgoing) return;
    this.parts.delete(number);
    for (const key of this.handovers.keys()) {
      if (key.split('-').includes(String(number))) this.handovers.delete(key);
    }
    if (this.previous === number) this.previous = 0;
  }

  /** The program of this number, if it was added. */
  part(number: number): P | undefined {
    return this.parts.get(number);
  }

  /**
   * Goes on from a snapshot of `program`, whose bytes are to be written into `arena` then. Also how
   * the first program begins, from an arena as it was made. False when it does not have it.
   *
   * @param isFresh - from the arena as it was made, whatever has been rendered since
   */
  begin(program: number, previous: number, isFresh = false): boolean {
    const part = this.parts.get(program);
    if (part === undefined) return false;
    if (isFresh) part.reset();
    this.current = part;
    this.outgoing = null;
    this.program = program;
    this.previous = previous;
    this.fadeAt = this.fadeFrames;
    this.fallLeft = 0;
    this.isLost = false;
    return true;
  }

  /** Of the program that plays. */
  get arena(): Uint8Array {
    return this.current!.arena;
  }

  /** The program that plays. */
  get playing(): P {
    return this.current!;
  }

  /** User's nodes of it that failed and are silent since. */
  get silencedNodes(): number {
    return this.current!.silencedNodes;
  }

  /** False during a fade, when there can be no snapshot. */
  get isSettled(): boolean {
    return this.fadeAt >= this.fadeFrames && this.fallLeft === 0;
  }

  setStreamEnd(stream: number, frames: number): void {
    this.streamEnds[stream] = frames;
  }

  /** Applies a command record to the coming quantum; a switch, at its first frame. */
  apply(words: Int32Array, at: number): void {
    if ((words[at]! & 0xffff) !== switchOp) {
      this.current!.apply(words, at);
      return;
    }
    const withdraws = (words[at + switchWords.flags]! & switchFlags.withdraw) !== 0;
    const frames = words[at + switchWords.fadeFrames]!;
    this.switchTo(words[at + switchWords.program]!, frames, withdraws);
  }

  /** Goes back to the program before, because this one fails: the fate of a record. */
  revert(): void {
    if (this.previous !== 0) this.switchTo(this.previous, this.revertFrames, true);
  }

  /** Silences the nodes of the user's, because one computes for ever: the fate of a record. */
  silenceOwn(): void {
    this.current!.silenceOwn();
    this.outgoing?.silenceOwn();
  }

  private switchTo(number: number, fadeFrames: number, withdraws: boolean): void {
    const next = this.parts.get(number);
    if (next === undefined) {
      this.isLost = true;
      return;
    }
    const current = this.current!;
    if (next === current) return;
    const loud = this.gainOfCurrent(0);
    const left = this.outgoing === null ? 0 : this.gainOfOutgoing(0);
    const returns = next === this.outgoing;
    if (this.outgoing !== null && !returns) this.letFall(this.outgoing, left);
    if (withdraws) this.letFall(current, loud);
    if (!returns) {
      next.reset();
      this.handovers.get(`${this.program}-${number}`)!.handOn();
    }
    this.outgoing = withdraws ? null : current;
    this.outgoingFrom = loud;
    this.currentFrom = returns ? left : 0;
    this.current = next;
    this.previous = withdraws ? 0 : this.program;
    this.program = number;
    this.fadeFrames = Math.max(1, fadeFrames);
    this.fadeAt = 0;
  }

  /** What is heard of it last falls to silence in a moment, for it will not be rendered again. */
  private letFall(part: P, gain: number): void {
    const rest = this.gainOfFall(0);
    for (let c = 0; c < this.falling.length; c++) {
      this.falling[c] = this.falling[c]! * rest + part.lastFrame[c]! * gain;
    }
    this.fallLeft = this.fallFrames;
  }

  /** Renders one quantum into `output`. For the audio thread. */
  render(): void {
    const { output, format } = this;
    const current = this.current!;
    this.renderPart(current);
    if (this.isSettled) {
      output.set(current.output);
      return;
    }
    const { outgoing } = this;
    if (outgoing !== null) this.renderPart(outgoing);
    const { quantum, channels } = format;
    for (let frame = 0; frame < quantum; frame++) {
      const gain = this.gainOfCurrent(frame + 1);
      const rest = this.gainOfOutgoing(frame + 1);
      const fall = this.gainOfFall(frame + 1);
      for (let at = frame * channels, c = 0; c < channels; at++, c++) {
        let sample = current.output[at]! * gain + this.falling[c]! * fall;
        if (outgoing !== null) sample += outgoing.output[at]! * rest;
        output[at] = sample;
      }
    }
    this.fadeAt = Math.min(this.fadeFrames, this.fadeAt + quantum);
    this.fallLeft = Math.max(0, this.fallLeft - quantum);
    if (this.fadeAt === this.fadeFrames) this.outgoing = null;
  }

  private renderPart(part: P): void {
    const { streamEnds, format } = this;
    for (let i = 0; i < streamEnds.length; i++) part.setStreamEnd(i, streamEnds[i]!);
    part.render();
    const { lastFrame, output } = part;
    const last = (format.quantum - 1) * format.channels;
    for (let c = 0; c < format.channels; c++) lastFrame[c] = output[last + c]!;
  }

  /** How far the fade is after so many frames of this quantum: 0 to 1, level at both ends. */
  private faded(frames: number): number {
    const part = Math.min(1, (this.fadeAt + frames) / this.fadeFrames);
    return part * part * (3 - 2 * part);
  }

  private gainOfCurrent(frames: number): number {
    return this.currentFrom + (1 - this.currentFrom) * this.faded(frames);
  }

  private gainOfOutgoing(frames: number): number {
    return this.outgoingFrom * (1 - this.faded(frames));
  }

  private gainOfFall(frames: number): number {
    return Math.max(0, this.fallLeft - frames) / this.fallFrames;
  }
}
