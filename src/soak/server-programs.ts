import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** The programs that a sound server is made of, and those that play the person before it. */
const programs = [
  'dbus-daemon',
  'pipewire',
  'wireplumber',
  'pipewire-pulse',
  'pactl',
  'pw-record',
  'pw-cli',
  'pw-dump',
  'setpriv',
];

function isInstalled(program: string, path: string): boolean {
  return path.split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether a sound server of one's own can be started here. */
export function canRunPrivateServer(path = process.env.PATH ?? ''): boolean {
  return programs.every((program) => isInstalled(program, path));
}
