import type { DeviceInfo } from './catalogue/model.js';

/** What the policy goes by; the names are those of the section `device` of the settings. */
export interface PolicySettings {
  /** `name`, then `fallbacks`. */
  preferred: readonly string[];
  queryCooldownSec: number;
  maxRecreatePerMinute: number;
  graceSec: number;
  debounceMs: number;
  /** The device that is listened to, which is opened with the one that plays; null for none. */
  capture?: string | null;
}

/** The device that worked last. */
export interface ValidDevice {
  name: string;
  rateHz: number;
}

/** What has to outlive the process that decides; times are the monotonic clock's. */
export interface PolicyMemory {
  lastValid: ValidDevice | null;
  /** When devices were opened again in the last minute, in milliseconds. */
  recreatedAtMs: readonly number[];
  /** Devices that the preferences, in their order, meant when the engine was started. */
  meant: readonly string[];
}

/** What the engine says of its device now. */
export interface EngineDevice {
  /** What it plays on; null while it is on none. */
  playing: ValidDevice | null;
  /** The one that played has stalled: it may well be there, and play nothing. */
  hasStalled?: boolean;
  /** What is listened to is gone. */
  isDeaf?: boolean;
  /** The last order that it took up, and how far it is; null before the first. */
  order: { sequence: number; state: 'opening' | 'open' | 'failed' } | null;
}

/** Why a device is opened. */
export type OpenReason =
  /** None has been open yet. */
  | 'first'
  /** The one that played is gone or failed. */
  | 'lost'
  /** What `default` means has changed. */
  | 'default-changed'
  /** One that is preferred to the one that plays is there again. */
  | 'preferred-back'
  /** What is listened to is there again, and was lost by what plays. */
  | 'capture-back';

/** Why nothing is opened now. */
export type WaitReason =
  /** The best device plays. */
  | 'settled'
  /** The engine is opening one. */
  | 'opening'
  /** None of the preferred devices is there: what plays is kept until one is. */
  | 'absent'
  /** It failed to open, or the server did not answer: it is tried again later. */
  | 'cooldown'
  /** So many were opened within a minute that the next one has to wait. */
  | 'limit'
  /** The default has changed, or a device comes and goes: it has to stay first. */
  | 'debounce'
  /** A preferred device is back: it has to stay first. */
  | 'grace'
  /** A device was lost: whether it is still there is being asked. */
  | 'doubt';

export type Decision =
  | {
      action: 'open';
      /** Goes up by one with each order. */
      sequence: number;
      device: DeviceInfo;
      /** The rate it runs at by itself: stated by the device, or as it was when it last worked. */
      rateHz: number | null;
      reason: OpenReason;
    }
  | {
      action: 'wait';
      /** When to ask again if nothing is fed in before; infinite when only an event can help. */
      untilMs: number;
      reason: WaitReason;
      /** The device that is waited for, where there is one. */
      name: string | null;
    };
