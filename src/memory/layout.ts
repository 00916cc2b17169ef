import { assert } from '../errors.js';
import { limits } from '../limits.js';
import { desk } from './desk-layout.js';
import { lineWords } from './line.js';
import { programSlot, programSlots } from './program-layout.js';
import { controlDesk, receipt, receiptEntries, streamSeat } from './seat-layout.js';
import { service } from './service-layout.js';
import { addressesWords, histogramsWords, timersWords, tripwireRegion } from './watch-layout.js';

/** What the sizes of a segment follow from. Frozen when the engine starts. */
export interface Geometry {
  /** Frames per quantum, a multiple of 4. */
  quantum: number;
  /** Frames per second. */
  rateHz: number;
  /** Samples per frame. */
  channels: number;
  /** Samples per frame of what is captured; 0 for none. */
  captureChannels: number;
  /** Quanta between the sealing of a tick and its playing. */
  lead: number;
  /** Ticks between two snapshots of one replica. */
  snapshotTicks: number;
  /** The most that a patch's state may have, that is one snapshot. */
  arenaBytes: number;
  /** The most that a compiled patch and its description may have. */
  programBytes: number;
  /** The first tick ever sealed; not 0 only to try the wrap. */
  firstTick: number;
}

export { DeskOutcome, DeviceState, desk, deskTextBytes } from './desk-layout.js';
export { programAsset, programSlot, programSlots } from './program-layout.js';
export { controlDesk, receipt, receiptEntries, SeatState, streamSeat } from './seat-layout.js';
export { ServiceKind, ServiceState, service } from './service-layout.js';
export { lineWords };

/**
 * Banks of the journal and of the output ring. A driver takes the bank after its predecessor's and
 * writes nowhere else, so one that was fenced and wakes up again can do no harm to the seven that
 * drive after it.
 */
export const banks = 8;
export const generationEntries = 64;
/** Places for replicas: those in use, and those that a process that cannot be killed still holds. */
export const replicaSlots = 8;
export const processEntries = 32;
export const serviceEntries = 8;
export const eventEntries = 1024;
export const counterWords = 128;
export const laneCount = 4;
export const laneCommands = 1024;
export const commandWords = 8;
/** Commands that one tick can carry; those that wait longer than a tick move to the next. */
export const commandsPerTick = 64;
export const journalTicks = 4096;
export const ringQuanta = 64;
export const outputQuanta = 4096;
export const snapshotsPerSlot = 2;

export const layoutMagic = 0x54454e55; // "UNET" in memory, "TENU" as a number
export const layoutVersion = 15;

assert(ringQuanta >= 2 * limits.leadQuantaMax, 'a replica never overwrites what is not yet played');
assert(limits.bundleCommandsMax <= commandsPerTick, 'a bundle fits one tick');
assert((journalTicks & (journalTicks - 1)) === 0, 'journal depth is a power of two');
assert((outputQuanta & (outputQuanta - 1)) === 0, 'output depth is a power of two');
assert(generationEntries > 4 * banks, 'the table outlives the banks');

/** Word offsets of the header. */
export const header = {
  magic: 0,
  version: 1,
  bytes: 2,
  quantum: 3,
  rateHz: 4,
  channels: 5,
  lead: 6,
  snapshotTicks: 7,
  arenaBytes: 8,
  programBytes: 9,
  firstTick: 10,
  keeperPid: 11,
  captureChannels: 12,
  words: 64,
} as const;

