import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, for this user only. Step by step, because Node's own way to do
 * that asks for ever where a file system refuses with "no such file" (as /proc does).
 */
export async function makeFolder(path: string): Promise<void> {
  const code = await tryFolder(path);
  if (code === null) return;
  if (code.code !== 'ENOENT' || dirname(path) === path) throw code;
  await makeFolder(dirname(path));
  const again = await tryFolder(path);
  if (again !== null) throw again;
}

/** Null when it is there now. */
async function tryFolder(path: string): Promise<NodeJS.ErrnoException | null> {
  try {
    await mkdir(path, { mode: 0o700 });
    return null;
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    return cause.code === 'EEXIST' ? null : cause;
  }
}
