import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { type ErrorCode, TenutoError } from '../errors.js';
import { limits } from '../limits.js';

/** The way to a value in a patch: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** Collects what is wrong with a patch, so that one refusal names several mistakes. */
export class PatchReport {
  private readonly mistakes: { code: ErrorCode; text: string }[] = [];

  constructor(private readonly locate: (path: Path, at: 'key' | 'value') => string) {}

  /** Notes a mistake at a value, or at the key that leads to it. */
  add(code: ErrorCode, path: Path, message: string, at: 'key' | 'value' = 'value'): void {
    this.mistakes.push({ code, text: `${this.locate(path, at)}: ${message}` });
  }

  /** @throws TenutoError with all mistakes so far, one a line, and the code of the first */
  refuseIfAny(): void {
    const [first] = this.mistakes;
    if (!first) return;
    const shown = this.mistakes.slice(0, limits.patchErrorsMax).map(({ text }) => text);
    const more = this.mistakes.length - shown.length;
    if (more > 0) shown.push(`and ${more} more mistakes`);
    throw new TenutoError(first.code, shown.join('\n'));
  }
}

/** A patch as plain values, and where in the text each of them stands. */
export interface PatchText {
  readonly value: unknown;
  /** `file:line:column` of the value at `path`, or of the deepest value on the way that exists. */
  readonly locate: (path: Path, at: 'key' | 'value') => string;
}

/**
 * Reads YAML 1.2, of which JSON is a part.
 * @throws TenutoError TENUTO_PATCH_INVALID, TENUTO_PATCH_LIMIT
 */
export function readPatchText(text: string, file: string): PatchText {
  if (Buffer.byteLength(text) > limits.patchBytesMax) {
    const size = `${limits.patchBytesMax >> 10} KiB`;
    throw new TenutoError('TENUTO_PATCH_LIMIT', `${file}: a patch may have ${size} of text`);
  }
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [error] = document.errors;
    if (error) {
      throw new TenutoError('TENUTO_PATCH_INVALID', `${place(error.pos[0])}: ${error.message}`);
    }
    visit(document, {
      Pair: (_, { key }) => {
        // Objects made of it would hide the key instead of refusing it.
        if (!isScalar(key) || key.value !== '__proto__') return;
        const at = place(startOf(key) ?? 0);
        throw new TenutoError('TENUTO_PATCH_INVALID', `${at}: \`__proto__\` cannot be a name`);
      },
    });
    const locate = (path: Path, at: 'key' | 'value') =>
      place(offsetOf(document.contents, path, at));
    // Aliases are counted, for a few of them can stand for gigabytes.
    return { value: document.toJS({ maxAliasCount: 100 }), locate };
  } catch (cause) {
    if (cause instanceof TenutoError) throw cause;
    // The YAML library reports too many aliases, and nesting too deep for the stack, so.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TenutoError('TENUTO_PATCH_INVALID', `${file}:1:1: ${reason}`, { cause });
  }
}

function offsetOf(contents: unknown, path: Path, at: 'key' | 'value'): number {
  let node = contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (isAlias(node)) return offset;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
      if (!pair) return offset;
      const keyOffset = startOf(pair.key) ?? offset;
      if (isLast && at === 'key') return keyOffset;
      node = pair.value;
      offset = startOf(node) ?? keyOffset;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}
