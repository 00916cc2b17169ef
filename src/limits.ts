import { assert } from './errors.js';

/** Every bound of the system, with its unit, and the relations between them. */
export const limits = {
  /** Frames in one quantum. Below 32 the wake-ups cost more than the rendering. */
  quantumFramesMin: 32,
  quantumFramesMax: 1024,
  rateHzMin: 8000,
  rateHzMax: 192_000,
  channelsMax: 8,
  /** Quanta between sealing a tick and playing it. */
  leadQuantaMin: 1,
  leadQuantaMax: 32,
  replicasMax: 3,

  /** Streams that clients can feed at the same time, mapped when the engine starts. */
  streamsMax: 32,
  /** How far a client may write ahead of what is played, in milliseconds. */
  streamBufferMsMin: 10,
  streamBufferMsMax: 2000,
  /** Calls of `write` that may wait for room in one stream. */
  streamWritesMax: 4096,
  streamNameMax: 64,
  /** Clients that may wait for a stream while all are taken, and for how long at most. */
  streamWaitersMax: 256,
  streamWaitMsMax: 60_000,

  /** Frames that a recorder gathers before it writes: one write for many quanta. */
  recorderBatchFrames: 1 << 15,

  /**
   * One request to control, whichever way it comes: a line of the local socket, the body of an HTTP
   * request, a message of a WebSocket. The largest patch fits, written as JSON.
   */
  requestBytesMax: (1 << 21) + (1 << 16),
  /** Connections of the local socket. */
  controlConnectionsMax: 256,
  /** Names by which browsers may call the HTTP interface, beside its own. */
  controlHostsMax: 16,
  /** How long one request of the HTTP interface may take to arrive. */
  httpRequestMsMax: 10_000,
  /** Connections of the HTTP interface, those of readers among them. */
  httpConnectionsMax: 512,
  /** Requests from one address: on average, and at once. */
  httpRequestsPerSecMax: 500,
  httpRequestsBurst: 1000,
  httpAddressesMax: 1024,
  /** Readers of the WebSocket at the same time. */
  readersMax: 256,
  /** Messages that one reader may send: on average, and at once. */
  readerMessagesPerSecMax: 1000,
  readerMessagesBurst: 2000,
  /** Taps that one reader may listen to. */
  readerTapsMax: 8,
  /** Points of the patch that are listened to at the same time, by all readers together. */
  tapsMax: 16,
  /** What may wait for one reader; one that is further behind is dropped. */
  readerBufferedBytesMax: 1 << 20,

  /** Characters of a command's id, and of a path or a value in it. */
  commandIdMax: 64,
  commandTextMax: 160,
  /** Changes that one bundle may hold: what one tick can carry. */
  bundleCommandsMax: 64,
  /** Ramps, fades and holds, and how far ahead a command may be timed. */
  commandDurationMsMax: 600_000,
  commandAheadSecMax: 86_400,
  /** Commands that wait for room in their lane; more are refused. */
  commandsWaitingMax: 16_384,
  /** Timed commands that wait in the arena for their tick; more are refused. */
  timedCommandsMax: 1024,

  /** One OSC packet, bundles within bundles in it, and characters of an address. */
  oscPacketBytesMax: 1 << 16,
  oscBundleDepthMax: 8,
  oscAddressMax: 256,
  /** Connections to OSC over TCP, and packets of one that wait for their answers. */
  oscConnectionsMax: 64,
  oscUnansweredMax: 1024,
  /** Senders that hear of each of their commands. */
  oscNotifiedMax: 64,
  /** Errors that OSC tells in a second; more are only counted. */
  oscErrorsPerSecMax: 256,

  /** A file of saved state: the largest patch, and a value for each of its parameters. */
  stateBytesMax: 8 << 20,
  /** One packet of the datagram remote, and the name that a remote may give itself. */
  remotePacketBytesMax: 8192,
  remoteNameMax: 32,

  /** Files one patch may load, and their size when decoded. */
  assetsMax: 32,
  assetBytesMax: 2 ** 31,

  /** Bytes of a patch's text. */
  patchBytesMax: 1 << 20,
  patchNodesMax: 512,
  patchVoicesMax: 256,
  /** Files with nodes of the user's that one patch may name, and their size. */
  patchModulesMax: 32,
  moduleBytesMax: 1 << 18,
  arenaBytesMax: 64 << 20,
  /** For one patch to fade into the next, in milliseconds: meanwhile there is no snapshot. */
  patchFadeMsMax: 1000,

  /** Bytes of a compiled patch, which travels through the engine's blob ring. */
  programBytesMax: 4 << 20,
  /** Parameters that may move in the same quantum; a command beyond that is counted. */
  rampsMax: 1024,
  /** Steps of one sequence, and notes in its list. */
  sequenceStepsMax: 1024,
  /** Mistakes that one refusal of a patch lists; more would hide the first. */
  patchErrorsMax: 10,

  /** A settings file larger than this was not written by hand. */
  settingsBytesMax: 1 << 18,

  /** media/: what a sound file may state about itself before it is refused. */
  mediaRateHzMin: 1000,
  mediaRateHzMax: 768_000,
  /** Bytes searched for the first frame of a file before it is called unknown. */
  mediaSearchBytesMax: 256 << 10,
  /** One encoded frame or packet: the largest FLAC frame (65,535 frames of 8 x 32 bits) fits. */
  mediaPacketBytesMax: 2304 << 10,
  /** Bytes of tags looked at; the pictures behind them are skipped. */
  mediaTagBytesMax: 256 << 10,
  /** Times a decoder that a damaged file has broken is made anew before the file ends there. */
  mediaDecoderRestartsMax: 32,
  /** Complaints of a decoder in one call after which the call is given up: it is in a loop. */
  mediaComplaintsMax: 256,

  /** pcm/: coefficients of one rate conversion, 4 bytes each; pairs that need more are fitted. */
  pcmFilterCoefficientsMax: 1 << 20,
  /** Rate conversions whose coefficients are kept. */
  pcmFilterBanksMax: 16,
  /** Frames of one block of a conversion by blocks, so that it fits into a cache. */
  pcmBlockFramesMax: 16_384,
  /** Input rate by output rate: 768 kHz to 8 kHz. A filter is longer by as much. */
  pcmSpeedMax: 96,
  /** How far a conversion may be trimmed; two clocks in the wild are 200 ppm apart, rarely. */
  pcmTrimPpmMax: 5000,
  /** Output frames in which a new trim is reached. */
  pcmTrimRampFrames: 256,

  /** Frames that the virtual device may hold between what it plays and what it captures. */
  loopbackFramesMax: 192_000,
  /** Ways of the sound in the virtual device's room: each takes half a percent of a core. */
  roomPathsMax: 64,
  /** Seconds of a signal that is played and recorded, with its tail. */
  recordedSecMax: 600,
  /** Recordings of a train of signals that wait to be taken. */
  trainWaitingMax: 8,
  /** Takes that are played again, because something came between, before it is given up. */
  measureTriesMax: 5,
  /** Rangings that a sonar remembers. */
  measureHistoryMax: 10_000,
  /** Pages that follow one sonar. */
  sonarReadersMax: 16,
  /** Echoes that one ranging tells apart. */
  measureEchoesMax: 16,
  /** Bytes of a file with calibrations, or of another program's settings. */
  measureFileBytesMax: 8 << 20,

  /** One chunk of a journal file: the largest arena fits, should it not become smaller. */
  journalChunkBytesMax: 72 << 20,
  /** Samples of all streams in one step of a journal; what is more waits for the next one. */
  journalStepSamplesMax: 1 << 21,
  /** Bytes that wait for a slow disk before the flight recorder lets a gap come. */
  journalQueueBytesMax: 64 << 20,

  /** Devices that may stand behind the preferred one. */
  deviceFallbacksMax: 16,
  /** Characters of a device's name; PipeWire's own names of Bluetooth devices have 60. */
  deviceNameCharsMax: 256,
  /** One answer of the sound server: a list of a hundred sinks with all they say takes 400 kB. */
  soundServerPacketBytesMax: 4 << 20,
  /** Things in one list of the sound server; one with more of them plays no sound. */
  soundServerListMax: 1024,
  /** One text of the sound server; a property may hold an icon, a name never does. */
  soundServerTextBytesMax: 1 << 16,
  /** Properties of one thing of the sound server; PipeWire gives a card about 60. */
  soundServerPropertiesMax: 1024,
} as const;

assert(limits.arenaBytesMax < limits.journalChunkBytesMax, 'a journal holds every arena');
assert(
  limits.streamsMax * limits.quantumFramesMax * limits.channelsMax <
    limits.journalStepSamplesMax / 2,
  'a step holds at least a tick of all streams',
);
// In JSON, what a patch's text may hold takes two bytes for one at most.
assert(limits.requestBytesMax > 2 * limits.patchBytesMax, 'every patch fits into a request');
assert(limits.stateBytesMax > 4 * limits.patchBytesMax, 'every patch fits into a saved state');
assert(limits.leadQuantaMin <= limits.leadQuantaMax, 'lead bounds are in order');
