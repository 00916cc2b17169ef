import { median } from './latency.js';

/** The median of the last values. */
export class MedianFilter {
  private readonly values: number[] = [];

  constructor(private readonly size: number) {}

  push(value: number): number {
    this.values.push(value);
    if (this.values.length > this.size) this.values.shift();
    return median(this.values);
  }

  clear(): void {
    this.values.length = 0;
  }
}

/** How quickly a target may change its speed, in m/s², about: a person does 1 to 2. */
const accelerationMps2 = 1.5;
/** A jump of so many standard deviations is another target: it begins anew there. */
const gate = 5;

/** A Kalman filter of distance and speed; the acceleration is noise. */
export class KalmanFilter {
  private distanceM = 0;
  private speedMps = 0;
  /** The covariance: of the distance, of both, of the speed. */
  private pdd = 0;
  private pds = 0;
  private pss = 0;
  private lastSec: number | null = null;

  /** @param sigmaM standard deviation of the value, in metres */
  push(value: number, sec: number, sigmaM: number): number {
    const noise = Math.max(sigmaM, 1e-5) ** 2;
    if (this.lastSec === null || sec <= this.lastSec) return this.begin(value, sec, noise);
    const dt = sec - this.lastSec;
    this.lastSec = sec;
    const push = accelerationMps2 ** 2;
    this.distanceM += this.speedMps * dt;
    this.pdd += 2 * dt * this.pds + dt * dt * this.pss + (push * dt ** 4) / 4;
    this.pds += dt * this.pss + (push * dt ** 3) / 2;
    this.pss += push * dt * dt;
    const off = value - this.distanceM;
    const spread = this.pdd + noise;
    if (off * off > gate * gate * spread) return this.begin(value, sec, noise);
    const byDistance = this.pdd / spread;
    const bySpeed = this.pds / spread;
    this.distanceM += byDistance * off;
    this.speedMps += bySpeed * off;
    this.pss -= bySpeed * this.pds;
    this.pds *= 1 - byDistance;
    this.pdd *= 1 - byDistance;
    return this.distanceM;
  }

  private begin(value: number, sec: number, noise: number): number {
    this.distanceM = value;
    this.speedMps = 0;
    this.pdd = noise;
    this.pds = 0;
    this.pss = 1;
    this.lastSec = sec;
    return value;
  }

  clear(): void {
    this.lastSec = null;
  }
}
