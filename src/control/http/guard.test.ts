import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bearerProtocol, type GuardRules, judge } from './guard.js';

const open: GuardRules = { token: null, hosts: [] };
const secret = 'a secret of 20 chars';
const locked: GuardRules = { token: secret, hosts: ['studio.example', 'proxy.example:8443'] };

const statusOf = (...args: Parameters<typeof judge>) => judge(...args)?.status ?? 200;

describe('a name that the interface is called by', () => {
  it('passes when it is an address, localhost, or named in the settings', () => {
    for (const host of [
      '127.0.0.1:8765',
      '[::1]:8765',
      '[::1]',
      'localhost:1',
      'LOCALHOST',
      '10.0.0.7',
    ]) {
      expect(statusOf({ host }, 'interface', open), host).toBe(200);
    }
    const bearer = { authorization: `Bearer ${secret.replaceAll(' ', '-')}` };
    const rules = { ...locked, token: secret.replaceAll(' ', '-') };
    for (const host of ['studio.example', 'Studio.example:99', 'proxy.example:8443']) {
      expect(statusOf({ host, ...bearer }, 'interface', rules), host).toBe(200);
    }
    expect(statusOf({ host: 'proxy.example', ...bearer }, 'interface', rules)).toBe(421);
  });

  it('is refused when somebody else may own it, whatever it looks like', () => {
    const names = fc.oneof(
      fc.domain(),
      fc
        .string({ maxLength: 40 })
        .filter((text) => !/^(localhost|\[?[0-9a-f:.]*\]?)(:\d+)?$/i.test(text)),
      fc.constantFrom('127.0.0.1.evil.example', 'localhost.evil.example', '127.0.0.1@evil.example'),
    );
    fc.assert(
      fc.property(names, (host) => {
        expect(statusOf({ host }, 'page', open)).toBe(421);
      }),
    );
    expect(statusOf({}, 'page', open)).toBe(421);
  });
});

describe('a page of another origin', () => {
  const host = '127.0.0.1:8765';

  it('is refused, on the same machine too', () => {
    const origins = [
      'http://evil.example',
      'null',
      'http://127.0.0.1:3000',
      'http://localhost:8765',
      '',
    ];
    for (const origin of origins) {
      expect(statusOf({ host, origin }, 'interface', open), origin).toBe(403);
      expect(statusOf({ host, origin }, 'page', open), origin).toBe(403);
    }
    for (const site of ['cross-site', 'same-site', 'new-word']) {
      expect(statusOf({ host, 'sec-fetch-site': site }, 'interface', open), site).toBe(403);
    }
  });

  it('may lead to the dashboard by a link, and nowhere else', () => {
    const link = { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect(statusOf(link, 'page', open)).toBe(200);
    expect(statusOf(link, 'interface', open)).toBe(403);
  });

  it('is not what programs and the dashboard itself are', () => {
    expect(statusOf({ host }, 'interface', open)).toBe(200);
    expect(statusOf({ host, origin: `http://${host}` }, 'interface', open)).toBe(200);
    expect(statusOf({ host, origin: `https://${host}` }, 'interface', open)).toBe(200);
    expect(statusOf({ host, 'sec-fetch-site': 'same-origin' }, 'interface', open)).toBe(200);
    expect(statusOf({ host, 'sec-fetch-site': 'none' }, 'page', open)).toBe(200);
  });
});

describe('a token', () => {
  const host = '10.0.0.7:8765';
  const words = fc.stringMatching(/^[\x21-\x7e]{16,64}$/);

  it('is asked for everywhere but for the pages', () => {
    expect(statusOf({ host }, 'page', locked)).toBe(200);
    expect(statusOf({ host }, 'interface', locked)).toBe(401);
  });

  it('opens, in the header and in the subprotocol, and no other does', () => {
    fc.assert(
      fc.property(words, words, (token, other) => {
        const rules = { token, hosts: [] };
        const inHeader = (text: string) => ({ host, authorization: `Bearer ${text}` });
        const coded = (text: string) => Buffer.from(text).toString('base64url');
        const inProtocol = (text: string) => ({
          host,
          'sec-websocket-protocol': `tenuto, ${bearerProtocol}${coded(text)}`,
        });
        for (const headers of [inHeader, inProtocol]) {
          expect(statusOf(headers(token), 'interface', rules)).toBe(200);
          if (other !== token) expect(statusOf(headers(other), 'interface', rules)).toBe(401);
          expect(statusOf(headers(token.slice(1)), 'interface', rules)).toBe(401);
        }
      }),
    );
  });

  it('is never found in what is no token', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (authorization, protocol) => {
        const headers = { host, authorization, 'sec-websocket-protocol': protocol };
        expect(statusOf(headers, 'interface', locked)).toBe(401);
      }),
    );
  });
});
