/**
 * One thing that is watched: a counter that may go up by less than so many in `windowSec`, or a
 * timer whose average or longest measurement is to stay below so many milliseconds.
 */
export interface Tripwire {
  /** Name in `tenuto status --json` and wherever else it is measured. */
  readonly name: string;
  /** Of `counterTable`, for a counter. */
  readonly counter?: string;
  /** Of `timerTable`, for a timer. */
  readonly timer?: string;
  /** Of a timer's last 100 measurements within the window. */
  readonly of?: 'average' | 'max';
  /** Default of the setting: it trips when so many, or so many ms, are reached; 0 is off. */
  readonly threshold: number;
}

/**
 * All tripwires by their key in the settings. This one table gives the settings, the rows of the
 * status and docs/tripwires.md. Its order is their order in memory: append only.
 */
export const tripwireTable = {
  underruns: {
    name: 'callback_underrun_count',
    counter: 'underruns',
    threshold: 3,
  },
  generationMismatches: {
    name: 'callback_gen_mismatch_count',
    counter: 'fenced',
    threshold: 3,
  },
  deviceQueryFailures: {
    name: 'device_query_failure_count',
    counter: 'deviceQueryFailures',
    threshold: 5,
  },
  streamOpenFailures: {
    name: 'stream_open_fail_count',
    counter: 'streamOpenFailures',
    threshold: 5,
  },
  captureDropFrames: {
    name: 'capture_drop_frames',
    counter: 'captureDropFrames',
    threshold: 1,
  },
  recreations: {
    name: 'recreate_count',
    counter: 'recreations',
    threshold: 10,
  },
  deviceStalls: {
    name: 'device_stall_count',
    counter: 'deviceStalls',
    threshold: 1,
  },
  deviceLost: {
    name: 'device_lost_count',
    counter: 'deviceLost',
    threshold: 3,
  },
  xruns: {
    name: 'device_xrun_count',
    counter: 'xruns',
    threshold: 10,
  },
  badSamples: {
    name: 'bad_sample_count',
    counter: 'streamBadSamples',
    threshold: 1,
  },
  takeovers: {
    name: 'takeover_count',
    counter: 'takeovers',
    threshold: 10,
  },
  replicaRestarts: {
    name: 'replica_restart_count',
    counter: 'restartsReplica',
    threshold: 10,
  },
  divergences: {
    name: 'divergence_count',
    counter: 'divergences',
    threshold: 1,
  },
  voidedRecords: {
    name: 'voided_record_count',
    counter: 'voided',
    threshold: 1,
  },
  recorderLostFrames: {
    name: 'recorder_lost_frames',
    counter: 'recorderLostFrames',
    threshold: 1,
  },
  recreateAverageMs: {
    name: 'recreate_total_ms_avg',
    timer: 'recreateTotal',
    of: 'average',
    threshold: 500,
  },
  recreateMaxMs: {
    name: 'recreate_total_ms_max',
    timer: 'recreateTotal',
    of: 'max',
    threshold: 2000,
  },
  resampleAverageMs: {
    name: 'callback_resample_ms_avg',
    timer: 'callbackResample',
    of: 'average',
    threshold: 0.5,
  },
  resampleMaxMs: {
    name: 'callback_resample_ms_max',
    timer: 'callbackResample',
    of: 'max',
    threshold: 2,
  },
  deviceOpenMaxMs: {
    name: 'device_open_ms_max',
    timer: 'deviceOpen',
    of: 'max',
    threshold: 2000,
  },
  takeoverGapMaxMs: {
    name: 'takeover_gap_ms_max',
    timer: 'takeoverGap',
    of: 'max',
    threshold: 100,
  },
  kernelFaults: {
    name: 'kernel_fault_count',
    counter: 'kernelFaults',
    threshold: 1,
  },
} as const satisfies Record<string, Tripwire>;

/** The key of a tripwire in the settings. */
export type TripwireKey = keyof typeof tripwireTable;

/** The table as rows, in the order of memory. */
export const tripwires: readonly (Tripwire & { readonly key: TripwireKey })[] = (
  Object.keys(tripwireTable) as TripwireKey[]
).map((key) => ({ key, ...tripwireTable[key] }));
