/**
 * Every failure that a user can meet, with its stable code, its remedy and the exit status that a
 * command ends with. `docs/errors.md` is made from this table.
 */
export const errorTable = {
  TENUTO_USAGE: { exit: 2, remedy: 'Correct the command line; `tenuto help COMMAND` shows it.' },
  TENUTO_SETTINGS_INVALID: {
    exit: 3,
    remedy: 'Correct the named key at the named line and column.',
  },
  TENUTO_PATCH_INVALID: { exit: 3, remedy: 'Correct the patch at the named line and column.' },
  TENUTO_PATCH_UNKNOWN: {
    exit: 3,
    remedy: 'Use one of the names that the message lists; docs/nodes.md describes every node.',
  },
  TENUTO_PROGRAM_INVALID: {
    exit: 3,
    remedy: 'Compile the patch again with this version of Tenuto.',
  },
  TENUTO_PATCH_CYCLE: {
    exit: 3,
    remedy: 'Break the named cycle with a `delay` node: feedback goes only through a delay.',
  },
  TENUTO_PATCH_LIMIT: {
    exit: 3,
    remedy: 'Make the patch smaller; docs/limits.md lists the limits.',
  },
  TENUTO_PATCH_WITHDRAWN: {
    exit: 6,
    remedy: 'Correct what the message names and load it again; the patch before plays on.',
  },
  TENUTO_MODULE_INVALID: {
    exit: 3,
    remedy: 'Correct the module; `tenuto node test FILE` checks it, docs/own-nodes.md shows one.',
  },
  TENUTO_FILE_UNREADABLE: { exit: 3, remedy: 'Check that the path exists and may be read.' },
  TENUTO_MEDIA_UNKNOWN: {
    exit: 3,
    remedy: 'Give a WAV, FLAC, MP3, Ogg Vorbis or Opus file.',
  },
  TENUTO_MEDIA_DAMAGED: {
    exit: 3,
    remedy: 'The file is truncated or damaged; make it anew from its source.',
  },
  TENUTO_MEDIA_LIMIT: { exit: 3, remedy: 'The file is larger than the limits allow; split it.' },
  TENUTO_DEVICE_UNKNOWN: { exit: 4, remedy: 'Choose one that `tenuto devices` lists.' },
  TENUTO_DEVICE_LOST: { exit: 4, remedy: 'Reconnect the device, or choose another one.' },
  TENUTO_DEVICE_BUSY: {
    exit: 4,
    remedy: 'End the program that holds the device, or play to the sound server instead.',
  },
  TENUTO_DEVICE_RATE: {
    exit: 4,
    remedy: 'Set engine.rateHz to a rate that the message names, or allow rate conversion.',
  },
  TENUTO_DEVICE_FORMAT: {
    exit: 4,
    remedy: 'Choose another device, or set engine.channels to a number that the message names.',
  },
  TENUTO_DEVICE_NO_ALSA: {
    exit: 4,
    remedy: 'Install libasound2, or use the virtual device with --device virtual.',
  },
  TENUTO_STREAM_FORMAT: {
    exit: 3,
    remedy: 'Give a rate of 1000 to 768000 Hz, 1 to 8 channels, and s16, s24, s32 or f32.',
  },
  TENUTO_STREAM_CLOSED: { exit: 3, remedy: 'Open another stream; this one takes no more frames.' },
  TENUTO_STREAM_LIMIT: {
    exit: 6,
    remedy: 'Close a stream that is no longer needed, or wait longer for one to become free.',
  },
  TENUTO_CAPTURE_OFF: {
    exit: 3,
    remedy:
      'Start the engine with --capture DEVICE; `tenuto devices` lists what can be listened to.',
  },
  TENUTO_CAPTURE_FORMAT: {
    exit: 3,
    remedy: 'Correct what the message names; docs/capture.md tells what can be asked for.',
  },
  TENUTO_CAPTURE_CLOSED: {
    exit: 6,
    remedy: 'Begin another capture; this one and perhaps its engine have ended.',
  },
  TENUTO_MEASURE_PARAMETERS: {
    exit: 3,
    remedy: 'Correct what the message names; docs/measuring.md tells what can be measured.',
  },
  TENUTO_MEASURE_DISTURBED: {
    exit: 6,
    remedy: 'Measure again when the device plays undisturbed; the message names what came between.',
  },
  TENUTO_MEASURE_CLIPPED: {
    exit: 6,
    remedy: 'Lower the gain of the input, or the amplitude of the signal.',
  },
  TENUTO_MEASURE_SILENT: {
    exit: 6,
    remedy: 'Unmute the input and raise its gain; check that it is the right channel.',
  },
  TENUTO_MEASURE_DISCONNECTED: {
    exit: 4,
    remedy: 'Connect the input device, or choose another one with --capture.',
  },
  TENUTO_MEASURE_NOTHING: {
    exit: 6,
    remedy: 'Check that what is played reaches the input, and that it is loud enough.',
  },
  TENUTO_CALIBRATION_MISSING: {
    exit: 3,
    remedy: 'Make one with `tenuto latency --save` or `tenuto distance --calibrate`.',
  },
  TENUTO_CALIBRATION_STALE: {
    exit: 3,
    remedy: 'Calibrate again: the stream is another one than that which was calibrated.',
  },
  TENUTO_CALIBRATION_INVALID: {
    exit: 3,
    remedy: 'Remove the file and calibrate again.',
  },
  TENUTO_STATE_INVALID: {
    exit: 3,
    remedy: 'Delete the file, or run without --restore.',
  },
  TENUTO_COMMAND_INVALID: {
    exit: 3,
    remedy: 'Correct what the message names; docs/control.md describes every command.',
  },
  TENUTO_COMMAND_UNKNOWN: {
    exit: 3,
    remedy: 'Use one of the names that the message lists; `tenuto get` shows all of the patch.',
  },
  TENUTO_COMMAND_RANGE: { exit: 3, remedy: 'Give a value within the range that is named.' },
  TENUTO_COMMAND_STALE: {
    exit: 6,
    remedy: 'Somebody else changed the state first: read it again, and decide anew.',
  },
  TENUTO_COMMAND_LIMIT: {
    exit: 6,
    remedy: 'Send fewer commands at a time; docs/control.md tells how many can wait.',
  },
  TENUTO_COMMAND_VOIDED: {
    exit: 6,
    remedy: 'The command ended the processes that applied it and was withdrawn; report it.',
  },
  TENUTO_ENGINE_UNREACHABLE: {
    exit: 5,
    remedy: 'Start an engine of that name with `tenuto run`, or name the right one with --name.',
  },
  TENUTO_ENGINE_EXISTS: {
    exit: 3,
    remedy: 'End the running one with `tenuto stop`, or give this one another --name.',
  },
  TENUTO_ENGINE_FAILED: {
    exit: 6,
    remedy: 'Run it again with --verbose; `tenuto doctor` looks for the usual causes.',
  },
  TENUTO_RECORD_FAILED: {
    exit: 6,
    remedy: 'Free some space or choose another folder; the file holds all up to the failure.',
  },
  TENUTO_JOURNAL_DAMAGED: {
    exit: 3,
    remedy: 'Use another copy of the file; what comes before a damage is replayed.',
  },
  TENUTO_JOURNAL_CODE: {
    exit: 3,
    remedy: 'If you trust where the journal comes from, give --run-code; the code runs as you.',
  },
  TENUTO_JOURNAL_DIFFERS: {
    exit: 6,
    remedy: 'Replay it with the version of Tenuto that wrote it; the message names both.',
  },
  TENUTO_PORT_TAKEN: {
    exit: 3,
    remedy: 'End the program that holds the port, or choose another one for control.http.',
  },
  TENUTO_REQUEST_INVALID: {
    exit: 2,
    remedy: 'Correct the named part of the request; /api/v1/openapi.json describes every one.',
  },
  TENUTO_REQUEST_UNKNOWN: {
    exit: 2,
    remedy: 'Ask for one of the addresses that /api/v1/openapi.json lists.',
  },
  TENUTO_REQUEST_FORBIDDEN: {
    exit: 3,
    remedy: 'Do it from the dashboard itself or a program, or change the named setting.',
  },
  TENUTO_REQUEST_LIMIT: { exit: 6, remedy: 'Ask less often, or less at once.' },
  TENUTO_TOKEN_WRONG: {
    exit: 3,
    remedy: 'Send the token of control.token as `Authorization: Bearer TOKEN`.',
  },
  TENUTO_PERMISSION: { exit: 3, remedy: 'Give this user the named permission.' },
  TENUTO_SYSTEM: { exit: 6, remedy: 'The system refused a call; the message names it.' },
} as const;

export type ErrorCode = keyof typeof errorTable;

/** All codes in the order of the table: the number that stands for each in the engine's memory. */
export const errorCodes = Object.keys(errorTable) as ErrorCode[];

/** The exit statuses of every command; above 128 the number of the signal that ended it. */
export const exitCodes = {
  ok: 0,
  usage: 2,
  configuration: 3,
  device: 4,
  unreachable: 5,
  degraded: 6,
  signal: 128,
} as const;

/** An expected failure: what happened, and what to do about it. Never a programmer's mistake. */
export class TenutoError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'TenutoError';
    this.code = code;
  }

  get remedy(): string {
    return errorTable[this.code].remedy;
  }

  get exitCode(): number {
    return errorTable[this.code].exit;
  }
}

/** States what the programmer guarantees; stays on in production and ends the process. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
