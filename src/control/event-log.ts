import { eventWords } from '../flight/event-words.js';
import { readEvents } from '../memory/events.js';
import type { Segment } from '../memory/segment.js';
import type { Logger } from '../observe/log.js';

/** Says what the keeper noted, in words, at the weight it deserves. */
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
      const { level, text, fields } = eventWords(this.segment, event);
      this.logger[level](text, fields);
    }
  }
}
