/** Edits (insert, delete, replace one letter) between two words; Levenshtein 1966, one row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/**
 * The end of a message about an unknown name: the nearest valid one if it may be a slip of the
 * finger, then all valid ones. `what` says what they are, as in `node types`.
 */
export function suggestion(wrong: string, what: string, names: Iterable<string>): string {
  const all = [...names];
  // A long wrong name is no slip, and comparing it would take quadratic time.
  const near = wrong.length > 40 ? undefined : nearest(wrong, all);
  const shown = all.length > 40 ? [...all.slice(0, 40), '...'] : all;
  const list = all.length === 0 ? `there are no ${what}` : `${what}: ${shown.join(', ')}`;
  return `${near === undefined ? '' : `did you mean \`${near}\`? `}${list}`;
}

function nearest(wrong: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wrong.length / 3)) + 1;
  for (const name of names) {
    const edits = distance(wrong.toLowerCase(), name.toLowerCase());
    if (edits < bestDistance && edits < name.length) {
      best = name;
      bestDistance = edits;
    }
  }
  return best;
}
