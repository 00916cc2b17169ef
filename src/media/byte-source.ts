import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { assert, TenutoError } from '../errors.js';
import { limits } from '../limits.js';

/** Bytes asked of the system at a time. */
const chunkBytes = 64 << 10;

/** Largest peek: two packets, so that the end of one and the head of the next are seen at once. */
export const windowBytesMax = 2 * limits.mediaPacketBytesMax;

/**
 * A regular file read from front to back through a window of bounded size.
 * Not to be called on the audio thread.
 */
export class ByteSource {
  readonly path: string;
  /** Bytes in the file when it was opened. */
  readonly size: number;
  readonly #file: FileHandle;
  #window = new Uint8Array(chunkBytes);
  #from = 0;
  #to = 0;
  #position = 0;

  private constructor(path: string, file: FileHandle, size: number) {
    this.path = path;
    this.#file = file;
    this.size = size;
  }

  /** @throws TenutoError `TENUTO_FILE_UNREADABLE` for what is missing, forbidden or no file. */
  static async open(path: string): Promise<ByteSource> {
    let file: FileHandle | undefined;
    try {
      // A pipe without a writer would block an ordinary open for ever.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const status = await file.stat();
      if (!status.isFile()) throw new Error('it is not a regular file');
      return new ByteSource(path, file, status.size);
    } catch (cause) {
      await file?.close();
      throw unreadable(path, cause);
    }
  }

  /** Offset in the file of the first byte that the next peek gives. */
  get position(): number {
    return this.#position;
  }

  /** Bytes from the position to the end. */
  get remaining(): number {
    return Math.max(0, this.size - this.#position);
  }

  /**
   * The next `count` bytes, fewer only at the end of the file, without moving on. The view is
   * valid until the next call. What is buffered beyond them comes along.
   */
  async peek(count: number): Promise<Uint8Array> {
    assert(count <= windowBytesMax, 'a peek fits the window');
    while (this.#to - this.#from < count) {
      if ((await this.#fill(count)) === 0) break;
    }
    return this.#window.subarray(this.#from, this.#to);
  }

  /** Moves on by `count` bytes, past the end at most to the end. */
  skip(count: number): void {
    this.seek(this.#position + count);
  }

  /** Moves to the offset `position`, at most the end. */
  seek(position: number): void {
    const target = Math.min(position, Math.max(this.size, this.#position));
    const by = target - this.#position;
    if (by >= 0 && by <= this.#to - this.#from) {
      this.#from += by;
    } else {
      this.#from = this.#to = 0;
    }
    this.#position = target;
  }

  /** A copy of exactly the next `count` bytes, which are passed; undefined when there are fewer. */
  async take(count: number): Promise<Uint8Array | undefined> {
    const bytes = await this.peek(count);
    if (bytes.length < count) return undefined;
    const copy = bytes.slice(0, count);
    this.skip(count);
    return copy;
  }

  /** A copy of the last bytes of the file, at most `count`, without moving. */
  async tail(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(count, this.size));
    const read = await this.#read(bytes, this.size - bytes.length);
    return bytes.subarray(0, read);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #fill(count: number): Promise<number> {
    const held = this.#to - this.#from;
    const wanted = Math.max(count, chunkBytes);
    if (this.#window.length < wanted) {
      const larger = new Uint8Array(Math.max(wanted, Math.min(2 * wanted, windowBytesMax)));
      larger.set(this.#window.subarray(this.#from, this.#to));
      this.#window = larger;
    } else if (this.#from > 0) {
      this.#window.copyWithin(0, this.#from, this.#to);
    }
    this.#from = 0;
    this.#to = held;
    const read = await this.#read(this.#window.subarray(held), this.#position + held);
    this.#to += read;
    return read;
  }

  async #read(into: Uint8Array, at: number): Promise<number> {
    try {
      const { bytesRead } = await this.#file.read(into, 0, into.length, at);
      return bytesRead;
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
  }
}

function unreadable(path: string, cause: unknown): TenutoError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TenutoError('TENUTO_FILE_UNREADABLE', `${path} cannot be read: ${reason}`, { cause });
}
