import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the native protocol takes as a cookie; a server of the same user does not look at it. */
const cookieBytes = 256;

/** `{machine}unix:/path` or `/path`: an entry of PULSE_SERVER that names a socket on this machine. */
function unixPath(entry: string): string | undefined {
  const bare = entry.replace(/^\{[^}]*\}/, '');
  const path = bare.startsWith('unix:') ? bare.slice('unix:'.length) : bare;
  return path.startsWith('/') ? path : undefined;
}

/**
 * Where the sound server's socket may be, likeliest first. Only sockets: a server on another
 * machine (`tcp:`) is not looked for.
 */
export function serverPaths(env: NodeJS.ProcessEnv, uid = process.getuid?.() ?? 0): string[] {
  if (env.PULSE_SERVER) {
    return env.PULSE_SERVER.split(/\s+/)
      .map(unixPath)
      .filter((path) => path !== undefined);
  }
  if (env.PULSE_RUNTIME_PATH) return [join(env.PULSE_RUNTIME_PATH, 'native')];
  return [
    join(env.XDG_RUNTIME_DIR || `/run/user/${uid}`, 'pulse/native'),
    // A server for the whole machine.
    '/run/pulse/native',
  ];
}

/** The cookie, or zeros where there is none. */
export function readCookie(env: NodeJS.ProcessEnv): Buffer {
  const config = env.XDG_CONFIG_HOME || join(env.HOME || '/root', '.config');
  const places = env.PULSE_COOKIE
    ? [env.PULSE_COOKIE]
    : [join(config, 'pulse/cookie'), join(dirname(config), '.pulse-cookie')];
  for (const place of places) {
    try {
      const { size } = statSync(place);
      if (size === cookieBytes) return readFileSync(place);
    } catch {
      // The next place, or none: most servers know their user by the socket.
    }
  }
  return Buffer.alloc(cookieBytes);
}
