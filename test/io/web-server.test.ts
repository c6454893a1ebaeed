// The listener itself, on the loopback: what of HTTP it takes, what it answers, and what it lets nobody do.

import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { ok } from '../../src/base/result.ts';
import type { WebConfig } from '../../src/config/config.ts';
import type { Callers } from '../../src/io/dataplane/callers.ts';
import { WebServer } from '../../src/io/web/web-server.ts';
import { WEB_DEFAULTS } from '../../src/web/settings.ts';
import type { Standing, Visit } from '../../src/web/visit.ts';
import { issue, labCertificates } from '../rigs/lab/certificates.ts';

const MAC = '02:00:00:00:00:01' as Mac;
const OTHER = '02:00:00:00:00:02' as Mac;
const NOBODY: Callers = {
  keep: () => ok(undefined),
  callerOf: () => undefined,
  neighboursOf: () => new Set(),
};
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as { readonly port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

class Rig {
  readonly visits: Visit[] = [];
  readonly refused: string[] = [];
  readonly errors: string[] = [];
  readonly kept: number[] = [];
  /** Of the frame that opens a connection. */
  sender: Mac | undefined = MAC;
  /** That say they have the visitor's address. */
  neighbours: readonly Mac[] = [MAC];
  standing: Standing = { place: 'p1', isIn: false };
  /** Called when a visit comes, before it is answered. */
  meanwhile: () => void = () => undefined;

  server: WebServer | undefined;

  constructor(readonly port: number) {}

  static async start(config: Partial<WebConfig> = {}): Promise<Rig> {
    const rig = new Rig(await freePort());
    const server = new WebServer({
      config: {
        listenAddresses: ['127.0.0.1' as Ip],
        port: rig.port,
        names: ['login.lab'],
        dnsServers: [],
        maxConnections: 64,
        settings: WEB_DEFAULTS,
        ...config,
      },
      place: 'sw1',
      callers: {
        keep: (listener) => {
          rig.kept.push(listener);
          return ok(undefined);
        },
        callerOf: () => rig.sender,
        neighboursOf: () => new Set(rig.neighbours),
      },
      standingOf: () => rig.standing,
      onVisit: (visit, answer) => {
        rig.visits.push(visit);
        rig.meanwhile();
        if (visit.wish.type === 'login') answer({ type: 'see-status' });
        else answer({ type: 'page', page: { kind: 'login', formToken: 'x' } });
      },
      onRefused: (reason) => rig.refused.push(reason),
      onError: (message) => rig.errors.push(message),
    });
    rig.server = server;
    undo.push(() => server.close());
    if (!server.serve().ok) return rig;
    await rig.until(() => rig.answers());
    rig.visits.length = 0;
    rig.refused.length = 0;
    return rig;
  }

  async until(done: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = Date.now() + 5_000;
    while (!(await done())) {
      if (Date.now() > deadline) throw new Error('too late');
      await new Promise((wait) => setTimeout(wait, 10));
    }
  }

  private answers(): Promise<boolean> {
    return new Promise((said) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.on('connect', () => said(true)).on('error', () => said(false));
      undo.push(() => socket.destroy());
      socket.on('connect', () => socket.destroy());
    });
  }

  ask(options: Asking = {}): Promise<Said> {
    const { method = 'GET', path: where = '/', headers = {}, body, tls } = options;
    return new Promise((done, failed) => {
      const all = { method, path: where, headers, host: '127.0.0.1', port: this.port, agent: false as const };
      const request =
        tls === undefined ? httpRequest(all) : httpsRequest({ ...all, ca: tls, servername: '' });
      request.on('error', failed);
      request.on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Uint8Array) => {
          text += String(chunk);
        });
        response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      request.end(body);
    });
  }

  post(body: string, headers: Asking['headers'] = {}, where = '/login'): Promise<Said> {
    return this.ask({ method: 'POST', path: where, body, headers: { ...FORM, ...headers } });
  }

  /** What comes back for these octets. */
  raw(octets: string): Promise<string> {
    return new Promise((done) => {
      let said = '';
      const socket = connect(this.port, '127.0.0.1', () => socket.write(Buffer.from(octets, 'latin1')));
      socket.on('data', (chunk) => {
        said += String(chunk);
      });
      socket.on('error', () => undefined);
      socket.on('close', () => done(said));
    });
  }
}

interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly tls?: string;
}

