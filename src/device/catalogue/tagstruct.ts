import { limits } from '../../limits.js';

/**
 * Values as the native protocol of PulseAudio writes them: each begins with a byte that names its
 * type, numbers stand most significant byte first (PulseAudio, `src/pulsecore/tagstruct.c`). What
 * is read comes from another program: every length is bounded and every type is checked.
 */

/** The other side said something that the protocol does not allow. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

const tag = {
  string: 0x74,
  stringNull: 0x4e,
  u32: 0x4c,
  u8: 0x42,
  u64: 0x52,
  s64: 0x72,
  sampleSpec: 0x61,
  arbitrary: 0x78,
  true: 0x31,
  false: 0x30,
  timeval: 0x54,
  usec: 0x55,
  channelMap: 0x6d,
  cvolume: 0x76,
  proplist: 0x50,
  volume: 0x56,
  formatInfo: 0x66,
} as const;

/** PA_CHANNELS_MAX. */
const channelsMax = 32;

export interface SampleSpec {
  /** PulseAudio's number of the sample format. */
  format: number;
  channels: number;
  rateHz: number;
}

/** Puts values together, in the order of the calls. */
export class TagWriter {
  readonly #parts: Buffer[] = [];

  u32(value: number): this {
    const part = Buffer.allocUnsafe(5);
    part[0] = tag.u32;
    part.writeUInt32BE(value, 1);
    this.#parts.push(part);
    return this;
  }

  u8(value: number): this {
    this.#parts.push(Buffer.from([tag.u8, value]));
    return this;
  }

  boolean(value: boolean): this {
    this.#parts.push(Buffer.from([value ? tag.true : tag.false]));
    return this;
  }

  string(value: string | null): this {
    if (value === null) this.#parts.push(Buffer.from([tag.stringNull]));
    else this.#parts.push(Buffer.from([tag.string]), Buffer.from(value), Buffer.from([0]));
    return this;
  }

  bytes(value: Uint8Array): this {
    const head = Buffer.allocUnsafe(5);
    head[0] = tag.arbitrary;
    head.writeUInt32BE(value.length, 1);
    this.#parts.push(head, Buffer.from(value));
    return this;
  }

  sampleSpec({ format, channels, rateHz }: SampleSpec): this {
    const part = Buffer.from([tag.sampleSpec, format, channels, 0, 0, 0, 0]);
    part.writeUInt32BE(rateHz, 3);
    this.#parts.push(part);
    return this;
  }

  channelMap(positions: readonly number[]): this {
    this.#parts.push(Buffer.from([tag.channelMap, positions.length, ...positions]));
    return this;
  }

  cvolume(volumes: readonly number[]): this {
    const part = Buffer.alloc(2 + 4 * volumes.length);
    part[0] = tag.cvolume;
    part[1] = volumes.length;
    volumes.forEach((volume, index) => void part.writeUInt32BE(volume, 2 + 4 * index));
    this.#parts.push(part);
    return this;
  }

  volume(value: number): this {
    const part = Buffer.from([tag.volume, 0, 0, 0, 0]);
    part.writeUInt32BE(value, 1);
    this.#parts.push(part);
    return this;
  }

  usec(value: number): this {
    const part = Buffer.alloc(9);
    part[0] = tag.usec;
    part.writeBigUInt64BE(BigInt(value), 1);
    this.#parts.push(part);
    return this;
  }

  properties(values: Readonly<Record<string, string>>): this {
    this.#parts.push(Buffer.from([tag.proplist]));
    for (const [name, value] of Object.entries(values)) {
      const bytes = Buffer.from(`${value}\0`);
      this.string(name).u32(bytes.length).bytes(bytes);
    }
    return this.string(null);
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Takes values in the order in which they stand; each call throws when another type stands there. */
export class TagReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** True when all has been read. */
  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw new ProtocolError('a packet ends in a value');
    this.#at += length;
    return at;
  }

  #type(wanted: number): void {
    const found = this.#bytes[this.#take(1)]!;
    if (found !== wanted) throw new ProtocolError(`type ${found} stands where ${wanted} belongs`);
  }

  u32(): number {
    this.#type(tag.u32);
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  u8(): number {
    this.#type(tag.u8);
    return this.#bytes[this.#take(1)]!;
  }

  boolean(): boolean {
    const found = this.#bytes[this.#take(1)];
    if (found === tag.true) return true;
    if (found === tag.false) return false;
    throw new ProtocolError(`type ${found} stands where a truth value belongs`);
  }

  string(): string | null {
    if (this.#bytes[this.#at] === tag.stringNull) {
      this.#at++;
      return null;
    }
    this.#type(tag.string);
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new ProtocolError('a text has no end');
    if (end - this.#at > limits.soundServerTextBytesMax)
      throw new ProtocolError('a text is too long');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** A copy of the bytes. */
  bytes(): Buffer {
    this.#type(tag.arbitrary);
    const length = this.#bytes.readUInt32BE(this.#take(4));
    const at = this.#take(length);
    return Buffer.from(this.#bytes.subarray(at, at + length));
  }

  sampleSpec(): SampleSpec {
    this.#type(tag.sampleSpec);
    const at = this.#take(6);
    return {
      format: this.#bytes[at]!,
      channels: this.#channels(at + 1),
      rateHz: this.#bytes.readUInt32BE(at + 2),
    };
  }

  #channels(at: number): number {
    const count = this.#bytes[at]!;
    if (count > channelsMax) throw new ProtocolError(`${count} channels`);
    return count;
  }

  channelMap(): number[] {
    this.#type(tag.channelMap);
    const count = this.#channels(this.#take(1));
    const at = this.#take(count);
    return [...this.#bytes.subarray(at, at + count)];
  }

  cvolume(): number[] {
    this.#type(tag.cvolume);
    const count = this.#channels(this.#take(1));
    const at = this.#take(4 * count);
    return Array.from({ length: count }, (_, index) => this.#bytes.readUInt32BE(at + 4 * index));
  }

  volume(): number {
    this.#type(tag.volume);
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** Microseconds; exact up to 2^53. */
  usec(): number {
    this.#type(tag.usec);
    return Number(this.#bytes.readBigUInt64BE(this.#take(8)));
  }

  /** Properties whose value is text; others are passed over. */
  properties(): Map<string, string> {
    this.#type(tag.proplist);
    const found = new Map<string, string>();
    for (let count = 0; ; count++) {
      const name = this.string();
      if (name === null) return found;
      if (count >= limits.soundServerPropertiesMax) throw new ProtocolError('too many properties');
      const length = this.u32();
      const value = this.bytes();
      if (value.length !== length) throw new ProtocolError('a property has two lengths');
      if (length <= limits.soundServerTextBytesMax && value.indexOf(0) === length - 1) {
        found.set(name, value.toString('utf8', 0, length - 1));
      }
    }
  }

  /** A format that a sink takes; what it says is not needed here. */
  formatInfo(): void {
    this.#type(tag.formatInfo);
    this.u8();
    this.properties();
  }
}
