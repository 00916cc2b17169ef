import { signal } from '@preact/signals';
import type { PatchView } from '../../src/control/http/patch-view.js';
import type { ToldEvent } from '../../src/control/http/schemas.js';
import type { ProcessDetail } from '../../src/observe/processes.js';
import type { Status } from '../../src/observe/status.js';
import type { StreamStatus } from '../../src/observe/streams.js';
import { type Sound, TapSound } from './sound.js';

/** One parameter of the patch. */
export interface Parameter {
  value: number;
  target: number;
  unit: string;
  min: number;
  max: number;
}

/** What is known of the engine; each part redraws what shows it and nothing else. */
export const link = signal<'connecting' | 'open' | 'away' | 'refused'>('connecting');
export const engineName = signal('');
export const isDemo = signal(false);
export const status = signal<Status | null>(null);
export const processes = signal<ProcessDetail[]>([]);
export const streams = signal<StreamStatus[]>([]);
export const events = signal<(ToldEvent & { atMs: number })[]>([]);
export const patch = signal<PatchView | null>(null);
export const parameters = signal<Record<string, Parameter>>({});
export const trouble = signal('');
/** The point of the patch that is listened to. */
export const played = '@played';
export const tap = signal(played);
export const selected = signal('');
/** Processor share of each process, by its pid. */
export const shares = signal<Map<number, number>>(new Map());

/** The sound of the tap, as it comes; not a signal: it is drawn at the screen's own pace. */
export const sound: Sound = new TapSound();

const eventsMax = 300;
const retryMsMin = 150;
const retryMsMax = 2000;