/** Word offsets inside the clock region; each word that is contended has a line of its own. */
export const clock = {
  /** Fenced word: the last sealed tick. */
  sealed: 0,
  /** Fenced word: the position after the last quantum on the output ring. */
  committed: 1 * lineWords,
  /** Microseconds of the monotonic clock (32 bits) at the driver's last turn. */
  beatUs: 2 * lineWords,
  /** The generation that the keeper asks the standby to become; 0 for none. Futex. */
  requestedGeneration: 3 * lineWords,
  /** What the keeper wants of the engine: a `Directive`. It only ever rises. */
  directive: 4 * lineWords,
  /** 1 when `stopTick` counts. */
  stopArmed: 4 * lineWords + 1,
  /** The first tick that is not to be played. */
  stopTick: 4 * lineWords + 2,
  /** What the driver has reached: a `DriverMark`. */
  driverMark: 5 * lineWords,
  /** The slot that the driver reads first. */
  primary: 6 * lineWords,
  /** 1 + the slot of a replica that diverged, for the keeper to replace; 0 for none. */
  diverged: 6 * lineWords + 1,
  divergedTick: 6 * lineWords + 2,
  /** Microseconds of the monotonic clock (32 bits) at the last commit. */
  commitUs: 7 * lineWords,
  /** A tick and a position near the fenced ones, to widen those with. */
  nearTick: 7 * lineWords + 1,
  nearPosition: 7 * lineWords + 2,
  /** The tick that is to be played next. */
  headTick: 7 * lineWords + 3,
  /** Counts the standby driver's turns, for the keeper to see that it lives. */
  standbyBeat: 8 * lineWords,
  /** 1 when somebody other than the keeper asked for the end. */
  stopRequest: 9 * lineWords,
  /** Counts control's looks, for the keeper to see that it lives. */
  controlBeat: 9 * lineWords + 2,
  /** The generation that asks the current driver to leave at its next turn; 0 for none. */
  handover: 9 * lineWords + 3,
  /** The last generation that a driver left for, having committed all that it gave. */
  handedOver: 9 * lineWords + 4,
  /** Counts the slots that were given to replica processes. Futex: those without one wait here. */
  assignments: 10 * lineWords,
  /** Counts the calls to the replicas in even and in odd slots. Futexes: they wait here. */
  evenCalls: 11 * lineWords,
  oddCalls: 12 * lineWords,
  words: 13 * lineWords,
} as const;

/** What the keeper wants: each step asks one more party to end, in the order of the shutdown. */
export const Directive = {
  run: 0,
  /** The driver fades out and then holds the stream. */
  fade: 1,
  /** Services finish their files and go. */
  finish: 2,
  /** Replicas and the standby driver go. */
  leave: 3,
  /** The driver closes the device and goes. */
  close: 4,
  /** Control goes. */
  end: 5,
} as const;
/** What the driver has reached. */
export const DriverMark = { starting: 0, playing: 1, ended: 2, faded: 3, closed: 4 } as const;

export const generation = {
  number: 0,
  /** The generation that wrote the output ring before, and its last position + 1. */
  previousCommit: 1,
  commitStart: 2,
  /** The generation that sealed before, and the first tick that this one seals. */
  previousSeal: 3,
  sealStart: 4,
  /** Tick of this generation's first content quantum. */
  playStart: 5,
  pid: 6,
  /** The bank that it writes in. */
  bank: 8,
  /** Time without a commit at the change, in microseconds; 0 until the first commit. */
  gapUs: 7,
  words: lineWords,
} as const;

export const processEntry = {
  pid: 0,
  role: 1,
  /** A replica's slot, a driver's generation, a service's index. */
  place: 2,
  state: 3,
  starts: 4,
  startedUs: 5,
  scheduling: 6,
  /** 1 once the process has started up. */
  ready: 7,
  /** 1 + the slot that a replica process is to render in; 0 while it waits for one. */
  assignedSlot: 8,
  assignedIncarnation: 9,
  /** The highest number of a program that a replica process has begun to load, and has loaded. */
  loading: 10,
  loaded: 11,
  words: lineWords,
} as const;

/** One replica's words: the first line is the keeper's, the others the replica's own. */
export const replica = {
  incarnation: 0,
  inUse: 1,
  pid: 2,
  working: 1 * lineWords,
  /** The fate of the record at that tick, as the replica has read it. */
  workingFate: 1 * lineWords + 1,
  published: 2 * lineWords,
  state: 2 * lineWords + 1,
  /** Incarnation that wrote `published`, so that a successor is not taken for its predecessor. */
  publishedBy: 2 * lineWords + 2,
  /** The program that played at the tick published last, and the one that it may go back to. */
  program: 2 * lineWords + 3,
  previous: 2 * lineWords + 4,
  /** User's nodes in it that failed and are silent since. */
  silenced: 2 * lineWords + 5,
  words: 3 * lineWords,
} as const;

