import { type DoorName, writeAddress } from '../memory/addresses.js';
import type { Segment } from '../memory/segment.js';
import type { Logger } from '../observe/log.js';

/** A port that is taken is tried again so often: whoever holds it may go. */
const retryMs = 1000;

/** A way in that is open. */
export interface OpenDoor {
  /** As a URL, where it is really bound. */
  readonly address: string;
  close(): void;
}

/**
 * A way into control from outside. When it cannot be opened, it says why, once, and is tried again;
 * the engine goes on without it.
 */
export class NetworkDoor {
  private door: OpenDoor | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  private hasFailed = false;

  constructor(
    private readonly segment: Segment,
    private readonly name: DoorName,
    private readonly logger: Logger,
    private readonly open: () => Promise<OpenDoor>,
  ) {}

  /** Resolves after the first attempt. */
  async begin(): Promise<void> {
    try {
      const door = await this.open();
      if (this.isClosed) {
        door.close();
        return;
      }
      this.door = door;
      writeAddress(this.segment, this.name, door.address);
      this.logger.info(`${this.name} at ${door.address}`);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === 'EADDRINUSE' ? 'another program has the port' : message;
      if (!this.hasFailed) this.logger.warn(`control.${this.name} is not open: ${why}`);
      this.hasFailed = true;
      if (!this.isClosed) this.timer = setTimeout(() => void this.begin(), retryMs);
    }
  }

  /** Idempotent. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.door?.close();
    this.door = null;
    writeAddress(this.segment, this.name, null);
  }
}

/** `HOST:PORT`, as URLs have it. */
export function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
