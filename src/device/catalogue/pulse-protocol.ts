import { limits } from '../../limits.js';
import { ProtocolError, type SampleSpec, type TagReader, TagWriter } from './tagstruct.js';

/**
 * What is asked of the sound server and what it answers: the native protocol of PulseAudio, which
 * `pipewire-pulse` speaks as well (PulseAudio, `src/pulsecore/protocol-native.c`).
 */

/**
 * The version that is stated: with it come cards (15) and whether something is plugged into a port
 * (24). Replies follow the lower of both versions, so a newer server still answers in this form.
 */
export const protocolVersion = 24;
/** Properties came with it; what is older than that is from before 2009. */
export const protocolVersionMin = 13;

export const Command = {
  error: 0,
  reply: 2,
  auth: 8,
  setClientName: 9,
  getServerInfo: 20,
  getSinkInfoList: 22,
  getSourceInfoList: 24,
  getClientInfo: 27,
  subscribe: 35,
  subscribeEvent: 66,
  getCardInfoList: 89,
} as const;

/** `subscribe`: sinks, sources, clients, the server itself (its defaults) and cards. */
export const subscribedFacilities = 0x0001 | 0x0002 | 0x0020 | 0x0080 | 0x0200;

/** `subscribeEvent`: in its low bits what it is about, above them what became of that. */
export const SubscribeEvent = {
  facilityMask: 0x0f,
  client: 0x05,
  kindMask: 0x30,
  isNew: 0x00,
} as const;

/** A number where there is none: no card, no monitored sink. */
export const noIndex = 0xffff_ffff;
const controlChannel = 0xffff_ffff;
const headBytes = 20;

export interface ServerInfo {
  /** `PulseAudio (on PipeWire 0.3.65)`. */
  packageName: string;
  defaultSink: string | null;
  defaultSource: string | null;
}

/** A sink or a source. */
export interface NodeInfo {
  /** The server's number of it: another one when it is taken away and comes back. */
  index: number;
  name: string;
  description: string;
  spec: SampleSpec;
  /** Of a source: the sink that it hears, or null. */
  monitorOf: string | null;
  /** 0 running, 1 idle, 2 suspended. */
  state: number;
  card: number;
  /** False when the server knows that nothing is plugged in. */
  plugged: boolean;
  properties: ReadonlyMap<string, string>;
}

export interface CardInfo {
  index: number;
  name: string;
  description: string;
  profile: string | null;
}

/** One packet: the head that says how long it is and that it is no sound, and its content. */
export function packet(content: Buffer): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(content.length, 0);
  head.writeUInt32BE(controlChannel, 4);
  return Buffer.concat([head, content]);
}

export function request(command: number, serial: number): TagWriter {
  return new TagWriter().u32(command).u32(serial);
}

/** Cuts what arrives into packets; packets that are no commands are passed over. */
export class PacketSplitter {
  #parts: Buffer[] = [];
  #length = 0;
  /** Bytes that the packet under way takes with its head; 0 until the head is there. */
  #wanted = 0;

  /** @throws ProtocolError when a packet is too large or is to be looked for in shared memory. */
  push(bytes: Buffer): Buffer[] {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    if (this.#length < Math.max(headBytes, this.#wanted)) return [];
    let all = Buffer.concat(this.#parts);
    const packets: Buffer[] = [];
    this.#wanted = 0;
    while (all.length >= headBytes) {
      const length = all.readUInt32BE(0);
      if (length > limits.soundServerPacketBytesMax)
        throw new ProtocolError(`a packet of ${length} bytes`);
      if (all.readUInt32BE(16) !== 0) throw new ProtocolError('a packet in shared memory');
      this.#wanted = headBytes + length;
      if (all.length < this.#wanted) break;
      if (all.readUInt32BE(4) === controlChannel)
        packets.push(all.subarray(headBytes, this.#wanted));
      all = all.subarray(this.#wanted);
      this.#wanted = 0;
    }
    this.#parts = [all];
    this.#length = all.length;
    return packets;
  }
}

function list<T>(reader: TagReader, read: () => T): T[] {
  const found: T[] = [];
  while (!reader.atEnd) {
    if (found.length >= limits.soundServerListMax)
      throw new ProtocolError(`a list of more than ${limits.soundServerListMax}`);
    found.push(read());
  }
  return found;
}

function repeat(count: number, read: () => void): void {
  if (count > limits.soundServerListMax) throw new ProtocolError(`a list of ${count}`);
  for (let i = 0; i < count; i++) read();
}

export function readServerInfo(reader: TagReader): ServerInfo {
  const packageName = reader.string() ?? '';
  const packageVersion = reader.string() ?? '';
  reader.string();
  reader.string();
  reader.sampleSpec();
  const defaultSink = reader.string();
  const defaultSource = reader.string();
  return { packageName: `${packageName} ${packageVersion}`.trim(), defaultSink, defaultSource };
}

/** What a client said of itself. */
export function readClient(reader: TagReader): ReadonlyMap<string, string> {
  reader.u32();
  reader.string();
  reader.u32();
  reader.string();
  return reader.properties();
}

/** The port in use, of which the server says whether something is plugged in: 1 is no. */
function readPorts(reader: TagReader, version: number): boolean {
  const unplugged = new Set<string | null>();
  repeat(reader.u32(), () => {
    const name = reader.string();
    reader.string();
    reader.u32();
    if (version >= 24 && reader.u32() === 1) unplugged.add(name);
  });
  return !unplugged.has(reader.string());
}

function readNode(reader: TagReader, version: number, formatsSince: number): NodeInfo {
  const index = reader.u32();
  const name = reader.string() ?? '';
  const description = reader.string() ?? '';
  const spec = reader.sampleSpec();
  reader.channelMap();
  reader.u32();
  reader.cvolume();
  reader.boolean();
  reader.u32();
  const monitor = reader.string();
  reader.usec();
  reader.string();
  reader.u32();
  const properties = reader.properties();
  reader.usec();
  let state = 1;
  let card = noIndex;
  let plugged = true;
  if (version >= 15) {
    reader.volume();
    state = reader.u32();
    reader.u32();
    card = reader.u32();
  }
  if (version >= 16) plugged = readPorts(reader, version);
  if (version >= formatsSince) repeat(reader.u8(), () => reader.formatInfo());
  return { index, name, description, spec, monitorOf: monitor, state, card, plugged, properties };
}

export function readSinks(reader: TagReader, version: number): NodeInfo[] {
  return list(reader, () => ({ ...readNode(reader, version, 21), monitorOf: null }));
}

export function readSources(reader: TagReader, version: number): NodeInfo[] {
  return list(reader, () => readNode(reader, version, 22));
}

/** For versions up to 25; later ones go on with the ports. */
export function readCards(reader: TagReader): CardInfo[] {
  return list(reader, () => {
    const index = reader.u32();
    const name = reader.string() ?? '';
    reader.u32();
    reader.string();
    repeat(reader.u32(), () => {
      reader.string();
      reader.string();
      reader.u32();
      reader.u32();
      reader.u32();
    });
    const profile = reader.string();
    const description = reader.properties().get('device.description') ?? name;
    return { index, name, description, profile };
  });
}