export const ReplicaState = { empty: 0, booting: 1, joining: 2, ready: 3, failed: 4 } as const;

export const event = {
  sequence: 0,
  kind: 1,
  timeUs: 2,
  place: 3,
  a: 4,
  b: 5,
  timeHigh: 6,
  words: 8,
} as const;

/**
 * What a tick's record begins with. Its commands stand apart: most ticks have none, and so the
 * journal that all processes read and write on every tick stays small enough for their caches.
 */
export const record = {
  tick: 0,
  /** A `RecordStatus`, decided once by compare-and-exchange. */
  status: 1,
  commands: 2,
  capturePosition: 3,
  /** Per command lane, commands taken when the tick was sealed. */
  laneCursors: 4,
  /** Per stream, frames played when the tick is over. */
  streamCursors: 8,
  words: 48,
} as const;

/** Words of a record's commands. */
export const recordCommandWords = commandsPerTick * commandWords;

assert(record.laneCursors + laneCount <= record.streamCursors, 'lanes have room in a record');
assert((journalTicks * record.words) % 1024 === 0, 'banks do not share a page');
assert(record.streamCursors + limits.streamsMax <= record.words, 'streams have room in a record');

/**
 * What became of a record: its fate, and in the lowest bit whether a replica has passed it so. The
 * fate may change as long as nobody has.
 */
export const RecordStatus = {
  live: 0,
  passed: 1,
  /** Its commands do not count. */
  void: 2,
  voidPassed: 3,
  /** Nor do they here, and the program before plays from this tick on. */
  reverted: 4,
  revertedPassed: 5,
  /** Nor here, and the nodes of the user's are silent from this tick on. */
  silenced: 6,
  silencedPassed: 7,
} as const;

export const lane = { written: 0, body: lineWords } as const;

/** Header of a quantum on a replica's ring. */
export const quantumHeader = { tick: 0, checksum: 1, incarnation: 2, words: lineWords } as const;

/**
 * Header of a quantum on the output ring. The samples that were given follow, and then those that
 * were captured in the same turn.
 */
export const outputHeader = {
  position: 0,
  tick: 1,
  kind: 2,
  generation: 3,
  /** Frames that the capture device had lost by then; `nobodyListened` without one. */
  captureDropFrames: 4,
  /** Frames that both sides of the device held before this turn; 0 when it does not say. */
  loopFrames: 5,
  words: lineWords,
} as const;

/** In the place of `captureDropFrames`: what stands as captured is silence that nobody heard. */
export const nobodyListened = -1;

/** The last divergence: the tick, both slots, and then both quanta. */
export const evidence = { tick: 0, slotA: 1, slotB: 2, count: 3, words: lineWords } as const;

/** What a quantum on the output ring is. */
export const OutputKind = {
  /** The patch's own samples, unchanged. */
  content: 0,
  /** The patch's samples under the closing fade. */
  faded: 1,
  /** Filler: the content waits. Its tick is that of the content that is waited for. */
  concealed: 2,
} as const;

export const snapshot = {
  state: 0,
  tick: 1,
  incarnation: 2,
  /** The program whose arena it is, the one before, and the size of the arena. */
  program: 3,
  previous: 4,
  bytes: 5,
  words: lineWords,
} as const;
export const SnapshotState = { empty: 0, writing: 1, valid: 2 } as const;

