import { TenutoError } from '../errors.js';
import { paint } from './terminal.js';

/** BSD's EX_SOFTWARE: a fault of the program itself, which no remedy of ours can name. */
const exitInternal = 70;

/** How the user asked to be told. */
export interface Manner {
  json: boolean;
  verbose: boolean;
}

/** A failure as `--json` shows it. */
export function failureJson(error: unknown): { code: string; message: string; remedy: string } {
  if (error instanceof TenutoError) {
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  return {
    code: 'TENUTO_INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    remedy: 'This is a fault of Tenuto; please report it with the output of --verbose.',
  };
}

/**
 * Tells the user of a failure: text on standard error, and with `--json` an object on standard
 * output, where a program that asked for one reads it.
 *
 * @returns the exit status
 */
export function reportFailure(error: unknown, { json, verbose }: Manner): number {
  const { code, message, remedy } = failureJson(error);
  if (json) process.stdout.write(`${JSON.stringify({ v: 1, error: { code, message, remedy } })}\n`);
  const indented = message.replaceAll('\n', '\n  ');
  process.stderr.write(`tenuto: ${paint('red', code, process.stderr)}: ${indented}\n`);
  process.stderr.write(`remedy: ${remedy}\n`);
  if (verbose && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
      process.stderr.write(`caused by: ${cause.stack ?? cause.message}\n`);
    }
  }
  return error instanceof TenutoError ? error.exitCode : exitInternal;
}

/** A command line that cannot be understood. */
export function usageError(message: string): TenutoError {
  return new TenutoError('TENUTO_USAGE', message);
}
