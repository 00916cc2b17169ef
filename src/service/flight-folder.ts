import { link, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ChunkKind, chunkHeaderBytes, decodeChunkHeader } from '../flight/chunk.js';
import { makeFolder } from './folders.js';

/** How much of the past is held. */
export interface FolderBounds {
  files: number;
  bytes: number;
  /** Stretches that are kept for good. */
  kept: number;
}

/** Something that happened, around which a stretch is kept. */
export interface Incident {
  /** One word or two, for the name of the folder. */
  reason: string;
  text: string;
  timeMs: number;
}

interface Segment {
  path: string;
  bytes: number;
  /** When it was last written to. */
  timeMs: number;
}

const keptName = 'kept';
const rescuedName = 'rescued';

/**
 * The folder in which the recent past of an engine lies: `RUN/000000.tj` and so on, of this run and
 * those before, as many as the bounds allow; and `kept/...`, the stretches around what went wrong.
 * What is kept is a second link to the same files. Everything waits for the disk.
 */
export class FlightFolder {
  readonly run: string;
  private readonly runs: string;

  private constructor(
    private readonly root: string,
    private readonly session: string,
    private readonly bounds: FolderBounds,
  ) {
    this.runs = join(root, 'runs');
    this.run = join(this.runs, session);
  }

  /** @param run - tells this run from all others; the one who comes after a death finds its folder */
  static async open(
    root: string,
    run: string,
    { nowMs, bounds }: { nowMs: number; bounds: FolderBounds },
  ): Promise<FlightFolder> {
    const known = (await namesIn(join(root, 'runs'))).find((name) => name.endsWith(`-${run}`));
    return new FlightFolder(root, known ?? `${stamp(nowMs)}-${run}`, bounds);
  }

  segmentPath(number: number): string {
    return join(this.run, `${String(number).padStart(6, '0')}.tj`);
  }

  assetPath(digest: string): string {
    return join(this.run, `asset-${digest.slice(0, 16)}.tj`);
  }

  /** Runs that were cut off, by a power failure say: what they hold last is kept. */
  async rescue(beforeMs: number): Promise<void> {
    for (const session of await namesIn(this.runs)) {
      if (session === this.session) continue;
      const run = join(this.runs, session);
      const segments = await segmentsOf(run);
      const last = segments.at(-1);
      if (last === undefined || (await namesIn(run)).includes(rescuedName)) continue;
      if (await hasEnd(last.path)) continue;
      const text = 'the engine ended without notice';
      const incident = { reason: 'cut-off', text, timeMs: last.timeMs };
      await this.keepOf(run, incident, last.timeMs - beforeMs);
      await writeFile(join(run, rescuedName), '');
    }
  }

  /** Keeps what was written since, for good. */
  async keep(incident: Incident, sinceMs: number): Promise<void> {
    await this.keepOf(this.run, incident, sinceMs);
  }

  private async keepOf(run: string, incident: Incident, sinceMs: number): Promise<void> {
    const kept = join(this.root, keptName);
    const name = `${stamp(incident.timeMs)}-${incident.reason}`;
    // Given its name at last, so that a stretch is there as a whole or not at all.
    const made = join(kept, `.${name}`);
    await rm(made, { recursive: true, force: true });
    await makeFolder(made);
    for (const asset of (await namesIn(run)).filter((one) => one.startsWith('asset-'))) {
      await link(join(run, asset), join(made, asset));
    }
    for (const { path, timeMs } of await segmentsOf(run)) {
      if (timeMs >= sinceMs) await link(path, join(made, basename(path)));
    }
    await writeFile(join(made, 'incident.json'), `${JSON.stringify(incident)}\n`);
    await rm(join(kept, name), { recursive: true, force: true });
    await rename(made, join(kept, name));
    const all = (await namesIn(kept)).filter((one) => !one.startsWith('.'));
    for (const old of all.slice(0, Math.max(0, all.length - this.bounds.kept))) {
      await rm(join(kept, old), { recursive: true, force: true });
    }
  }

  /**
   * Deletes the oldest files until the bounds hold; the newest stays.
   *
   * @param more - how many to delete beyond that, for a disk that is full
   * @returns the bytes that are left
   */
  async prune(more = 0): Promise<number> {
    const sessions = await namesIn(this.runs);
    const lists = await Promise.all(sessions.map((one) => segmentsOf(join(this.runs, one))));
    const all = lists.flat();
    let bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    let left = all.length;
    for (const { path, bytes: size } of all.slice(0, -1)) {
      const deleted = all.length - left;
      if (left <= this.bounds.files && bytes <= this.bounds.bytes && deleted >= more) break;
      await rm(path, { force: true });
      bytes -= size;
      left--;
    }
    for (const [index, session] of sessions.entries()) {
      const isOver = session !== this.session && lists[index]!.length === 0;
      if (isOver) await rm(join(this.runs, session), { recursive: true, force: true });
    }
    return bytes;
  }
}

/** Sorted; a folder that is not there is empty. */
async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

/** The journal files of a run, oldest first. */
async function segmentsOf(run: string): Promise<Segment[]> {
  const names = (await namesIn(run)).filter((name) => /^\d+\.tj$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const path = join(run, name);
      const { size, mtimeMs } = await stat(path);
      return { path, bytes: size, timeMs: mtimeMs };
    }),
  );
}

/** Whether the last chunk of a file says that the run ended in order. */
async function hasEnd(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const header = Buffer.alloc(chunkHeaderBytes);
    await handle.read(header, 0, header.length, Math.max(0, size - header.length));
    const told = decodeChunkHeader(header);
    return typeof told !== 'string' && told.kind === ChunkKind.end;
  } finally {
    await handle.close();
  }
}

/** `20260131-120000` in universal time, which sorts. */
export function stamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
}
