import { existsSync } from 'node:fs';
import { readCookie, serverPaths } from './pulse-address.js';
import { PulseClient } from './pulse-client.js';
import type { ServerInfo } from './pulse-protocol.js';

/** A client that has just come is told all there is within this time. */
const settleMs = 150;
/** Looks follow each other at this distance at least, however many clients come. */
const restMs = 1000;
/** By this property others know a look, of which they need not have doubts. */
const lookProperty = 'tenuto.look';

export interface SecondLookOptions {
  env: NodeJS.ProcessEnv;
  /** How long the server may take to answer, in milliseconds. */
  deadlineMs: number;
  /** What the server tells somebody who has just come. */
  onServer(server: ServerInfo): void;
}

/**
 * A fresh connection that sees what an old one was not told. PipeWire tells its clients of a new
 * default by a metadata object, but tells nobody while any client is being told for the first time
 * what stands in it (`metadata_property` in `src/modules/module-metadata/metadata.c`, seen with
 * 0.3.65 and still so in 2025). A default that changes in the few milliseconds in which somebody
 * connects is never told to those who were there, and they are answered with the old one for good.
 * So a client that comes raises a doubt, and the doubt is settled by asking as a new client.
 */
export class SecondLook {
  readonly #options: SecondLookOptions;
  readonly #giveUp = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** It is being asked who has come; others who come meanwhile are not asked for. */
  #isAsking = false;
  #othersCame = false;
  /** The last look, which stays for a while, so that others have time to ask who has come. */
  #last: PulseClient | null = null;
  #lingering: NodeJS.Timeout | null = null;

  constructor(options: SecondLookOptions) {
    this.#options = options;
  }

  /** Somebody connected, of whom `client` may be asked. */
  doubt(client: PulseClient | null, index: number): void {
    if (this.#timer !== null || client === null) return;
    if (this.#isAsking) this.#othersCame = true;
    else void this.#askFor(client, index);
  }

  /** Looks no more. Idempotent. */
  close(): void {
    this.#giveUp.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#leave();
  }

  /** Somebody else's look raises no doubt, or two who watch would look for ever. */
  async #askFor(client: PulseClient, index: number): Promise<void> {
    this.#isAsking = true;
    this.#othersCame = false;
    // Who has gone already cannot be asked for.
    const said = await client.readClient(index).catch(() => null);
    this.#isAsking = false;
    if (this.#othersCame || !said?.has(lookProperty)) this.#plan();
  }

  #plan(): void {
    if (this.#timer !== null || this.#giveUp.signal.aborted) return;
    const rest = this.#lastMs + restMs - performance.now();
    this.#timer = setTimeout(() => void this.#look(), Math.max(settleMs, rest));
  }

  async #look(): Promise<void> {
    this.#lastMs = performance.now();
    // From now on a doubt is a new one.
    this.#timer = null;
    this.#leave();
    const { env, deadlineMs, onServer } = this.#options;
    const path = serverPaths(env).find((one) => existsSync(one));
    if (path === undefined) return;
    try {
      const client = await PulseClient.connect({
        path,
        cookie: readCookie(env),
        deadlineMs,
        signal: this.#giveUp.signal,
        properties: { [lookProperty]: '1' },
      });
      this.#last = client;
      this.#lingering = setTimeout(() => this.#leave(), restMs);
      const server = await client.readServer();
      if (!this.#giveUp.signal.aborted) onServer(server);
    } catch {
      // Of a server that is gone or hangs the old connection tells.
    }
  }

  #leave(): void {
    this.#last?.close();
    if (this.#lingering !== null) clearTimeout(this.#lingering);
  }
}
