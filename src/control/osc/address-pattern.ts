/** One element of a pattern: what it may stand for at a place of an address. */
type Token =
  | { kind: 'text'; text: string }
  /** `?`: any character but a slash. */
  | { kind: 'any' }
  /** `*`: any number of them. */
  | { kind: 'star' }
  /** `[a-z]`, or with `!` any other. */
  | { kind: 'set'; ranges: readonly (readonly [string, string])[]; isNot: boolean }
  /** `{one,two}`. */
  | { kind: 'choice'; texts: readonly string[] };

/** Whether an address is a pattern, which may stand for many. */
export function isPattern(address: string): boolean {
  return /[?*[\]{}]/.test(address);
}

/**
 * A test for addresses after the rules of OSC 1.0, or null when the pattern is not well formed. It
 * takes time in proportion to pattern and address, whatever the pattern.
 */
export function compilePattern(pattern: string): ((address: string) => boolean) | null {
  const tokens = tokenize(pattern);
  return tokens === null ? null : (address) => matches(tokens, address);
}

function tokenize(pattern: string): Token[] | null {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at]!;
    const close = closing[character];
    if (close !== undefined) {
      const end = pattern.indexOf(close, at);
      if (end < 0) return null;
      const inside = pattern.slice(at + 1, end);
      tokens.push(character === '[' ? setOf(inside) : { kind: 'choice', texts: inside.split(',') });
      at = end + 1;
    } else if (character === ']' || character === '}') {
      return null;
    } else {
      if (character === '?') tokens.push({ kind: 'any' });
      else if (character === '*') {
        if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
      } else tokens.push({ kind: 'text', text: character });
      at++;
    }
  }
  return tokens;
}

const closing: Readonly<Record<string, string | undefined>> = { '[': ']', '{': '}' };

function setOf(inside: string): Token {
  const isNot = inside.startsWith('!');
  const text = isNot ? inside.slice(1) : inside;
  const ranges: [string, string][] = [];
  for (let at = 0; at < text.length; at++) {
    const from = text[at]!;
    // A minus at the end is one.
    if (text[at + 1] === '-' && at + 2 < text.length) {
      ranges.push([from, text[at + 2]!]);
      at += 2;
    } else ranges.push([from, from]);
  }
  return { kind: 'set', ranges, isNot };
}

/** Follows all places of the address that the tokens so far may have led to. */
function matches(tokens: readonly Token[], address: string): boolean {
  let places = new Set([0]);
  for (const token of tokens) {
    const next = new Set<number>();
    for (const place of places) advance(token, address, place, next);
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(address.length);
}

function advance(token: Token, address: string, place: number, next: Set<number>): void {
  const character = address[place];
  if (token.kind === 'text') {
    if (character === token.text) next.add(place + 1);
  } else if (token.kind === 'any') {
    if (character !== undefined && character !== '/') next.add(place + 1);
  } else if (token.kind === 'star') {
    for (let end = place; ; end++) {
      // From here on another one has gone already.
      if (next.has(end)) return;
      next.add(end);
      if (end >= address.length || address[end] === '/') return;
    }
  } else if (token.kind === 'set') {
    if (character === undefined || character === '/') return;
    const isIn = token.ranges.some(([from, to]) => character >= from && character <= to);
    if (isIn !== token.isNot) next.add(place + 1);
  } else {
    for (const text of token.texts) {
      if (address.startsWith(text, place)) next.add(place + text.length);
    }
  }
}
