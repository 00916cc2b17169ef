/** What is wrong with a file that says it is a journal. */
export class JournalDamage extends Error {}

/** Appends numbers to a buffer that grows. */
export class ByteWriter {
  private buffer: Buffer;
  private at = 0;

  constructor(bytes = 1024) {
    this.buffer = Buffer.allocUnsafe(bytes);
  }

  /** What was written; valid until the next write. */
  get bytes(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  u8(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  i32(value: number): void {
    this.room(4);
    this.at = this.buffer.writeInt32LE(value | 0, this.at);
  }

  f64(value: number): void {
    this.room(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
  }

  /** A whole number from 0 to 2^32 - 1, small ones in few bytes (LEB128). */
  count(value: number): void {
    this.room(5);
    let left = value >>> 0;
    while (left > 127) {
      this.buffer[this.at++] = (left & 127) | 128;
      left >>>= 7;
    }
    this.buffer[this.at++] = left;
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Bytes with their number before them. */
  block(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.raw(bytes);
  }

  text(value: string): void {
    this.block(Buffer.from(value));
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }
}

/**
 * Reads what `ByteWriter` wrote and never past the end, whatever the lengths inside claim.
 * Every method throws `JournalDamage`.
 */
export class ByteReader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  get left(): number {
    return this.buffer.length - this.at;
  }

  u8(): number {
    return this.buffer[this.take(1)]!;
  }

  i32(): number {
    return this.buffer.readInt32LE(this.take(4));
  }

  f64(): number {
    return this.buffer.readDoubleLE(this.take(8));
  }

  count(max: number, what: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return this.within(value, max, what);
    }
    throw new JournalDamage(`${what} is no number`);
  }

  raw(bytes: number): Buffer {
    const from = this.take(bytes);
    return this.buffer.subarray(from, from + bytes);
  }

  block(max: number, what: string): Buffer {
    return this.raw(this.count(max, what));
  }

  text(max: number, what: string): string {
    return this.block(max, what).toString('utf8');
  }

  /** A JSON object. */
  json(max: number, what: string): Record<string, unknown> {
    let value: unknown;
    try {
      value = JSON.parse(this.text(max, what));
    } catch {
      throw new JournalDamage(`${what} cannot be read`);
    }
    if (typeof value !== 'object' || value === null) throw new JournalDamage(`${what} is odd`);
    return value as Record<string, unknown>;
  }

  within(value: number, max: number, what: string): number {
    if (value > max) throw new JournalDamage(`${what} is ${value}, more than ${max}`);
    return value;
  }

  private take(bytes: number): number {
    const from = this.at;
    if (bytes > this.left) throw new JournalDamage('a chunk ends too early');
    this.at += bytes;
    return from;
  }
}