interface Said {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const GOOD = 'form=f&user=Zo%C3%AB+%26+co&password=a%2Bb%25c';

describe('what it takes', () => {
  it('a visit: who is there, and a page that nobody keeps, frames, or runs a script in', async () => {
    const rig = await Rig.start();
    const { status, headers, text } = await rig.ask();
    expect(status).toBe(200);
    expect(text).toContain('Network access, switch sw1');
    expect(rig.visits).toEqual([{ visitor: { ip: '127.0.0.1', mac: MAC }, wish: { type: 'look' } }]);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-type': 'text/html; charset=utf-8',
    });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/,
    );
    expect(headers['set-cookie']).toBeUndefined();
  });

  it('HEAD: the same without the page', async () => {
    const rig = await Rig.start();
    const { status, headers, text } = await rig.ask({ method: 'HEAD' });
    expect([status, text]).toEqual([200, '']);
    expect(Number(headers['content-length'])).toBeGreaterThan(1000);
  });

  it('a form: every field as it was written; then the browser looks at the first page', async () => {
    const rig = await Rig.start();
    const { status, headers } = await rig.post(GOOD, {
      origin: `http://127.0.0.1:${rig.port}`,
      'sec-fetch-site': 'same-origin',
    });
    expect([status, headers.location]).toEqual([303, '/']);
    expect(rig.visits[0]?.wish).toEqual({
      type: 'login',
      formToken: 'f',
      userName: 'Zoë & co',
      password: new TextEncoder().encode('a+b%c'),
    });
    await rig.post('form=g', {}, '/logout');
    expect(rig.visits[1]?.wish).toEqual({ type: 'logout', formToken: 'g' });
  });

  it.each(['/login', '/logout'])('a reload of %s leads to the first page', async (where) => {
    const rig = await Rig.start();
    expect(await rig.ask({ path: where })).toMatchObject({ status: 303, headers: { location: '/' } });
    expect(rig.visits).toEqual([]);
  });

  it('a name that is given to it, and its address', async () => {
    const rig = await Rig.start();
    for (const host of ['login.lab', 'LOGIN.lab:8080', `127.0.0.1:${rig.port}`])
      expect((await rig.ask({ headers: { host } })).status).toBe(200);
  });
});

describe('what it refuses, counts, and asks nobody about', () => {
  it.each([
    ['another site’s name', { headers: { host: 'evil.example' } }, 421, 'wrong-host'],
    ['another address', { headers: { host: '127.0.0.2' } }, 421, 'wrong-host'],
    ['a strange name', { headers: { host: 'a@b' } }, 421, 'wrong-host'],
    ['another page', { path: '/admin' }, 404, 'not-found'],
    ['a whole URL', { path: 'http://evil.example/' }, 404, 'not-found'],
    ['another method', { method: 'PUT' }, 405, 'method'],
    ['a form to the first page', { method: 'POST', headers: FORM }, 405, 'method'],
  ] as const)('%s: %i', async (_, asking: Asking, status, reason) => {
    const rig = await Rig.start();
    expect((await rig.ask(asking)).status).toBe(status);
    expect([rig.refused, rig.visits]).toEqual([[reason], []]);
  });

  it.each([
    ['from another site', GOOD, { origin: 'http://evil.example' }, 403, 'cross-site'],
    ['from nowhere', GOOD, { origin: 'null' }, 403, 'cross-site'],
    ['from another port', GOOD, { origin: 'http://127.0.0.1:1' }, 403, 'cross-site'],
    ['from a site beside', GOOD, { 'sec-fetch-site': 'same-site' }, 403, 'cross-site'],
    ['as JSON', GOOD, { 'content-type': 'application/json' }, 415, 'media-type'],
    ['compressed', GOOD, { 'content-encoding': 'gzip' }, 415, 'media-type'],
    ['of 5,000 letters', `form=${'x'.repeat(5000)}`, {}, 413, 'too-large'],
    [
      'of 5,000 letters in pieces',
      `form=${'x'.repeat(5000)}`,
      { 'transfer-encoding': 'chunked' },
      413,
      'too-large',
    ],
    ['with a field twice', `${GOOD}&user=b`, {}, 400, 'bad-request'],
    ['with another field', `${GOOD}&admin=1`, {}, 400, 'bad-request'],
    ['without a field', 'form=f&user=a', {}, 400, 'bad-request'],
    ['with half an escape', 'form=f&user=a&password=%4', {}, 400, 'bad-request'],
    ['that is no UTF-8', 'form=f&user=%C3%28&password=b', {}, 400, 'bad-request'],
    ['with a NUL', 'form=f&user=a%00&password=b', {}, 400, 'bad-request'],
    ['with a field that is none', 'form=f&user=a&password=b=c', {}, 400, 'bad-request'],
    ['with nothing in it', '', {}, 400, 'bad-request'],
  ] as const)('a form %s: %i', async (_, body, headers, status, reason) => {
    const rig = await Rig.start();
    const said = await rig.post(body, headers);
    expect(said.status).toBe(status);
    expect(said.text).toContain('role="alert"');
    expect([rig.refused, rig.visits]).toEqual([[reason], []]);
  });

  it.each([
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\r\n\r\n', /^HTTP\/1.1 400 /, 'bad-request'],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}`,
      /^HTTP\/1.1 431 /,
      'headers-too-large',
    ],
    [
      'two lengths',
      'POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1.1 400 /,
      'bad-request',
    ],
  ])('%s', async (_, octets, answer, reason) => {
    const rig = await Rig.start();
    expect(await rig.raw(octets)).toMatch(answer);
    expect([rig.refused, rig.visits]).toEqual([[reason], []]);
  });

  it('one that never ends its headers is ended', { timeout: 15_000 }, async () => {
    const rig = await Rig.start();
    expect(await rig.raw('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ')).toMatch(/^HTTP\/1.1 408 /);
    expect(rig.refused).toEqual(['too-slow']);
  });

  it('more connections of one client than its share, whatever addresses it has', async () => {
    const rig = await Rig.start({ maxConnections: 16 });
    const sockets = Array.from({ length: 5 }, (_, i) =>
      connect({ port: rig.port, host: '127.0.0.1', localAddress: `127.0.0.${i + 2}` }).on(
        'error',
        () => undefined,
      ),
    );
    undo.push(() => sockets.map((socket) => socket.destroy()));
    await rig.until(() => rig.refused.length === 3);
    expect(new Set(rig.refused)).toEqual(new Set(['too-many-connections']));
    // Somebody else, who is in.
    rig.sender = OTHER;
    rig.neighbours = [OTHER];
    rig.standing = { place: 'p1', isIn: true };
    expect((await rig.ask()).status).toBe(200);
    rig.sender = MAC;
    rig.neighbours = [MAC];
    rig.standing = { place: 'p1', isIn: false };
    for (const socket of sockets) socket.destroy();
    await rig.until(async () => (await rig.ask().catch(() => undefined))?.status === 200);
  });
});

