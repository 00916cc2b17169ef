import type { EngineEnd, RunningEngine, Status } from '../client/index.js';
import { exitCodes, TenutoError } from '../errors.js';
import { failureJson, reportFailure } from './failure.js';
import type { Interrupt } from './interrupt.js';
import { ServiceNotice } from './service-notice.js';
import { liveText, reportText, summaryText } from './status-text.js';
import { LiveLine, say, sayJson } from './terminal.js';

/** Milliseconds between two looks at a running engine for the live line. */
const refreshMs = 200;

/** How an engine is watched to its end. */
export interface Watch {
  engine: RunningEngine;
  interrupt: Interrupt;
  json: boolean;
  verbose: boolean;
  /** What the live line says; the engine's state unless a command knows better. */
  line?: (status: Status) => string;
  /** Called once when the first sample was played, to say what is playing. */
  announce?: (status: Status) => void;
  /** Called once when the engine's page can be opened, which is a little later. */
  announcePage?: (address: string) => void;
  /** Reads the settings again, and says what became of them; by default SIGHUP ends the engine. */
  reload?: () => string;
  /** Resolves when the command's own work is done and the engine is to end. */
  finished?: Promise<void>;
}

/** The last status of an engine and how it ended. */
export interface Outcome {
  status: Status;
  end: EngineEnd;
}

/**
 * Stays with an engine until it ends: by itself, because the work is done, or because the user
 * asks. The first signal ends it in order, a second one at once.
 */
export async function watchEngine(watch: Watch): Promise<Outcome> {
  const { engine, interrupt } = watch;
  const line = new LiveLine();
  let status = engine.status();
  const look = () => {
    try {
      status = engine.status();
    } catch {
      // It has just ended: the last status stays.
    }
  };
  const notice = new ServiceNotice(process.env);
  let page: string | null = null;
  const refresh = setInterval(() => {
    look();
    notice.look(status, performance.now());
    if (page === null && status.control.http !== null) {
      page = status.control.http;
      line.clear();
      watch.announcePage?.(page);
    }
    line.show((watch.line ?? ((now) => liveText(now, process.stderr)))(status));
  }, refreshMs);
  const stop = () => {
    notice.stopping();
    void engine.stop();
  };
  void engine.playing.then(() => {
    line.clear();
    watch.announce?.(engine.status());
    notice.ready(engine.status());
  });
  const { reload } = watch;
  if (reload !== undefined) {
    interrupt.reload = () => {
      notice.reloading();
      line.clear();
      process.stderr.write(`${reload()}\n`);
      notice.ready(status);
    };
  }
  void interrupt.asked.then(stop);
  void interrupt.forced.then(() => engine.forceStop());
  let failure: unknown;
  watch.finished?.then(stop, (error) => {
    failure = error;
    stop();
  });
  try {
    const end = await engine.ended;
    look();
    // What failed because the user ended it is not worth telling.
    if (failure !== undefined && interrupt.signal === null) throw failure;
    return { status, end };
  } finally {
    clearInterval(refresh);
    line.clear();
  }
}

/** What was asked for and did not come about, or null. */
function failureOf({ status, end }: Outcome): TenutoError | null {
  if (end.report === null) {
    return new TenutoError(
      'TENUTO_ENGINE_FAILED',
      'the keeper was killed; the sound ended with it',
    );
  }
  if (end.report.reason === 'no-device') {
    const { failure } = status.device;
    const message = failure?.message ?? 'there was no device to play on';
    return new TenutoError(failure?.code ?? 'TENUTO_DEVICE_LOST', message);
  }
  if (end.report.reason === 'failed') {
    return new TenutoError('TENUTO_ENGINE_FAILED', 'the engine could not keep its processes alive');
  }
  if (status.recordings.some((row) => row.state === 'failed' || row.lostFrames > 0)) {
    return new TenutoError(
      'TENUTO_RECORD_FAILED',
      'the recording is not complete; the file holds what came before',
    );
  }
  return null;
}

/**
 * Tells how it went and sets the exit status: that of the failure if there was one, else that of
 * the signal that ended it, else 0.
 */
export function tellOutcome(outcome: Outcome, watch: Watch, more: object = {}): void {
  const { status, end } = outcome;
  const failure = failureOf(outcome);
  if (watch.json) {
    const { name, playedSec, tick, generation, counters, recordings } = status;
    const error = failure === null ? {} : { error: failureJson(failure) };
    const told = { name, state: 'ended', playedSec, tick, generation, counters, recordings };
    sayJson({ ...told, shutdown: end.report, ...more, ...error });
  } else {
    say(summaryText(status));
    if (watch.verbose && end.report !== null) say(reportText(end.report));
  }
  process.exitCode =
    failure === null
      ? (watch.interrupt.exitStatus ?? exitCodes.ok)
      : reportFailure(failure, { json: false, verbose: watch.verbose });
}
