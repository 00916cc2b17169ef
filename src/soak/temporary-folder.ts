import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identity } from '../os/index.js';

const prefix = 'tenuto-soak-';

/** A folder that is gone when it is disposed of, or when this process exits. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/** Makes it, and removes those of soaks that were killed before they could. */
export function makeTemporaryFolder(where = tmpdir()): TemporaryFolder {
  removeOrphans(where);
  const path = mkdtempSync(join(where, `${prefix}${process.pid}-`));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', remove);
  return {
    path,
    [Symbol.dispose]() {
      process.off('exit', remove);
      remove();
    },
  };
}

function removeOrphans(where: string): void {
  for (const name of readdirSync(where)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : 0;
    if (!(pid > 0) || identity(pid) !== null) continue;
    try {
      rmSync(join(where, name), { recursive: true, force: true });
    } catch {
      // It is another user's, who will remove it.
    }
  }
}
