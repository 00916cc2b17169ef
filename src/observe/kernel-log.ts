import { closeSync, constants, openSync, readSync } from 'node:fs';
import { TenutoError } from '../errors.js';

/** A line of the kernel's log that tells of a fault. */
export interface KernelFault {
  /** Seconds since the start of the machine, as the kernel says; null when it does not. */
  uptimeSec: number | null;
  message: string;
  /** The pattern that fits. */
  pattern: string;
}

/** The longest record that the kernel gives is 8 kB. */
const readBytes = 16 << 10;
const pollMs = 200;
/** A file that grows faster than this in one look is read on at the next. */
const readsMax = 1024;

/** Makes a pattern of a setting. @throws TenutoError `TENUTO_SETTINGS_INVALID` */
export function compilePatterns(patterns: readonly string[]): RegExp[] {
  return patterns.map((pattern) => {
    try {
      return new RegExp(pattern, 'i');
    } catch (cause) {
      const text = `measure.kernelPatterns: ${JSON.stringify(pattern)} is no regular expression`;
      throw new TenutoError('TENUTO_SETTINGS_INVALID', text, { cause });
    }
  });
}

/**
 * Takes a line of the log apart: `level,number,microseconds,flags;message` as `/dev/kmsg` gives it, or
 * `[seconds] message` as `dmesg` prints it, or a message alone.
 */
export function parseKernelLine(line: string): { uptimeSec: number | null; message: string } {
  const record = /^\d+,\d+,(\d+),[^;]*;(.*)$/.exec(line);
  if (record) return { uptimeSec: Number(record[1]) / 1e6, message: record[2]! };
  const printed = /^(?:<\d+>)?\[\s*(\d+\.\d+)\]\s*(.*)$/.exec(line);
  if (printed) return { uptimeSec: Number(printed[1]), message: printed[2]! };
  return { uptimeSec: null, message: line };
}

/**
 * Follows the kernel's log from now on, and tells of each line that fits a pattern. A file, a pipe
 * and `/dev/kmsg` itself are all followed. Not for the audio thread.
 */
export class KernelLog implements Disposable {
  /** Lines seen, faults among them, and times that the kernel had overwritten what was not read. */
  lines = 0;
  faults = 0;
  lost = 0;
  private readonly fd: number;
  private readonly timer: NodeJS.Timeout;
  private readonly buffer = Buffer.alloc(readBytes);
  private readonly patterns: RegExp[];
  private rest = '';
  private isClosed = false;

  /** @throws TenutoError `TENUTO_PERMISSION`, `TENUTO_FILE_UNREADABLE`, `TENUTO_SETTINGS_INVALID` */
  constructor(
    file: string,
    patterns: readonly string[],
    private readonly onFault: (fault: KernelFault) => void,
  ) {
    this.patterns = compilePatterns(patterns);
    try {
      this.fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const denied = code === 'EACCES' || code === 'EPERM';
      throw new TenutoError(
        denied ? 'TENUTO_PERMISSION' : 'TENUTO_FILE_UNREADABLE',
        denied
          ? `${file} may not be read: join the group adm, or run as root`
          : `${file} cannot be read (${code})`,
        { cause },
      );
    }
    // What was logged before is history: a machine that had a fault last week is not ended for it.
    this.skip();
    this.timer = setInterval(() => this.look(), pollMs);
    this.timer.unref();
  }

  private skip(): void {
    for (let i = 0; i < 100 * readsMax && this.read() !== null; i++);
    this.rest = '';
  }

  /** What comes next; null when there is nothing more now. */
  private read(): string | null {
    try {
      const bytes = readSync(this.fd, this.buffer);
      return bytes === 0 ? null : this.buffer.toString('utf8', 0, bytes);
    } catch (error) {
      // EPIPE: the kernel has overwritten records that were not read yet; the next one is there.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return null;
      this.lost++;
      return '';
    }
  }

  /** Looks at what has come. Called by itself five times a second. */
  look(): void {
    for (let i = 0; i < readsMax; i++) {
      const text = this.read();
      if (text === null) return;
      const lines = (this.rest + text).split('\n');
      this.rest = (lines.pop() ?? '').slice(-readBytes);
      for (const line of lines) this.take(line);
    }
  }

  private take(line: string): void {
    // What begins with a space continues the record before: names of the device it is about.
    if (line === '' || line.startsWith(' ')) return;
    this.lines++;
    const { uptimeSec, message } = parseKernelLine(line);
    const pattern = this.patterns.find((one) => one.test(message));
    if (pattern === undefined) return;
    this.faults++;
    this.onFault({ uptimeSec, message, pattern: pattern.source });
  }

  /** Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.timer);
    closeSync(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
