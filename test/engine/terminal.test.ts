import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { launch, testSettings, until, whole } from '../kit/engine.js';
import { screenCodes, Terminal } from '../kit/terminal.js';

/** What every frame begins with. */
const home = '\u001b[H';

/** The lines of the frame that was drawn last as a whole, without colours. */
function lastFrame({ text }: Terminal): string[] {
  const frames = text.split(home).slice(1, -1);
  return stripVTControlCharacters(frames.at(-1) ?? '').split(/\r*\n/);
}

describe.each([
  ['top', ['top'], /engine t/],
  ['the scope of tap', ['tap', '--node', 'tone'], /q quits/],
] as const)('%s on a terminal', (_, command, shown) => {
  it.each(['q', '\u0003'])('goes at the key %j, and leaves all as it was', async (key) => {
    await using engine = await launch({ settings: testSettings() });
    await whole(engine);
    await using terminal = new Terminal([...command, '--name', engine.name]);
    await terminal.shows(shown);
    // Other keys do nothing.
    terminal.press('xyz\u001b[A');
    await terminal.shows(shown);
    terminal.press(key);
    expect(await terminal.left()).toEqual({ status: 0, isRestored: true });
  });

  it('stands another size, however small, and fits it', async () => {
    await using engine = await launch({ settings: testSettings() });
    await whole(engine);
    await using terminal = new Terminal([...command, '--name', engine.name]);
    await terminal.shows(shown);
    for (const [columns, rows] of [
      [40, 12],
      [30, 5],
      [132, 50],
    ] as const) {
      await terminal.resize(columns, rows);
      await until(`it fits ${columns} by ${rows}`, () => {
        const frame = lastFrame(terminal);
        return frame.length <= rows && frame.every((line) => line.length <= columns);
      });
    }
    terminal.press('q');
    expect((await terminal.left()).isRestored).toBe(true);
  });

  it('goes on after it was stopped', async () => {
    await using engine = await launch({ settings: testSettings() });
    await whole(engine);
    await using terminal = new Terminal([...command, '--name', engine.name]);
    await terminal.shows(shown);
    await terminal.signal('SIGSTOP');
    await terminal.signal('SIGCONT');
    await terminal.shows(screenCodes.enter);
    await terminal.shows(shown);
    terminal.press('q');
    expect(await terminal.left()).toEqual({ status: 0, isRestored: true });
  });

  it('leaves all as it was when it is ended, and when its engine goes', async () => {
    const engine = await launch({ settings: testSettings() });
    await whole(engine);
    await using ended = new Terminal([...command, '--name', engine.name]);
    await using orphaned = new Terminal([...command, '--name', engine.name]);
    await ended.shows(shown);
    await orphaned.shows(shown);
    await ended.signal('SIGTERM');
    expect((await ended.left()).isRestored).toBe(true);
    await engine.stop();
    expect((await orphaned.left()).isRestored).toBe(true);
  });
});
