import { didYouMean } from '../nearest.js';

/** Names that one message lists at most. */
const SHOWN_MAX = 40;

/**
 * The end of a message about an unknown name: the one that was probably meant, then all valid
 * ones. `what` says what they are, as in `node types`.
 */
export function suggestion(wrong: string, what: string, names: Iterable<string>): string {
  const all = [...names];
  if (all.length === 0) return `; there are no ${what}`;
  const shown = all.length > SHOWN_MAX ? [...all.slice(0, SHOWN_MAX), '...'] : all;
  // A long wrong name is no slip of the finger, and comparing it would take quadratic time.
  const meant = wrong.length > 80 ? '' : didYouMean(wrong, all);
  return `${meant || ';'} ${what}: ${shown.join(', ')}`;
}
