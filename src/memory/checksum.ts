/**
 * Checksum of `count` 32-bit words from index `from`: FNV-1a over words, with a rotation that
 * carries the high bits down. Each step is a bijection of the running value, so a change of any
 * single word always changes the result; it guards against torn and diverging quanta, not against
 * malice. Allocation-free; may be called on the audio thread.
 */
export function checksumWords(words: Int32Array, from: number, count: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = from; i < from + count; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x01000193);
    hash = (hash << 13) | (hash >>> 19);
  }
  return hash;
}