describe('whose address has another MAC meanwhile', () => {
  it('before it is asked: nothing is done', async () => {
    const rig = await Rig.start();
    const socket = connect(rig.port, '127.0.0.1');
    undo.push(() => socket.destroy());
    await new Promise((connected) => socket.on('connect', connected));
    await new Promise((wait) => setTimeout(wait, 50));
    rig.neighbours = [OTHER];
    let said = '';
    socket.on('data', (chunk) => {
      said += String(chunk);
    });
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await rig.until(() => said.includes('</html>'));
    expect(said).toMatch(/^HTTP\/1.1 409 /);
    expect([rig.refused, rig.visits]).toEqual([['address-changed'], []]);
  });

  it('before it is answered: it is shown nothing', async () => {
    const rig = await Rig.start();
    rig.meanwhile = () => {
      rig.neighbours = [OTHER];
    };
    await expect(rig.ask()).rejects.toThrow(/hang up|reset/);
    expect(rig.refused).toEqual(['address-changed']);
  });
});

describe('who it is', () => {
  it('is the sender of the frame that opened the connection, whoever else says that the address is theirs', async () => {
    const rig = await Rig.start();
    rig.neighbours = [OTHER, MAC];
    expect((await rig.ask()).status).toBe(200);
    expect(rig.visits.map(({ visitor }) => visitor)).toEqual([{ ip: '127.0.0.1', mac: MAC }]);
    expect(rig.kept).toEqual([expect.any(Number)]);
    expect(rig.kept[0]).toBeGreaterThan(2);
  });

  it.each([
    ['another one', OTHER],
    ['somebody unknown', undefined],
  ])('is not the neighbour, where %s has opened it', async (_, sender) => {
    const rig = await Rig.start();
    rig.sender = sender;
    expect((await rig.ask()).status).toBe(409);
    expect([rig.refused, rig.visits]).toEqual([['address-changed'], []]);
  });

  it('is an address behind a router, where no neighbour has it; and nobody, if one has it then', async () => {
    const rig = await Rig.start();
    rig.neighbours = [];
    expect((await rig.ask()).status).toBe(200);
    expect(rig.visits.map(({ visitor }) => visitor)).toEqual([{ ip: '127.0.0.1', router: MAC }]);
    rig.meanwhile = () => {
      rig.neighbours = [MAC];
    };
    await expect(rig.ask()).rejects.toThrow(/hang up|reset/);
  });
});

