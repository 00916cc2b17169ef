import type { EngineConnection, RunningEngine } from '../client/index.js';
import { TenutoError } from '../errors.js';
import type { Settings } from '../settings/index.js';
import { loadPatchText } from './patch-file.js';

/** The engine of that name, if it runs and listens to something. */
export async function connectIfRunning(name: string): Promise<EngineConnection | null> {
  const { connectEngine } = await import('../client/index.js');
  const engine = await connectEngine(name).catch((error) => {
    if (error instanceof TenutoError && error.code === 'TENUTO_ENGINE_UNREACHABLE') return null;
    throw error;
  });
  if (engine === null) return null;
  try {
    (await engine.capture()).close();
    return engine;
  } catch (error) {
    engine.close();
    if (error instanceof TenutoError && error.code === 'TENUTO_CAPTURE_OFF') return null;
    throw error;
  }
}

const silentPatch = `
name: silence
nodes:
  source: { type: stream, stream: 0 }
  out: { type: out, in: source }
`;

/** An engine for one command alone: nobody finds it, it takes no port, and it keeps no past. */
export function makePrivate(settings: Settings, purpose: string): void {
  settings.engine.name = `${purpose}-${process.pid}`;
  settings.flight.minutes = 0;
  Object.assign(settings.control, { http: 'off', osc: 'off', remote: 'off', stateFile: 'off' });
}

/** An engine to play over: the running one of the settings' name, else one of its own. */
export async function openPlayingEngine(
  settings: Settings,
  own: boolean,
): Promise<EngineConnection | RunningEngine> {
  const { connectEngine, startEngine } = await import('../client/index.js');
  const { name } = settings.engine;
  const running = own
    ? null
    : await connectEngine(name).catch((error) => {
        if (error instanceof TenutoError && error.code === 'TENUTO_ENGINE_UNREACHABLE') return null;
        throw error;
      });
  if (running !== null) return running;
  makePrivate(settings, 'play');
  const { compiled } = await loadPatchText(silentPatch, 'silence', settings.engine);
  const engine = await startEngine({ settings, patch: compiled });
  await engine.playing;
  return engine;
}
