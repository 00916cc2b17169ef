import { describeEvent } from '../flight/event-text.js';
import { readEvents } from '../memory/events.js';
import type { Segment } from '../memory/segment.js';
import type { Logger } from '../observe/log.js';

/** Logs what the keeper noted. */
export class EventLog {
  constructor(
    private readonly segment: Segment,
    private readonly logger: Logger,
    /** The event after which to begin; what came before, a predecessor has told. */
    private last: number,
  ) {}

  /** Logs what happened since the last call. */
  poll(): void {
    for (const event of readEvents(this.segment, this.last)) {
      this.last = event.sequence;
      // Control itself found it, and told it at once.
      if (event.kind === 'tripwire') continue;
      const { level, text, fields } = describeEvent(this.segment, event);
      this.logger[level](text, fields);
    }
  }
}
