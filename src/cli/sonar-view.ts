import type { Ranging, Sonar, SonarReading } from '../measure/index.js';
import { confidenceText, metresText } from './measure-text.js';
import { barPlot, linePlot, shadeLine } from './plot.js';
import type { Screen } from './screen.js';
import { paint } from './terminal.js';

const profilePoints = 400;
/** Below this, by the signal that was sent, the profile is empty. */
const profileScale = { low: -80, high: -10 };
const waterfallLines = 6;
const messagesShown = 2;

const decibels = (level: number) => 20 * Math.log10(Math.max(level, 1e-9));

/** What the keys do, as the last line says it. */
export const keyHelp =
  'space start/stop  +/- rate  </> range  c calibrate  l latency  x clear  e export  q end';

/** The sonar in a terminal: echo profile, waterfall, history, and what was measured last. */
export class SonarView {
  private profile: number[] = [];
  private readonly waterfall: string[] = [];
  private readonly messages: string[] = [];
  private last: SonarReading | null = null;
  private ranging: Ranging | null = null;

  constructor(
    private readonly sonar: Sonar,
    private readonly screen: Screen,
  ) {}

  say(message: string): void {
    this.messages.push(message);
    if (this.messages.length > messagesShown) this.messages.shift();
    this.draw();
  }

  take(reading: SonarReading, ranging: Ranging | null): void {
    this.last = reading;
    this.ranging = ranging;
    const profile = this.sonar.profile(profilePoints);
    if (profile !== null) {
      this.profile = Array.from(profile, decibels);
      this.waterfall.push(shadeLine(this.profile, this.width, profileScale));
      if (this.waterfall.length > waterfallLines) this.waterfall.shift();
    }
    this.draw();
  }

  clear(): void {
    this.last = null;
    this.ranging = null;
    this.profile = [];
    this.waterfall.length = 0;
    this.draw();
  }

  private get width(): number {
    return Math.min(this.screen.columns - 2, 160);
  }

  draw(): void {
    const { sonar, screen, width } = this;
    const { settings } = sonar;
    const size = { width, height: 4 };
    const history = sonar.history.map(({ distanceM }) => distanceM ?? Number.NaN);
    const span = { low: 0, high: settings.maxM };
    const shown = [
      this.head(),
      ...this.numbers(),
      `echo profile, 0 to ${settings.maxM} m, ${profileScale.low} to ${profileScale.high} dB`,
      ...barPlot(this.profile, size, profileScale),
      'waterfall, the last below',
      ...Array.from({ length: waterfallLines }, (_, i) => this.waterfall[i] ?? ''),
      `distance, the last ${history.length}`,
      ...linePlot(history, size, span),
      ...Array.from({ length: messagesShown }, (_, i) =>
        paint('dim', this.messages[i] ?? '', process.stdout),
      ),
      paint('dim', keyHelp.slice(0, width), process.stdout),
    ];
    screen.draw(shown);
  }

  private head(): string {
    const { sonar } = this;
    const { settings } = sonar;
    const state = sonar.isRunning
      ? paint('green', 'running', process.stdout)
      : paint('red', 'stopped', process.stdout);
    return (
      `sonar ${state}  ${settings.updateHz} a second  ${settings.minM} to ${settings.maxM} m  ` +
      `${settings.startHz} to ${settings.endHz} Hz, ${settings.durationMs} ms  ` +
      `${sonar.calibration === null ? 'not calibrated' : 'calibrated'}`
    );
  }

  private numbers(): string[] {
    const { last, ranging, sonar } = this;
    if (last === null) return ['', ''];
    if (last.failure !== null) {
      return [paint('yellow', `no number: ${last.failure.message}`, process.stdout), ''];
    }
    const counts = `count ${last.count}, lost ${sonar.lost}`;
    if (last.distanceM === null) return [paint('bold', 'no echo', process.stdout), counts];
    const first = paint('bold', metresText(last.smoothedM!), process.stdout);
    return [
      `${first}  (raw ${metresText(last.distanceM)})  ${(last.flightSec! * 1000).toFixed(4)} ms`,
      `peak ${decibels(Math.abs(last.level!)).toFixed(1)} dB  noise ${last.snrDb!.toFixed(0)} dB below  ` +
        `${confidenceText(last.confidence)}  ${last.speedMps!.toFixed(2)} m/s  ` +
        `${ranging?.echoes.length ?? 0} echoes  ${counts}`,
    ];
  }
}
