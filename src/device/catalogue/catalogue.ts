import { type AlsaPlaces, AlsaWatch, alsaPlaces, listAlsa } from './alsa-list.js';
import {
  assembleDevices,
  changesBetween,
  type DeviceEvent,
  type DeviceInfo,
  type DeviceView,
  devicesOfServer,
  serverKind,
} from './model.js';
import type { PulseClient, ServerState } from './pulse-client.js';
import type { ServerInfo } from './pulse-protocol.js';
import { SecondLook } from './second-look.js';
import { ServerLink } from './server-link.js';

/**
 * A server that changes much at once (a card with its sinks, a profile) is asked again this long
 * after it was asked; the first of a burst is answered at once.
 */
const burstMs = 20;
/** A plugged card makes a dozen files in `/dev/snd`, one by one, and lets users in after that. */
const cardBurstMs = 100;
/** How long a server that is watched may take to answer before it counts as hung. */
const deadlineMs = 2000;

export interface CatalogueOptions {
  /** Where the sound server is looked for; the process's own environment by default. */
  env?: NodeJS.ProcessEnv;
  alsa?: AlsaPlaces;
  /** Called with each change, in order, after `view` shows it. */
  onEvent?: (event: DeviceEvent, view: DeviceView) => void;
  /** How long the server may take to answer, in milliseconds. */
  deadlineMs?: number;
}

/**
 * All devices of this machine, kept current by events of the sound server and of the kernel. It
 * opens no device. For the control process and commands, not for the audio thread.
 */
