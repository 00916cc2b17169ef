import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, openPage } from '../kit/browser.js';
import { launch, pidOf, testSettings, until, whole } from '../kit/engine.js';
import { httpOf } from '../kit/http.js';
import { gentle, moduleText, withModule } from '../kit/own-nodes.js';

const anyPort = 'control.http=127.0.0.1:0';
const demo = [anyPort, 'control.demo=on'];

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** A row of the list of processes, by what it begins with. */
const rowOf = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });

/** Whether a picture has anything but one colour in it. */
function isDrawn(page: Page, label: RegExp): Promise<boolean> {
  return isDrawnIn(page.getByRole('img', { name: label }));
}

/** The same for what is a picture, or holds one. */
function isDrawnIn(place: Locator): Promise<boolean> {
  return place.evaluate((element) => {
    const canvas = (element.querySelector?.('canvas') ?? element) as unknown as {
      width: number;
      height: number;
      getContext(kind: '2d'): {
        getImageData(x: number, y: number, w: number, h: number): { data: Uint8Array };
      };
    };
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((one) => one !== data[0]);
  });
}

describe('the dashboard', () => {
  it('moves with the sound, and shows any point of the patch', async () => {
    await using engine = await launch({ settings: testSettings(demo) });
    await whole(engine);
    const { page, troubles } = await openPage(browser, await httpOf(engine));
    await page.getByText('running', { exact: true }).first().waitFor();
    await until('the wave is drawn', () => isDrawn(page, /wave/));
    await until('the level is told', async () =>
      (await page.getByRole('status', { name: 'Peak' }).textContent())?.includes('dBFS'),
    );
    await page.getByRole('combobox', { name: 'Listen at' }).selectOption('filter');
    await until('it is heard', () => isDrawn(page, /Spectrum/));
    await page
      .getByText(/half below/)
      .first()
      .waitFor();
    await page.getByText('virtual, 48 kHz').waitFor();
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  it('kills a replica and control, shows what became of them, and goes on by itself', async () => {
    await using engine = await launch({ settings: testSettings(demo) });
    await whole(engine);
    const { page, troubles } = await openPage(browser, await httpOf(engine));
    await page.getByRole('button', { name: 'Kill replica 0' }).click();
    await rowOf(page, 'replica 0')
      .getByText(/last one was killed/)
      .first()
      .waitFor();
    await page.getByText('replica 0 was killed').waitFor();
    await page.getByRole('button', { name: 'Kill control' }).click();
    await until('control is another', () => engine.status().counters.restartsControl > 0);
    await rowOf(page, 'control')
      .getByText(/last one was killed/)
      .first()
      .waitFor({ timeout: 20_000 });
    expect(await page.getByRole('button', { name: 'Kill keeper' }).count()).toBe(0);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  it('hangs a replica, and shows how even the quanta come and what happened', async () => {
    await using engine = await launch({ settings: testSettings(demo) });
    await whole(engine);
    const { page, troubles } = await openPage(browser, await httpOf(engine));
    await page.getByRole('button', { name: 'Hang replica 0' }).click();
    await page
      .getByText(/replica 0 (stood still|hung|was hung)/)
      .first()
      .waitFor();
    await until('it is replaced', () => engine.status().counters.restarts > 0);
    const chart = page.getByRole('img', { name: /^Jitter of a quantum: half below/ });
    await until('the histogram is drawn', () => isDrawnIn(chart));
    const entries = page.getByRole('region', { name: 'Events' }).getByRole('listitem');
    const few = await entries.count();
    await page.getByRole('checkbox', { name: 'everything' }).check();
    await until('all events are shown', async () => (await entries.count()) > few);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  it("shows a patch with a node of the user's, which is loaded meanwhile, and its sound", async () => {
    await using engine = await launch({ settings: testSettings(demo) });
    await whole(engine);
    const { page, troubles } = await openPage(browser, await httpOf(engine));
    const { module: _, ...patch } = await withModule(moduleText(gentle));
    await engine.loadPatch(patch);
    await page.getByRole('button', { name: /^mine/ }).click();
    expect(await page.locator('svg path.near').count()).toBe(2);
    await page.getByRole('button', { name: 'Show its sound' }).click();
    await until('its sound is drawn', async () =>
      (await page.getByRole('status', { name: 'Peak' }).textContent())?.includes('dBFS'),
    );
    expect(await page.getByRole('alert').allTextContents()).toEqual([]);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  it('is read in order, and tells by itself only what is new', async () => {
    await using engine = await launch({ settings: testSettings(demo) });
    await whole(engine);
    const { page } = await openPage(browser, await httpOf(engine));
    await page.getByRole('button', { name: 'Kill control' }).waitFor();
    const headings = await page.getByRole('heading').allTextContents();
    expect(headings[0]).toBe('Tenuto');
    const regions = ['Sound', 'Processes', 'Patch', 'Timing', 'Devices and streams'];
    expect(headings.filter((text) => regions.includes(text))).toEqual(regions);
    for (const name of regions) expect(await page.getByRole('region', { name }).count()).toBe(1);
    const reached: string[] = [];
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press('Tab');
      reached.push(
        (await page.evaluate(
          '(document.activeElement.labels?.[0] ?? document.activeElement).textContent',
        )) as string,
      );
    }
    expect(reached[0]).toBe('Skip to the engine');
    expect(reached[1]).toContain('Listen at');
    expect(reached[2]).toMatch(/^Kill /);
    expect(reached[3]).toMatch(/^Hang /);
    // What a reader would be told again and again: the clock, the level, the sliders.
    const live = `[...document.querySelectorAll('output, [aria-live], [role=status]')]
      .filter((one) => (one.ariaLive ?? 'polite') !== 'off')
      .map((one) => one.outerHTML)`;
    const clock = page.locator('header dd').first();
    const looks = [(await page.evaluate(live)) as string[]];
    while (looks.length < 4) {
      const before = await clock.textContent();
      await until('the clock goes on', async () => (await clock.textContent()) !== before);
      looks.push((await page.evaluate(live)) as string[]);
    }
    // News are new once, and not with each second.
    const [first, ...later] = looks;
    const restless = first!.filter((_, i) => later.every((look, k) => look[i] !== looks[k]![i]));
    expect(restless).toEqual([]);
    await page.context().close();
  });

  it('changes a parameter by the keyboard alone', async () => {
    await using engine = await launch({ settings: testSettings([anyPort]) });
    await whole(engine);
    const { page, troubles } = await openPage(browser, await httpOf(engine));
    const node = page.getByRole('button', { name: /^filter/ });
    await node.focus();
    await page.keyboard.press('Enter');
    expect(await node.getAttribute('aria-pressed')).toBe('true');
    const slider = page.getByRole('slider', { name: 'resonance' });
    const before = await slider.getAttribute('aria-valuetext');
    await slider.focus();
    await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowRight');
    await until('the engine was told', () => engine.status().counters.commands > 0);
    expect(await slider.getAttribute('aria-valuetext')).not.toBe(before);
    expect(await page.getByRole('button', { name: /^Kill/ }).count()).toBe(0);
    expect(pidOf(engine, 'control')).toBeGreaterThan(1);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  it('fits a phone, in the dark too, and every control has a name', async () => {
    await using engine = await launch({ settings: testSettings(demo) });
    await whole(engine);
    const url = await httpOf(engine);
    const phone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const };
    const { page, troubles } = await openPage(browser, url, phone);
    await page.getByRole('button', { name: 'Kill control' }).waitFor();
    const [seen, wide, nameless] = (await page.evaluate(`[
      document.documentElement.clientWidth,
      document.documentElement.scrollWidth,
      [...document.querySelectorAll('button, select, input, a')]
        .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.closest('label')))
        .map((one) => one.outerHTML),
    ]`)) as [number, number, string[]];
    expect(wide).toBeLessThanOrEqual(seen);
    expect(nameless).toEqual([]);
    const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(paper).toBe('rgb(20, 23, 26)');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  it('takes the token from its address, and asks for it when there is none', async () => {
    const secret = 'only-for-this-test';
    const settings = testSettings([anyPort, `control.token=${secret}`]);
    await using engine = await launch({ settings });
    await whole(engine);
    const url = await httpOf(engine);
    const { page } = await openPage(browser, url);
    await page.getByText(/asks for its token/).waitFor({ state: 'attached' });
    await page.context().close();
    const opened = await openPage(browser, `${url}/#token=${secret}`);
    await opened.page.getByText('running', { exact: true }).first().waitFor();
    expect(opened.page.url()).not.toContain(secret);
    await opened.page.context().close();
  });
});
