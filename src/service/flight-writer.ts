import { type FileHandle, open, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ChunkKind, chunkHeaderBytes, encodeChunk } from '../flight/chunk.js';
import type { FollowerPlace } from '../flight/follower.js';
import { makeFolder } from './folders.js';

/** Up to where a journal is written, and where it goes on from there. */
export interface WrittenPlace {
  /** The file, and its number among those of the run. */
  path: string;
  file: number;
  /** Bytes in it, chunks in it, and where the last step begins. */
  end: number;
  chunks: number;
  stepOffset: number;
  place: FollowerPlace;
  /** The highest number of a program that it holds. */
  program: number;
}

/** What is to be done on the disk, in order. */
type Job = () => Promise<void>;

/**
 * Writes chunks to a file in the order in which they come, without ever making its caller wait: a
 * disk may be slow, full, or gone. After a failure it does nothing until it is told where to go on;
 * what was in the queue is not written then, and `written` says what was.
 */
export class FlightWriter {
  /** Null until a whole step is on the disk. */
  written: WrittenPlace | null = null;
  failure: NodeJS.ErrnoException | null = null;
  queuedBytes = 0;
  /** Of the file that is being written. */
  fileBytes = 0;
  private chunks = 0;
  private readonly queue: Job[] = [];
  private isBusy = false;
  private isSyncing = false;
  private handle: FileHandle | null = null;
  private path = '';
  private file = 0;

  constructor(private readonly onStep: (written: WrittenPlace) => void) {}

  /** Closes the file and begins another one. */
  begin(path: string, file: number): void {
    this.add(async () => {
      await this.finishFile();
      await makeFolder(dirname(path));
      this.handle = await open(path, 'w', 0o600);
      this.stand(path, file, 0, 0);
    });
  }

  /** Goes on in a file where it was whole, after a failure or after a predecessor. */
  resume(from: WrittenPlace): void {
    this.failure = null;
    this.written = from;
    this.add(async () => {
      await this.drop();
      await truncate(from.path, from.end);
      this.handle = await open(from.path, 'a');
      this.stand(from.path, from.file, from.end, from.chunks);
    });
  }

  /** Forgets a failure; the next call is `begin`. */
  restart(): void {
    this.failure = null;
  }

  /** @param after - of a step: where the next one goes on */
  append(
    kind: ChunkKind,
    payload: Uint8Array,
    after?: Pick<WrittenPlace, 'place' | 'program'>,
  ): void {
    this.queuedBytes += payload.length;
    this.add(async () => {
      await this.write(kind, payload);
      this.queuedBytes -= payload.length;
      if (after === undefined) return;
      const { path, file, chunks } = this;
      const end = this.fileBytes;
      const stepOffset = end - chunkHeaderBytes - payload.length;
      this.written = { path, file, end, chunks, stepOffset, ...after };
      this.onStep(this.written);
    });
  }

  /** The same for what is too large to wait in a queue: it is made when its turn has come. */
  appendEach(kind: ChunkKind, payloads: Iterable<Uint8Array>): void {
    this.add(async () => {
      for (const payload of payloads) await this.write(kind, payload);
    });
  }

  /**
   * Writes a file of its own, unless there is one that is as large.
   *
   * @param bytes - that it has at least
   */
  aside(path: string, bytes: number, chunks: Iterable<[ChunkKind, Uint8Array]>): void {
    this.add(async () => {
      const { size } = await stat(path).catch(() => ({ size: 0 }));
      if (size >= bytes) return;
      await makeFolder(dirname(path));
      const handle = await open(path, 'w', 0o600);
      try {
        let number = 0;
        for (const [kind, payload] of chunks) {
          await handle.writeFile(encodeChunk(kind, number++, payload));
        }
      } finally {
        await handle.close();
      }
    });
  }

  /** Does something else on the disk, after what is in the queue. Its failure is of no account. */
  also(job: Job): void {
    this.add(() => job().catch(() => {}));
  }

  /** Asks the disk to keep what was written; one such wish at a time. */
  sync(): void {
    const { handle } = this;
    if (handle === null || this.isSyncing) return;
    this.isSyncing = true;
    handle
      .datasync()
      // A disk that fails here fails at the next write, too.
      .catch(() => {})
      .finally(() => {
        this.isSyncing = false;
      });
  }

  /** Resolves when all is written, or it failed. */
  async close(): Promise<void> {
    this.add(() => this.finishFile());
    while (this.isBusy) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  private add(job: Job): void {
    if (this.failure !== null) {
      // Nothing of it will be written.
      this.queuedBytes = 0;
      return;
    }
    this.queue.push(job);
    if (!this.isBusy) void this.work();
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    for (let job = this.queue.shift(); job; job = this.queue.shift()) {
      try {
        await job();
      } catch (error) {
        this.failure = error as NodeJS.ErrnoException;
        this.queue.length = 0;
        this.queuedBytes = 0;
      }
    }
    this.isBusy = false;
  }

  private stand(path: string, file: number, bytes: number, chunks: number): void {
    this.path = path;
    this.file = file;
    this.fileBytes = bytes;
    this.chunks = chunks;
  }

  private async write(kind: ChunkKind, payload: Uint8Array): Promise<void> {
    if (this.handle === null) throw new Error('no file is open');
    const bytes = encodeChunk(kind, this.chunks, payload);
    for (let done = 0; done < bytes.length; ) {
      // At the end, wherever that is: so it may be a pipe, too.
      const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, null);
      done += bytesWritten;
    }
    this.chunks++;
    this.fileBytes += bytes.length;
  }

  private async finishFile(): Promise<void> {
    const { handle } = this;
    if (handle === null) return;
    this.handle = null;
    await handle.datasync().catch(() => {});
    await handle.close();
  }

  private async drop(): Promise<void> {
    const { handle } = this;
    this.handle = null;
    await handle?.close().catch(() => {});
  }
}