/** The token of `#token=...`, kept for as long as the tab is there, and out of its address. */
function takeToken(): string | null {
  const given = /[#&]token=([^&]+)/.exec(location.hash)?.[1];
  if (given !== undefined) {
    sessionStorage.setItem('token', decodeURIComponent(given));
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem('token');
}

const token = takeToken();
const bearer: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };

function base64url(text: string): string {
  const coded = btoa(text);
  return coded.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

let socket: WebSocket | null = null;
let retryMs = retryMsMin;
let lastEvent = 0;
let knownPatch = '';
let heardTap = 0;
let usedBefore = new Map<number, { cpuSec: number; atMs: number }>();

function send(message: object): boolean {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

async function loadPatch(hash: string): Promise<void> {
  const answer = await fetch('/api/v1/patch', { headers: bearer });
  if (!answer.ok) return;
  patch.value = (await answer.json()) as PatchView;
  knownPatch = hash;
  send({ type: 'subscribe', topics: ['values'] });
}

function noteShares(list: readonly ProcessDetail[]): void {
  const atMs = performance.now();
  const next = new Map<number, { cpuSec: number; atMs: number }>();
  const found = new Map(shares.value);
  for (const { pid, cpuSec } of list) {
    if (cpuSec === null) continue;
    const before = usedBefore.get(pid);
    // The kernel counts in hundredths of a second: a second tells at least one percent.
    if (before !== undefined && atMs - before.atMs < 1000) {
      next.set(pid, before);
      continue;
    }
    if (before) found.set(pid, (cpuSec - before.cpuSec) / ((atMs - before.atMs) / 1000));
    next.set(pid, { cpuSec, atMs });
  }
  usedBefore = next;
  shares.value = found;
}

function heardEvents(more: ToldEvent[]): void {
  const atMs = Date.now();
  const stamped = more.map((event) => ({ ...event, atMs: atMs - event.agoSec * 1000 }));
  lastEvent = more.at(-1)?.sequence ?? lastEvent;
  events.value = [...events.value, ...stamped].slice(-eventsMax);
}

// biome-ignore lint/suspicious/noExplicitAny: the interface's own messages, which its tests check.
function heard(message: any): void {
  switch (message.type) {
    case 'hello':
      if (engineName.value !== '' && engineName.value !== message.engine) location.reload();
      engineName.value = message.engine;
      isDemo.value = message.demo;
      break;
    case 'state':
      status.value = message.state;
      processes.value = message.processes;
      streams.value = message.streams;
      noteShares(message.processes);
      if (message.patch !== knownPatch) void loadPatch(message.patch);
      break;
    case 'events':
      heardEvents(message.events);
      break;
    case 'parameters':
      parameters.value = message.values;
      break;
    case 'values': {
      const next = { ...parameters.value };
      for (const [path, target] of Object.entries(message.values as Record<string, number>)) {
        const known = next[path];
        if (known) next[path] = { ...known, target };
      }
      parameters.value = next;
      break;
    }
    case 'tap':
      heardTap = message.number;
      sound.begin(message.rate, message.lanes);
      break;
    case 'ack':
      if (!message.ok) trouble.value = message.message;
      settled(message.id);
      break;
    case 'error':
      trouble.value = message.message;
      break;
  }
}

function heardSound(bytes: ArrayBuffer): void {
  const [number, lanes] = new Uint32Array(bytes, 0, 2);
  if (number === heardTap) sound.add(lanes ?? 1, new Float32Array(bytes, 16));
}

/** Connects, and again whenever the connection ends: control may be killed at any time. */
export function connect(): void {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const protocols = ['tenuto', ...(token === null ? [] : [`tenuto.bearer.${base64url(token)}`])];
  const made = new WebSocket(`${scheme}://${location.host}/api/v1/ws`, protocols);
  socket = made;
  made.binaryType = 'arraybuffer';
  made.onopen = () => {
    retryMs = retryMsMin;
    link.value = 'open';
    unanswered.clear();
    const topics = ['state', 'events', 'values'];
    send({ type: 'subscribe', topics, taps: [tap.value], since: lastEvent });
  };
  made.onmessage = ({ data }) => {
    if (typeof data === 'string') heard(JSON.parse(data));
    else heardSound(data as ArrayBuffer);
  };
  made.onclose = async () => {
    const wasOpen = link.value === 'open';
    link.value = 'away';
    if (!wasOpen && (await isRefused())) {
      link.value = 'refused';
      return;
    }
    setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 1.6, retryMsMax);
  };
}

/** Whether it is the token that is missing, for which waiting does not help. */
async function isRefused(): Promise<boolean> {
  try {
    return (await fetch('/api/v1/devices', { headers: bearer })).status === 401;
  } catch {
    return false;
  }
}

/** Listens to another point of the patch. */
export function listenTo(address: string): void {
  if (address === tap.value) return;
  send({ type: 'unsubscribe', taps: [tap.value] });
  tap.value = address;
  send({ type: 'subscribe', taps: [address] });
}

/** Kills a process or stops it for good. */
export async function harm(pid: number, how: 'kill' | 'hang'): Promise<void> {
  try {
    const address = `/api/v1/processes/${pid}/${how}`;
    const answer = await fetch(address, { method: 'POST', headers: bearer });
    if (!answer.ok) trouble.value = (await answer.json()).error.message;
  } catch {
    // It was control itself, which answers no more.
  }
}

/** Per parameter, the command that is not answered yet and the value that is wanted after it. */
const unanswered = new Map<string, { id: string; next: number | null }>();
let commands = 0;
const rampMs = 40;

function command(path: string, value: number): void {
  const id = `web-${Date.now().toString(36)}-${commands++}`;
  if (send({ type: 'command', command: { do: 'set', id, path, value, rampMs } })) {
    unanswered.set(path, { id, next: null });
  }
}

function settled(id: string): void {
  for (const [path, waiting] of unanswered) {
    if (waiting.id !== id) continue;
    unanswered.delete(path);
    if (waiting.next !== null) command(path, waiting.next);
  }
}

/** Sets a parameter; while one command is under way, only the newest value follows it. */
export function setParameter(path: string, value: number): void {
  const known = parameters.value[path];
  if (known) parameters.value = { ...parameters.value, [path]: { ...known, target: value } };
  const waiting = unanswered.get(path);
  if (waiting) waiting.next = value;
  else command(path, value);
}
