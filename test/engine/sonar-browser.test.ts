import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser, openPage } from '../kit/browser.js';
import { launchSilent } from '../kit/capture.js';
import { until, whole } from '../kit/engine.js';
import { httpOf } from '../kit/http.js';
import { roomSettings } from '../kit/room.js';
import { interrupt, sonarCommand, startSonarPage } from '../kit/sonar.js';

/** Somebody walks to and fro, quickly enough to be seen. */
const walked = { fromM: 1, toM: 2.5 };
const room = { targets: [{ distanceM: walked.fromM, toM: walked.toM, periodSec: 6 }] };

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** What a picture looks like now. */
function lookAt(page: Page, label: RegExp): Promise<string> {
  return page
    .locator('figure', { hasText: label })
    .locator('canvas')
    .evaluate((element) => {
      const canvas = element as unknown as { toDataURL(): string };
      return canvas.toDataURL();
    });
}

async function moves(page: Page, label: RegExp): Promise<void> {
  const before = await lookAt(page, label);
  await until(`${label} moves`, async () => (await lookAt(page, label)) !== before);
}

/** The number that stands there large. */
async function shownM(page: Page): Promise<number | null> {
  const text = (await page.locator('output.reading').textContent()) ?? '';
  return text.endsWith(' m') ? Number.parseFloat(text) : null;
}

/** A file that the page gives to save. */
async function download(page: Page, name: string): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name }).click(),
  ]);
  return file.path();
}

const colourOf = (page: Page, name: string) =>
  page.getByRole('button', { name, exact: true }).evaluate((element) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a browser has.
    return (globalThis as any).getComputedStyle(element).backgroundColor as string;
  });

it('the sonar is seen, steered and exported in a browser', async () => {
  const { child, address } = await startSonarPage(sonarCommand(room).slice(1));
  const { page, troubles } = await openPage(browser, address, {
    // All of it: a picture that is not seen is not drawn.
    viewport: { width: 1280, height: 1600 },
  });
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  await page.getByText('running', { exact: true }).waitFor();

  const first = await until('a distance is shown', () => shownM(page));
  expect(first).toBeGreaterThan(walked.fromM - 0.05);
  expect(first).toBeLessThan(walked.toM + 0.05);
  await until('it walks', async () => Math.abs(((await shownM(page)) ?? first) - first) > 0.2);
  for (const picture of [/Echo profile/, /Waterfall/, /Distance/, /Time of flight/]) {
    await moves(page, picture);
  }

  expect(await colourOf(page, 'Start')).toBe('rgb(29, 122, 58)');
  expect(await colourOf(page, 'Stop')).toBe('rgb(179, 38, 30)');
  expect(await button('Measure latency').isDisabled()).toBe(true);
  await button('Stop').click();
  await page.getByText('stopped', { exact: true }).waitFor();
  expect(await button('Stop').isDisabled()).toBe(true);
  await button('Measure latency').click();
  await page.getByText(/round trip \d+\.\d+ frames/).waitFor();

  const csv = readFileSync(await download(page, 'Export CSV'), 'utf8')
    .trim()
    .split('\n');
  const names = csv[0]!.split(',');
  const distances = csv.slice(1).map((line) => Number(line.split(',')[names.indexOf('distanceM')]));
  expect(distances.length).toBeGreaterThan(5);
  for (const distance of distances.filter((one) => one > 0)) {
    expect(distance).toBeGreaterThan(walked.fromM - 0.05);
    expect(distance).toBeLessThan(walked.toM + 0.05);
  }
  const wav = readFileSync(await download(page, 'Export WAV'));
  expect(wav.subarray(0, 4).toString()).toBe('RIFF');
  expect(wav.readUInt32LE(wav.indexOf('fmt ') + 12)).toBe(48_000);
  const data = wav.indexOf('data') + 8;
  const samples = new Float32Array(Uint8Array.from(wav.subarray(data)).buffer);
  expect(samples.length).toBeGreaterThan(4800);
  const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  expect(peak).toBeGreaterThan(0.01);
  expect(peak).toBeLessThan(1);

  await button('Clear history').click();
  await until('nothing is shown', async () => (await shownM(page)) === null);
  const range = page.locator('input[name=maxM]');
  await range.fill('17');
  await range.press('Enter');
  await page.getByText(/leave no time for echoes from 17 m/).waitFor();
  await until('it is as it was', async () => (await range.inputValue()) === '4');
  await range.fill('3');
  await range.press('Enter');
  await button('Start').click();
  await page.getByText('running', { exact: true }).waitFor();
  await until('it ranges again', () => shownM(page));
  expect(await range.inputValue()).toBe('3');

  await page.setViewportSize({ width: 390, height: 844 });
  const overflow = await page.evaluate(() => {
    // biome-ignore lint/suspicious/noExplicitAny: what a browser has.
    const { documentElement } = (globalThis as any).document;
    return documentElement.scrollWidth - documentElement.clientWidth;
  });
  expect(overflow).toBe(0);
  await page.emulateMedia({ colorScheme: 'dark' });
  await moves(page, /Echo profile/);
  expect(await interrupt(child)).toBe(130);
  await page.getByText('away', { exact: true }).waitFor();
  expect(troubles).toEqual([]);
  await page.context().close();
});

it('the dashboard of a running engine links to the page of a sonar over it', async () => {
  const settings = roomSettings({ targets: [{ distanceM: 1.5 }] }, ['control.http=127.0.0.1:0']);
  await using engine = await launchSilent(settings);
  await whole(engine);
  const { child, address } = await startSonarPage(['--name', settings.engine.name]);
  const { page, troubles } = await openPage(browser, await httpOf(engine));
  await page.getByRole('link', { name: 'sonar', exact: true }).waitFor();
  expect(troubles).toEqual([]);
  await page.getByRole('link', { name: 'sonar', exact: true }).click();
  await page.waitForURL(address);
  await until('a distance is shown', () => shownM(page));
  expect(await interrupt(child)).toBe(130);
  expect(engine.status().state).toBe('running');
  await page.context().close();
});
