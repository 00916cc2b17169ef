import { existsSync, type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readCookie, serverPaths } from './pulse-address.js';
import { PulseClient } from './pulse-client.js';
import { ProtocolError } from './tagstruct.js';

export interface ServerLinkOptions {
  env: NodeJS.ProcessEnv;
  /** How long a server may take to answer before it counts as hung, in milliseconds. */
  deadlineMs: number;
  /** A server is there; it has been asked nothing yet. */
  onUp(client: PulseClient): void;
  /** What it has, has changed. */
  onChange(): void;
  /** Somebody else has connected to it, by this index. */
  onClient(index: number): void;
  /** The server that was there does not answer, or makes no sense; it is still there. */
  onTrouble(reason: Error): void;
  /** The server that was there is gone. */
  onDown(reason: Error): void;
}

/**
 * A socket file appears before its server listens, and a server may listen before it answers: after
 * each sign of it one tries at these distances, two seconds long, then waits for the next sign.
 */
const retriesMs = [0, 1, 2, 4, 8, 16, ...Array<number>(62).fill(32)];
/** A socket that is there and refuses says nothing when it stops to: one looks this seldom. */
const lookMs = 2000;

/**
 * Holds a connection to the sound server, whichever comes and goes: it finds it by its socket, and
 * a server that comes back by the change in the socket's folder. It never gives up.
 */
export class ServerLink {
  readonly #options: ServerLinkOptions;
  readonly #paths: readonly string[];
  #watchers: FSWatcher[] = [];
  #client: PulseClient | null = null;
  #timer: NodeJS.Timeout | null = null;
  #attempt = 0;
  /** A server was there, and nobody was told yet that it is not any more. */
  #isThere = false;
  /** Something could not be watched (too many watchers, say), so that one has to look. */
  #blind = false;
  readonly #giveUp = new AbortController();
  #connecting = false;
  #again = false;
  #closed = false;
  #settled!: () => void;
  /** Settles when it is known for the first time whether there is a server. */
  readonly settled: Promise<void> = new Promise((resolve) => {
    this.#settled = resolve;
  });

  constructor(options: ServerLinkOptions) {
    this.#options = options;
    this.#paths = serverPaths(options.env);
    this.#watchFolders();
    void this.#try();
  }

  /** Hangs up and watches no more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#giveUp.abort();
    this.#client?.close();
    this.#client = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#unwatch();
    this.#settled();
  }

  /** Connects anew to the server that is there, which may answer a new client otherwise. */
  renew(): void {
    if (this.#closed || this.#client === null) return;
    this.#client.close();
    this.#client = null;
    this.#attempt = 0;
    void this.#try();
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  /** Watches for each socket, or for the folder on the way to it that is not there yet. */
  #watchFolders(): void {
    this.#unwatch();
    this.#blind = false;
    const watched = new Map<string, Set<string>>();
    const add = (path: string) => {
      const folder = dirname(path);
      const names = watched.get(folder) ?? new Set();
      watched.set(folder, names.add(basename(path)));
      return folder;
    };
    for (const path of this.#paths) {
      // The folder itself may be removed with the socket, so the one above it is watched as well.
      let folder = add(path);
      if (existsSync(folder)) add(folder);
      while (!existsSync(folder) && folder !== '/') {
        watched.delete(folder);
        folder = add(folder);
      }
    }
    for (const [folder, names] of watched) {
      try {
        const watcher = watch(folder, (_, name) => {
          if (name !== null && names.has(name)) this.#sign(watcher);
        });
        watcher.on('error', () => watcher.close());
        this.#watchers.push(watcher);
      } catch {
        this.#blind = true;
      }
    }
  }

  /** Something happened where a server's socket stands. */
  #sign(watcher: FSWatcher): void {
    if (this.#closed || !this.#watchers.includes(watcher) || this.#client !== null) return;
    this.#watchFolders();
    this.#attempt = 0;
    if (this.#connecting) this.#again = true;
    else void this.#try();
  }

  #plan(afterMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#try();
    }, afterMs);
  }

  async #try(): Promise<void> {
    if (this.#closed || this.#connecting || this.#client !== null) return;
    this.#connecting = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const client = await this.#connect();
    this.#connecting = false;
    if (client instanceof PulseClient) {
      if (this.#closed) return client.close();
      this.#attempt = 0;
      this.#isThere = true;
      this.#client = client;
      this.#options.onUp(client);
    } else if (!this.#closed) {
      if (client !== 'trouble') this.#gone(new Error('no server accepts connections'));
      // Where there is no socket its appearance is told by the watchers.
      if (!this.#again && (client !== 'absent' || this.#blind)) {
        this.#plan(retriesMs[++this.#attempt] ?? lookMs);
      }
    }
    this.#settled();
    if (this.#again) {
      this.#again = false;
      await this.#try();
    }
  }

  /** The first of the places where a server answers; else whether there is one that does not. */
  async #connect(): Promise<PulseClient | 'absent' | 'refused' | 'trouble'> {
    let found: 'absent' | 'refused' | 'trouble' = 'absent';
    for (const path of this.#paths) {
      if (!existsSync(path)) continue;
      try {
        const client = await PulseClient.connect({
          path,
          cookie: readCookie(this.#options.env),
          deadlineMs: this.#options.deadlineMs,
          signal: this.#giveUp.signal,
          onChange: () => this.#options.onChange(),
          onClient: (index) => this.#options.onClient(index),
          onEnd: (reason) => this.#down(reason),
        });
        return client;
      } catch (error) {
        // The next place; why it failed is of no use to anybody while a server starts.
        if (error instanceof ProtocolError) found = 'trouble';
        else if (found === 'absent') found = 'refused';
      }
    }
    return found;
  }

  #down(reason: Error): void {
    this.#client = null;
    if (this.#closed) return;
    this.#watchFolders();
    this.#attempt = 0;
    if (reason instanceof ProtocolError) this.#options.onTrouble(reason);
    else this.#gone(reason);
    this.#plan(retriesMs[1]!);
  }

  #gone(reason: Error): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    this.#options.onDown(reason);
  }
}
