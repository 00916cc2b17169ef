/**
 * Keeps the books of a stream in frames of the client's rate, while what is played is known in
 * frames of the engine's. A run is what was converted in one piece: N frames of the client become
 * round(N * ratio) of the engine.
 */
export class FrameAccount {
  /** Frames taken from the client, and those of them that were thrown away. */
  written = 0;
  flushed = 0;
  /** Engine frames put into the ring, and those of them that were taken back. */
  private pushed = 0;
  private takenBack = 0;
  private runs: Run[] = [];
  /** What is forgotten because it was played: in frames of the client and of the engine. */
  private done = 0;
  private doneEngine = 0;

  /** @param ratio frames of the engine for one of the client. */
  constructor(private readonly ratio: number) {}

  /** Frames of the client were taken. */
  take(frames: number): void {
    this.written += frames;
    this.current().frames += frames;
  }

  /** Engine frames were put into the ring. */
  push(frames: number): void {
    this.current().pushed += frames;
    this.pushed += frames;
  }

  /** What was taken so far has been pushed whole. */
  endRun(): void {
    const run = this.runs.at(-1);
    if (run) run.isEnded = true;
  }

  /** Frames of the client that were played, when so many engine frames wait in the ring. */
  played(waiting: number): number {
    const at = this.pushed - this.takenBack - waiting;
    let played = this.done;
    let before = this.doneEngine;
    for (const run of this.runs) {
      const inside = at - before;
      const isWhole = run.isEnded && inside >= run.pushed;
      if (inside <= 0 && !isWhole) break;
      played += isWhole ? run.frames : Math.min(run.frames, Math.floor(inside / this.ratio));
      before += run.pushed;
    }
    return played;
  }

  /** What is not played yet, in the ring and before it, was thrown away. */
  flush(waiting: number): void {
    const played = this.played(waiting);
    this.flushed = this.written - played;
    this.takenBack += waiting;
    this.done = played;
    this.doneEngine = this.pushed - this.takenBack;
    this.runs = [];
  }

  /** Forgets what is played whole, so that the books of a long stream stay short. */
  tidy(waiting: number): void {
    const at = this.pushed - this.takenBack - waiting;
    while (this.runs.length > 1) {
      const run = this.runs[0]!;
      if (!run.isEnded || at - this.doneEngine < run.pushed) return;
      this.done += run.frames;
      this.doneEngine += run.pushed;
      this.runs.shift();
    }
  }

  private current(): Run {
    const last = this.runs.at(-1);
    if (last && !last.isEnded) return last;
    const run: Run = { frames: 0, pushed: 0, isEnded: false };
    this.runs.push(run);
    return run;
  }
}

interface Run {
  frames: number;
  pushed: number;
  isEnded: boolean;
}
