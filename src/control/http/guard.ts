import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { ErrorCode } from '../../errors.js';

/** Who may use the HTTP interface. */
export interface GuardRules {
  /** The secret that has to be known; null for none. */
  token: string | null;
  /** Names by which browsers may call it, beside addresses and `localhost`; with or without port. */
  hosts: readonly string[];
}

/** What is asked for. `page`: the dashboard's files, which hold no secret and change nothing. */
export type Wish = 'page' | 'interface';

/** Why a request is refused. */
export interface Refusal {
  status: 401 | 403 | 421;
  code: ErrorCode;
  message: string;
}

/** Of a WebSocket, where browsers let no page set other headers: `tenuto.bearer.BASE64URL`. */
export const bearerProtocol = 'tenuto.bearer.';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares in a time that tells nothing about where the two differ. */
function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function tokenOf(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S{1,512})$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  const given = protocols.find((one) => one.startsWith(bearerProtocol));
  if (given === undefined) return null;
  return Buffer.from(given.slice(bearerProtocol.length), 'base64url').toString();
}

/** `name:port` as the name alone, without the brackets of an IPv6 address. */
function nameOf(host: string): string {
  return /^\[(.*)\](:\d{1,5})?$/.exec(host)?.[1] ?? host.replace(/:\d{1,5}$/, '');
}

/**
 * Whether a page that calls the interface by this name can be trusted to be its own. A name that
 * somebody else's name server answers for may be turned to this machine after the page was loaded
 * (DNS rebinding); an address and `localhost` cannot.
 */
function isOwnName(host: string, { hosts }: GuardRules): boolean {
  const lower = host.toLowerCase();
  const name = nameOf(lower);
  if (isIP(name) !== 0 || name === 'localhost') return true;
  return hosts.some((known) => known.toLowerCase() === lower || known.toLowerCase() === name);
}

/** Whether a browser says that a page of another origin asks. */
function isForeign(headers: IncomingHttpHeaders, wish: Wish): boolean {
  const { origin } = headers;
  if (origin !== undefined) {
    return origin.toLowerCase().replace(/^https?:\/\//, '') !== headers.host?.toLowerCase();
  }
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  // A link on another page may lead to the dashboard.
  return !(wish === 'page' && headers['sec-fetch-mode'] === 'navigate');
}

/** Judges a request by its headers, also that of a WebSocket. Null when it may pass. */
export function judge(headers: IncomingHttpHeaders, wish: Wish, rules: GuardRules): Refusal | null {
  if (headers.host === undefined || !isOwnName(headers.host, rules)) {
    const message = `"${headers.host ?? ''}" is no name of this interface; name it in control.hosts`;
    return { status: 421, code: 'TENUTO_REQUEST_FORBIDDEN', message };
  }
  if (isForeign(headers, wish)) {
    const message = 'a page of another origin may not use this interface';
    return { status: 403, code: 'TENUTO_REQUEST_FORBIDDEN', message };
  }
  if (wish === 'page' || rules.token === null) return null;
  const given = tokenOf(headers);
  if (given !== null && isSame(given, rules.token)) return null;
  const message = given === null ? 'this interface asks for a token' : 'the token is another one';
  return { status: 401, code: 'TENUTO_TOKEN_WRONG', message };
}
