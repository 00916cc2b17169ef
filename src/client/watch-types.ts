/** Something that happened in an engine, in words. */
export interface EngineNote {
  /** Rises by 1 from event to event. */
  readonly sequence: number;
  readonly kind: string;
  readonly agoSec: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}
