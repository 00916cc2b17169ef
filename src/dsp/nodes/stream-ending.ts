/** Seconds from the last frame of content down to nothing, where content ends without warning. */
const endingSec = 0.005;

/**
 * Gains of the fall from a last frame to silence, by the frames that are left of it: index 0 is 0,
 * and the last index is where it begins. A smooth step, 3t^2 - 2t^3, which is the same on every
 * machine.
 */
export function endingGains(rate: number): Float32Array {
  const frames = Math.max(1, Math.round(endingSec * rate));
  return Float32Array.from({ length: frames + 1 }, (_, left) => {
    const t = left / (frames + 1);
    return t * t * (3 - 2 * t);
  });
}
