import { signal } from '@preact/signals';
import type { SonarReading } from '../../../src/measure/sonar-reading.js';
import type { MeasureSettings } from '../../../src/settings/measure.js';

/** What is known of the sonar; each part redraws what shows it and nothing else. */
export const link = signal<'connecting' | 'open' | 'away'>('connecting');
export const isRunning = signal(false);
export const isCalibrated = signal(false);
export const settings = signal<MeasureSettings | null>(null);
export const readings = signal<SonarReading[]>([]);
export const latency = signal<{ frames: number; ms: number; madFrames: number } | null>(null);
export const message = signal('');
/** Rangings that something came between. */
export const lost = signal(0);

/** Echo profiles as they come, one byte for each distance; not a signal: they are drawn at once. */
export const profiles: Uint8Array[] = [];
export const profilesMax = 240;

const retryMs = 1000;
/** A message stands for so long: what it tells of is over then. */
const messageMs = 10_000;
let messageTimer = 0;
let socket: WebSocket | null = null;

/** What the page may ask for. */
export type Wish =
  | { do: 'start' | 'stop' | 'clear' | 'calibrate' | 'latency' }
  | { do: 'set'; settings: Partial<MeasureSettings> };

export function ask(wish: Wish): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(wish));
}

// biome-ignore lint/suspicious/noExplicitAny: the sonar's own messages, which its tests check.
function heard(told: any): void {
  if (told.type === 'reading') {
    const most = settings.value?.history ?? 100;
    readings.value = [...readings.value, told.reading].slice(-most);
    lost.value = told.lost;
  } else if (told.type === 'state') {
    isRunning.value = told.running;
    isCalibrated.value = told.calibrated;
    settings.value = told.settings;
    readings.value = told.history;
    if (told.history.length === 0) profiles.length = 0;
  } else if (told.type === 'latency') latency.value = told;
  else if (told.type === 'message') {
    message.value = told.text;
    clearTimeout(messageTimer);
    messageTimer = window.setTimeout(() => {
      message.value = '';
    }, messageMs);
  }
}

/** Connects, and again whenever the sonar was away. */
export function connect(): void {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  socket = new WebSocket(`${scheme}://${location.host}/sonar`);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    link.value = 'open';
  };
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') {
      heard(JSON.parse(data));
      return;
    }
    profiles.push(new Uint8Array(data as ArrayBuffer));
    if (profiles.length > profilesMax) profiles.shift();
  };
  socket.onclose = () => {
    link.value = 'away';
    isRunning.value = false;
    setTimeout(connect, retryMs);
  };
}
