import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built dashboard. */
const folder = new URL('../web/', import.meta.url);

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

/** One file of the dashboard. */
export interface Page {
  type: string;
  bytes: Buffer;
  /** Its name changes with its content, so it may be kept for ever. */
  isLasting: boolean;
}

/**
 * The dashboard's files, by their path. They are looked up by name in what was there when the first
 * was asked for, so that no path leads out of the folder.
 */
export class Pages {
  private files: Map<string, string> | null = null;

  find(path: string): Page | null {
    this.files ??= this.list();
    const file = this.files.get(path === '/' ? '/index.html' : path);
    if (file === undefined) return null;
    return {
      type: types[extname(file)] ?? 'application/octet-stream',
      bytes: readFileSync(file),
      isLasting: path.startsWith('/assets/'),
    };
  }

  private list(): Map<string, string> {
    try {
      const root = fileURLToPath(folder);
      const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
      return new Map(
        names.filter((name) => extname(name) !== '').map((name) => [`/${name}`, `${root}${name}`]),
      );
    } catch {
      return new Map();
    }
  }
}

/** What browsers are told of every answer. Scripts and styles come from here alone. */
export const safeHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};
