import { TenutoError } from '../errors.js';

/**
 * The few types of D-Bus that a question to RealtimeKit needs (D-Bus Specification, "Marshalling"):
 * each value stands at a multiple of its own alignment.
 */

/** Lays values out one after the other, little endian. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  bytes(values: Iterable<number>): void {
    this.#bytes.push(...values);
  }

  align(to: number): void {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0);
  }

  uint32(value: number): void {
    this.align(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 0xff);
  }

  /** Up to 2^53. */
  uint64(value: number): void {
    this.align(8);
    this.uint32(value >>> 0);
    this.uint32(Math.floor(value / 2 ** 32));
  }

  text(value: string): void {
    const utf8 = Buffer.from(value);
    this.uint32(utf8.length);
    this.bytes(utf8);
    this.bytes([0]);
  }

  signature(value: string): void {
    this.bytes([value.length, ...Buffer.from(value, 'latin1'), 0]);
  }

  /** A header field: its code and a variant of type object path, string or signature. */
  field(code: number, type: 'o' | 's' | 'g', value: string): void {
    this.align(8);
    this.bytes([code]);
    this.signature(type);
    if (type === 'g') this.signature(value);
    else this.text(value);
  }

  append(other: ByteWriter): void {
    this.bytes(other.#bytes);
  }

  toBuffer(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

/** Reads values one after the other; refuses to read past the end. */
export class ByteReader {
  readonly #data: Buffer;
  readonly #little: boolean;
  #at: number;

  constructor(data: Buffer, at: number, little: boolean) {
    this.#data = data;
    this.#at = at;
    this.#little = little;
  }

  get done(): boolean {
    return this.#at >= this.#data.length;
  }

  #take(bytes: number, alignment: number): number {
    const start = Math.ceil(this.#at / alignment) * alignment;
    if (start + bytes > this.#data.length) {
      throw new TenutoError('TENUTO_SYSTEM', 'the system bus sent a message that is too short');
    }
    this.#at = start + bytes;
    return start;
  }

  uint8(): number {
    return this.#data[this.#take(1, 1)] as number;
  }

  uint32(): number {
    const at = this.#take(4, 4);
    return this.#little ? this.#data.readUInt32LE(at) : this.#data.readUInt32BE(at);
  }

  text(): string {
    const bytes = this.uint32();
    const start = this.#take(bytes + 1, 1);
    return this.#data.toString('utf8', start, start + bytes);
  }

  signature(): string {
    const bytes = this.uint8();
    const start = this.#take(bytes + 1, 1);
    return this.#data.toString('latin1', start, start + bytes);
  }

  /** A value that says its own type; only the types that answers and headers have here. */
  variant(): string | number {
    const type = this.signature();
    switch (type) {
      case 'o':
      case 's':
        return this.text();
      case 'g':
        return this.signature();
      case 'u':
        return this.uint32();
      case 'i':
        return this.uint32() | 0;
      default:
        throw new TenutoError('TENUTO_SYSTEM', `the system bus sent an unknown type ${type}`);
    }
  }

  /** A header field: its code and its value. */
  field(): { code: number; value: string | number } {
    this.#at = this.#take(0, 8);
    return { code: this.uint8(), value: this.variant() };
  }
}