/** Where everything is, in 32-bit words from the start of the segment. */
export interface Layout extends Readonly<Geometry> {
  readonly quantumSamples: number;
  readonly captureSamples: number;
  readonly header: number;
  readonly clock: number;
  readonly generations: number;
  readonly processes: number;
  readonly replicas: number;
  readonly services: number;
  readonly evidence: number;
  readonly desk: number;
  readonly counters: number;
  readonly events: number;
  readonly eventHead: number;
  readonly streamSeats: number;
  readonly lanes: number;
  readonly laneStride: number;
  readonly programs: number;
  readonly programStride: number;
  readonly journal: number;
  readonly journalCommands: number;
  readonly rings: number;
  readonly ringStride: number;
  readonly quantumStride: number;
  readonly output: number;
  readonly outputStride: number;
  readonly snapshots: number;
  readonly snapshotStride: number;
  readonly timers: number;
  readonly tripwires: number;
  readonly controlDesk: number;
  readonly receipts: number;
  readonly histograms: number;
  readonly addresses: number;
  readonly bytes: number;
}

const pageWords = 1024;

/** Lays the segment out. The same geometry always gives the same layout. */
export function layoutOf(geometry: Geometry): Layout {
  const { quantum, channels, captureChannels, lead } = geometry;
  assert(quantum % 4 === 0 && quantum >= limits.quantumFramesMin, 'quantum is in range');
  assert(quantum <= limits.quantumFramesMax, 'quantum is in range');
  assert(channels >= 1 && channels <= limits.channelsMax, 'channels are in range');
  assert(captureChannels >= 0 && captureChannels <= limits.channelsMax, 'so are captured ones');
  assert(lead >= limits.leadQuantaMin && lead <= limits.leadQuantaMax, 'lead is in range');
  // So of two snapshots at least the older one lies before whatever is to be played next.
  assert(geometry.snapshotTicks > lead, 'snapshots are further apart than the lead');

  const quantumSamples = quantum * channels;
  const captureSamples = quantum * captureChannels;
  let next = 0;
  const place = (words: number, alignment: number = lineWords): number => {
    const at = Math.ceil(next / alignment) * alignment;
    next = at + words;
    return at;
  };
  const roundUp = (words: number, to: number) => Math.ceil(words / to) * to;

  const laneStride = lane.body + laneCommands * commandWords;
  const quantumStride = roundUp(quantumHeader.words + quantumSamples, lineWords);
  const outputStride = roundUp(outputHeader.words + quantumSamples + captureSamples, lineWords);
  const ringStride = ringQuanta * quantumStride;
  const arenaWords = Math.ceil(geometry.arenaBytes / 4);
  const snapshotStride = roundUp(snapshot.words + arenaWords, pageWords);
  const programWords = programSlot.body + Math.ceil(geometry.programBytes / 4);
  const programStride = roundUp(programWords, pageWords);

  const places = {
    header: place(header.words),
    clock: place(clock.words),
    generations: place(generationEntries * generation.words),
    processes: place(processEntries * processEntry.words),
    replicas: place(replicaSlots * replica.words),
    counters: place(counterWords),
    eventHead: place(lineWords),
    events: place(eventEntries * event.words),
    evidence: place(evidence.words + 2 * quantumSamples),
    desk: place(desk.words),
    timers: place(timersWords),
    services: place(serviceEntries * service.words, pageWords),
    tripwires: place(tripwireRegion.words, pageWords),
    histograms: place(histogramsWords, pageWords),
    addresses: place(addressesWords),
    controlDesk: place(controlDesk.words),
    receipts: place(receiptEntries * receipt.words),
    streamSeats: place(limits.streamsMax * streamSeat.words),
    lanes: place(laneCount * laneStride, pageWords),
    journal: place(banks * journalTicks * record.words, pageWords),
    journalCommands: place(banks * journalTicks * recordCommandWords, pageWords),
    rings: place(replicaSlots * ringStride, pageWords),
    output: place(banks * outputQuanta * outputStride, pageWords),
    snapshots: place(replicaSlots * snapshotsPerSlot * snapshotStride, pageWords),
    programs: place(programSlots * programStride, pageWords),
  };
  return {
    ...geometry,
    ...places,
    quantumSamples,
    captureSamples,
    laneStride,
    quantumStride,
    outputStride,
    ringStride,
    snapshotStride,
    programStride,
    bytes: roundUp(next, pageWords) * 4,
  };
}
