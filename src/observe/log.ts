import { writeSync } from 'node:fs';
import { pino } from 'pino';

/** Who speaks: the same words as in `ps` and `tenuto status`. */
export interface LogIdentity {
  role: string;
  /** The engine's name. */
  engine?: string;
  /** For one of several processes of a role. */
  slot?: number;
  /** Of the driver that speaks, or is spoken of. */
  generation?: number;
}

/** How much is logged and in which shape; the `log` group of the settings. */
export interface LogSettings {
  level: 'silent' | 'error' | 'warn' | 'info' | 'debug';
  format: 'text' | 'json';
}

/** Writes lines to standard error. Never for the audio thread: it formats, allocates and waits. */
export interface Logger {
  error(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  debug(message: string, fields?: object): void;
  /** The same with more in each line, such as a generation. */
  with(more: Partial<LogIdentity>): Logger;
}

/** Takes one whole line with its newline; must not throw. */
export type LogSink = (line: string) => void;

/**
 * Standard error, written at once so that the last line before a death is there. What it refuses
 * (a closed terminal, a full pipe that nobody reads) is dropped: a log never stops an engine.
 */
const standardError: LogSink = (line) => {
  try {
    writeSync(2, line);
  } catch {
    // Nobody is left to tell.
  }
};

const levelNames: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
};

/** `12:00:01.123 warn  default/replica 1 [4711] g3: message key=value` */
function asText(line: string): string {
  const { level, time, msg, role, engine, slot, pid, generation, ...rest } = JSON.parse(
    line,
  ) as Record<string, unknown>;
  const who = `${engine === undefined ? '' : `${engine}/`}${role}${slot === undefined ? '' : ` ${slot}`}`;
  const era = generation === undefined ? '' : ` g${generation}`;
  const fields = Object.entries(rest)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  const clock = String(time).slice(11, 23);
  const weight = (levelNames[Number(level)] ?? String(level)).padEnd(5);
  return `${clock} ${weight} ${who} [${pid}]${era}: ${msg}${fields}\n`;
}

function wrap(inner: pino.Logger): Logger {
  const at =
    (level: 'error' | 'warn' | 'info' | 'debug') =>
    (message: string, fields: object = {}): void =>
      inner[level](fields, message);
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    with: (more) => wrap(inner.child(more)),
  };
}

/**
 * A logger whose every line holds role, slot, process number and generation.
 *
 * @param sink - where lines go; standard error unless a test says otherwise
 */
export function createLogger(
  who: LogIdentity,
  settings: LogSettings,
  sink: LogSink = standardError,
): Logger {
  const write: LogSink = settings.format === 'json' ? sink : (line) => sink(asText(line));
  return wrap(
    pino(
      {
        level: settings.level,
        base: { ...who, pid: process.pid },
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
      },
      { write },
    ),
  );
}