export class DeviceCatalogue {
  readonly #options: CatalogueOptions;
  readonly #link: ServerLink;
  readonly #secondLook: SecondLook;
  readonly #alsaWatch: AlsaWatch;
  #fromServer: ServerState | null = null;
  #fromAlsa: DeviceInfo[];
  #view: DeviceView;
  #epoch = 0;
  /** Set while a server is connected. */
  #client: PulseClient | null = null;
  /** The client whose changes are told of. */
  #subscribed: PulseClient | null = null;
  /** The question that is under way, and the one that waits for its turn. */
  #asking: Promise<void> | null = null;
  #askingNext: Promise<void> | null = null;
  /** Something changed since the last question was asked. */
  #stale = false;
  #readTimer: NodeJS.Timeout | null = null;
  #cardTimer: NodeJS.Timeout | null = null;
  /** False until the first view is complete: what was there from the beginning is no event. */
  #telling = false;
  #closed = false;
  #read!: () => void;
  readonly #firstRead: Promise<void> = new Promise((resolve) => {
    this.#read = resolve;
  });

  constructor(options: CatalogueOptions = {}) {
    this.#options = options;
    const alsa = options.alsa ?? alsaPlaces;
    // Watch first and look then, so that nothing happens unseen between the two.
    this.#alsaWatch = new AlsaWatch(() => this.#cardsChanged(), alsa);
    this.#fromAlsa = listAlsa(alsa);
    this.#view = this.#assemble();
    const server = {
      env: options.env ?? process.env,
      deadlineMs: options.deadlineMs ?? deadlineMs,
    };
    this.#secondLook = new SecondLook({ ...server, onServer: (found) => this.#compare(found) });
    this.#link = new ServerLink({
      ...server,
      onUp: (client) => this.#up(client),
      onChange: () => this.#serverChanged(),
      onClient: (index) => {
        if (this.#view.server?.kind === 'pipewire') this.#secondLook.doubt(this.#client, index);
      },
      onTrouble: (reason) => this.#trouble(reason),
      onDown: (reason) => this.#down(reason),
    });
    void this.ready().then(() => {
      this.#telling = true;
    });
  }

  /** What there is now. The same object until something changes. */
  get view(): DeviceView {
    return this.#view;
  }

  /** Settles when the view is complete for the first time, or known to have no server in it. */
  async ready(): Promise<void> {
    await this.#link.settled;
    if (this.#client !== null) await this.#firstRead;
  }

  /**
   * Looks anew, for when somebody doubts the view, and settles when the view shows what was found
   * (or nothing answered). Events tell of it as of any other change.
   */
  async refresh(): Promise<void> {
    this.#fromAlsa = listAlsa(this.#options.alsa ?? alsaPlaces);
    if (this.#client === null) this.#update();
    else await this.#ask();
  }

  /** Watches no more. Idempotent; no event comes afterwards. */
  close(): void {
    this.#closed = true;
    this.#link.close();
    this.#secondLook.close();
    this.#alsaWatch.close();
    for (const timer of [this.#readTimer, this.#cardTimer]) {
      if (timer !== null) clearTimeout(timer);
    }
    this.#read();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #assemble(): DeviceView {
    const state = this.#fromServer;
    return {
      server: state && {
        kind: serverKind(state.server.packageName),
        name: state.server.packageName,
      },
      serverEpoch: this.#epoch,
      devices: assembleDevices(state === null ? [] : devicesOfServer(state), this.#fromAlsa),
      cards: state?.cards ?? [],
    };
  }

  #tell(event: DeviceEvent): void {
    if (this.#telling && !this.#closed) this.#options.onEvent?.(event, this.#view);
  }

  #update(isBack = false): void {
    const before = this.#view;
    this.#view = this.#assemble();
    const { server } = this.#view;
    if (isBack && server) {
      this.#tell({ kind: 'server-back', server: server.kind, name: server.name });
    }
    for (const event of changesBetween(before, this.#view)) this.#tell(event);
  }

  #cardsChanged(): void {
    if (this.#closed || this.#cardTimer !== null) return;
    this.#cardTimer = setTimeout(() => {
      this.#cardTimer = null;
      this.#fromAlsa = listAlsa(this.#options.alsa ?? alsaPlaces);
      this.#update();
    }, cardBurstMs);
  }

  #up(client: PulseClient): void {
    this.#client = client;
    void this.#ask();
  }

  /** What a fresh connection was told; one that knows less is of no use any more. */
  #compare({ defaultSink, defaultSource }: ServerInfo): void {
    const known = this.#fromServer?.server;
    if (!known || this.#client === null || this.#asking !== null) return;
    if (known.defaultSink === defaultSink && known.defaultSource === defaultSource) return;
    this.#client = null;
    this.#link.renew();
  }

  /** A failed question takes nothing away: what is known stays until somebody knows better. */
  #trouble(reason: Error): void {
    this.#client = null;
    this.#read();
    this.#tell({ kind: 'query-failed', reason: reason.message });
  }

  #down(reason: Error): void {
    this.#client = null;
    this.#fromServer = null;
    this.#read();
    // That its devices went with it goes without saying; those that are left are not new.
    this.#view = this.#assemble();
    this.#tell({ kind: 'server-gone', reason: reason.message });
  }

  #serverChanged(): void {
    if (this.#asking !== null || this.#readTimer !== null) this.#stale = true;
    else void this.#ask();
  }

  /** Asks now, or once more when it is being asked; settles when the view shows the answer. */
  #ask(): Promise<void> {
    this.#askingNext ??= (this.#asking ?? Promise.resolve()).then(() => {
      this.#askingNext = null;
      this.#asking = this.#askNow().finally(() => {
        this.#asking = null;
      });
      return this.#asking;
    });
    return this.#askingNext;
  }

  async #askNow(): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    this.#stale = false;
    const answer = await this.#answerOf(client);
    if (this.#closed || this.#client !== client) return;
    if (answer instanceof Error) {
      this.#tell({ kind: 'query-failed', reason: answer.message });
    } else {
      const isBack = this.#fromServer === null;
      this.#fromServer = answer;
      if (isBack) this.#epoch++;
      this.#update(isBack);
    }
    this.#read();
    if (this.#readTimer !== null) clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => {
      this.#readTimer = null;
      if (this.#stale) void this.#ask();
    }, burstMs);
  }

  /** A connection that ends meanwhile is told of by the link. */
  async #answerOf(client: PulseClient): Promise<ServerState | Error> {
    try {
      if (this.#subscribed !== client) await client.subscribe();
      this.#subscribed = client;
      return await client.read();
    } catch (reason) {
      return reason as Error;
    }
  }
}

export interface ListOptions extends Pick<CatalogueOptions, 'env' | 'alsa'> {
  /** Longest wait for a sound server that does not answer, in milliseconds. */
  timeoutMs?: number;
}

/** A look at all devices, without watching them. A server that does not answer is left out. */
export async function lookOnce(options: ListOptions = {}): Promise<DeviceView> {
  const { timeoutMs = 300, ...rest } = options;
  using catalogue = new DeviceCatalogue(rest);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([catalogue.ready(), late]);
  clearTimeout(timer);
  return catalogue.view;
}
