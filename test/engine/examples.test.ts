import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { compilePatch, parsePatch } from '../../dist/dsp/index.js';
import { launch, testSettings, until } from '../kit/engine.js';

/** The example programs, as users run them, but that this Node may not read TypeScript by itself. */

const root = new URL('../../', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'tenuto-examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where the packages lie that an example imports by name. */
const packages: Record<string, string> = {
  tenuto: new URL('dist/client/index.js', root).href,
  'tenuto/dsp': new URL('dist/dsp/index.js', root).href,
  'tenuto/settings': new URL('dist/settings/index.js', root).href,
  'osc-min': import.meta.resolve('osc-min'),
};

function run(name: string, args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const source = readFileSync(new URL(`examples/${name}.ts`, root), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const file = join(folder, `${basename(name)}.mjs`);
  writeFileSync(
    file,
    outputText.replace(/from '([^']+)'/g, (all, from) =>
      packages[from] === undefined ? all : `from '${packages[from]}'`,
    ),
  );
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** What it printed, once it has ended by itself. */
async function ended(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout!.on('data', (part) => {
    text += part;
  });
  child.stderr!.on('data', (part) => {
    text += part;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, text).toBe(0);
  return text;
}

describe('the example', () => {
  it('of twenty lines makes a patch and plays it', async () => {
    const set = {
      TENUTO_CONTROL_HTTP: 'off',
      TENUTO_CONTROL_OSC: 'off',
      TENUTO_FLIGHT_MINUTES: '0',
    };
    await ended(run('twenty-lines', ['0.5'], { ...set, TENUTO_DEVICE_NAME: 'virtual' }));
  });

  it('that speaks a reply is heard to its last frame', async () => {
    const settings = testSettings();
    await using engine = await launch({ settings });
    const child = run('voice-reply', [], { ENGINE: settings.engine.name });
    const reply = new Int16Array(12_000).map((_, i) => 8000 * Math.sin(i / 20));
    const bytes = Buffer.from(reply.buffer);
    // In odd parts, as they come from a network.
    for (let at = 0; at < bytes.length; at += 4001)
      child.stdin!.write(bytes.subarray(at, at + 4001));
    child.stdin!.end();
    expect(await ended(child)).toContain('0.50 s were heard');
    expect(engine.status().counters.streamsOpened).toBe(1);
  });

  it('that plays a voice over OSC has each of its steps taken', async () => {
    const settings = testSettings(['control.osc=127.0.0.1:0']);
    const { rateHz: rate, quantumFrames: quantum, channels } = settings.engine;
    const text = readFileSync(fileURLToPath(new URL('examples/osc/voice.yaml', root)), 'utf8');
    const patch = compilePatch(parsePatch(text, 'voice.yaml'), { rate, quantum, channels });
    await using engine = await launch({ settings, patch });
    await until('OSC is listened to', () => engine.status().control.osc);
    const port = engine.status().control.osc!.split(':').at(-1)!;
    await ended(run('osc/sequencer', ['8'], { OSC_PORT: port }));
    // Six of the eight steps have a note: two changes and a gate, and the end of the gate.
    await until('all were applied', () => engine.status().counters.commands >= 24);
    expect(engine.status().counters.commandsRefused).toBe(0);
  });
});