describe('over TLS', () => {
  it('the page is served with the certificate that is given, and plain HTTP is none', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), `rc-${process.pid}-web-`));
    undo.push(() => rmSync(folder, { recursive: true }));
    const { certificate, key } = await issue(folder, 'web', {
      commonName: 'sw1',
      usage: 'serverAuth',
      names: 'IP:127.0.0.1',
    });
    const ca = readFileSync((await labCertificates()).ca, 'utf8');
    const rig = await Rig.start({ tls: { cert: certificate, key } });
    rig.refused.length = 0;
    expect((await rig.ask({ tls: ca })).status).toBe(200);
    const origin = `https://127.0.0.1:${rig.port}`;
    expect(
      (await rig.ask({ tls: ca, method: 'POST', path: '/login', body: GOOD, headers: { ...FORM, origin } }))
        .status,
    ).toBe(303);
    expect(rig.visits.map(({ visitor }) => visitor.mac)).toEqual([MAC, MAC]);
    await expect(rig.ask()).rejects.toThrow();
    await rig.until(() => rig.refused.includes('tls'));
  });

  it('one that comes late is served then, a newer one from then on, and a bad one never', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), `rc-${process.pid}-web-`));
    undo.push(() => rmSync(folder, { recursive: true }));
    const made = { usage: 'serverAuth', names: 'IP:127.0.0.1' } as const;
    const first = await issue(folder, 'first', { ...made, commonName: 'first' });
    const second = await issue(folder, 'second', { ...made, commonName: 'second' });
    const tls = { cert: path.join(folder, 'web.pem'), key: path.join(folder, 'web.key') };
    const rig = await Rig.start({ tls });
    const { server } = rig;
    const put = (certificate: string, key: string) => {
      copyFileSync(certificate, tls.cert);
      copyFileSync(key, tls.key);
      return server?.serve();
    };
    const shown = () =>
      new Promise((told) => {
        const socket = tlsConnect({ port: rig.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          told(socket.getPeerCertificate().subject.CN);
          socket.destroy();
        });
        socket.on('error', ({ message }) => told(message));
      });
    expect(await shown()).toMatch(/ECONNREFUSED/);
    expect(server?.isServing).toBe(false);
    expect(put(first.certificate, first.key)).toEqual(ok(undefined));
    await rig.until(async () => (await shown()) === 'first');
    expect(put(second.certificate, first.key)).toMatchObject({ error: expect.stringMatching(/mismatch/) });
    expect([server?.isServing, await shown()]).toEqual([true, 'first']);
    expect(put(second.certificate, second.key)).toEqual(ok(undefined));
    expect(await shown()).toBe('second');
  });

  it.each([
    ['that is not there', '/nowhere.pem', /^\/nowhere.pem: ENOENT/],
    ['that is none', '/etc/hostname', /^\/etc\/hostname and \/etc\/hostname: /],
  ])('a certificate %s is a sentence at start', (_, file, message) => {
    const server = new WebServer({
      config: {
        listenAddresses: [],
        port: 1,
        tls: { cert: file, key: file },
        names: [],
        dnsServers: [],
        maxConnections: 8,
        settings: WEB_DEFAULTS,
      },
      place: '',
      callers: NOBODY,
      standingOf: () => ({ place: '', isIn: false }),
      onVisit: () => undefined,
      onRefused: () => undefined,
      onError: () => undefined,
    });
    expect(server.serve()).toMatchObject({ ok: false, error: expect.stringMatching(message) });
  });
});

it('an address that is not there yet is waited for, and said once', async () => {
  const port = await freePort();
  const errors: string[] = [];
  const server = new WebServer({
    config: {
      listenAddresses: ['192.0.2.77' as Ip],
      port,
      names: [],
      dnsServers: [],
      maxConnections: 8,
      settings: WEB_DEFAULTS,
    },
    place: '',
    callers: NOBODY,
    standingOf: () => ({ place: '', isIn: false }),
    onVisit: () => undefined,
    onRefused: () => undefined,
    onError: (message) => errors.push(message),
  });
  undo.push(() => server.close());
  expect(server.serve()).toEqual(ok(undefined));
  const rig = new Rig(port);
  await rig.until(() => errors.length > 0);
  expect(errors).toEqual([
    expect.stringMatching(/^login page at 192.0.2.77 port \d+: .*EADDRNOTAVAIL.*trying again$/),
  ]);
});
