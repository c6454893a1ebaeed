// The listener of the login page: sockets, TLS and the parsing of HTTP are Node's own; here are the bounds around them, and
// the way from a request to a visit and from an answer to a response. What is shown, and to whom, is the agent's to say.
//
// Bounds: connections altogether, of one client and of one port (web/shares.ts), 8 KiB of headers, 4 KiB of form, 5 s for the headers and 10 s for a
// whole request, 100 requests a connection. Whatever goes over one is answered where HTTP has a word for it, ended, counted.

import { createHash } from 'node:crypto';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { type Ip, parseIp, withoutZone } from '../../base/ip.ts';
import type { Mac } from '../../base/mac.ts';
import { ok, type Result } from '../../base/result.ts';
import type { WebConfig } from '../../config/config.ts';
import type { Answer, Page, Problem } from '../../web/page.ts';
import { statusOf } from '../../web/page.ts';
import { render } from '../../web/render.ts';
import { Shares } from '../../web/shares.ts';
import { STYLE } from '../../web/style.ts';
import type { Standing, Visit, Visitor, Wish } from '../../web/visit.ts';
import type { Callers } from '../dataplane/callers.ts';
import { readCertificate, type WebCertificate } from './web-certificate.ts';
import { hostOf, isFromHere, readForm, requestOf } from './web-request.ts';

const RETRY_MS = 5000;
const HEADERS_WITHIN_MS = 5000;
const REQUEST_WITHIN_MS = 10_000;
/** A server may take half a minute to say whether a password is right; a browser that takes longer to read is ended. */
const IDLE_MS = 60_000;
const KEPT_ALIVE_MS = 5000;
const REQUESTS_OF_A_CONNECTION = 100;
const MOST_HEADER_OCTETS = 8192;

const STYLE_DIGEST = createHash('sha256').update(STYLE).digest('base64');

/** No script, no image, no frame, no other site; nothing is kept. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export interface WebServerOptions {
  readonly config: WebConfig;
  /** The switch's id, at the foot of each page. */
  readonly place: string;
  readonly callers: Callers;
  readonly standingOf: (visitor: Visitor) => Standing;
  readonly onVisit: (visit: Visit, answer: (answer: Answer) => void) => void;
  /** Refused here: counted under this word. */
  readonly onRefused: (reason: string) => void;
  readonly onError: (message: string) => void;
}

/** Who a connection comes from, as found when it was made. */
interface Peer {
  readonly ip: Ip;
  /** Of the frame that opened it. */
  readonly sender: Mac | undefined;
  /** No neighbour of ours has the address: the sender is a router. */
  readonly isRouted: boolean;
}

export class WebServer {
  private readonly servers = new Set<Server>();
  private readonly retries = new Set<NodeJS.Timeout>();
  private readonly failing = new Set<string>();
  /** By both ends of the connection. */
  private readonly peers = new Map<string, Peer>();
  private readonly shares: Shares;
  private closed = false;

  /** Undefined: plain HTTP, or not served yet. */
  private certificate: WebCertificate | undefined;
  private serving = false;

  constructor(private readonly options: WebServerOptions) {
    this.shares = new Shares(options.config.maxConnections);
  }

  /** Once a certificate was good, or none is needed. An address that is not there yet is waited for. */
  get isServing(): boolean {
    return this.serving;
  }

  /**
   * Serves the page from now on, with the certificate that the files hold now. The error is a sentence: it cannot be used, and
   * everything is as it was.
   */
  serve(): Result<void, string> {
    const { listenAddresses, tls } = this.options.config;
    if (tls !== undefined) {
      const read = readCertificate(tls);
      if (!read.ok) return read;
      this.certificate = read.value;
      for (const server of this.servers)
        if (server instanceof HttpsServer) server.setSecureContext(read.value);
    }
    const addresses = listenAddresses.length === 0 ? ['0.0.0.0', '::'] : listenAddresses;
    if (!this.serving) for (const address of addresses) this.listen(address);
    this.serving = true;
    return ok(undefined);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.retries) clearTimeout(timer);
    for (const server of this.servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  private listen(address: string): void {
    const { port } = this.options.config;
    const server = this.create();
    this.servers.add(server);
    server.on('listening', () => {
      this.failing.delete(address);
      this.keepCallers(server);
    });
    server.on('error', (error) => {
      if (!this.failing.has(address))
        this.options.onError(`login page at ${address} port ${port}: ${error.message}; trying again`);
      this.failing.add(address);
      this.servers.delete(server);
      if (!this.closed) this.later(() => this.listen(address));
    });
    server.listen({ host: address, port, ipv6Only: true });
  }

  private keepCallers(server: Server): void {
    const kept = this.options.callers.keep(descriptorOf(server));
    if (!kept.ok)
      this.options.onError(`the login page knows nobody: who has called is not told: ${kept.error}`);
  }

  private later(work: () => void): void {
    const timer = setTimeout(() => {
      this.retries.delete(timer);
      work();
    }, RETRY_MS);
    this.retries.add(timer);
  }

  private create(): Server {
    const bounds = {
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: KEPT_ALIVE_MS,
      maxHeaderSize: MOST_HEADER_OCTETS,
    };
    const { certificate } = this;
    const server =
      certificate === undefined
        ? createHttpServer(bounds)
        : createHttpsServer({ ...bounds, ...certificate, handshakeTimeout: HEADERS_WITHIN_MS });
    server.maxRequestsPerSocket = REQUESTS_OF_A_CONNECTION;
    server.timeout = IDLE_MS;
    server.on('connection', (socket) => this.accept(socket));
    server.on('request', (request, response) => {
      this.handle(request, response).catch((cause: unknown) => {
        this.options.onRefused('broken');
        // One that ended in the middle is of the ordinary course of things.
        if (!request.destroyed) this.options.onError(`login page: ${String(cause)}`);
        request.socket.destroy();
      });
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.unreadable(error, socket as Socket),
    );
    server.on('tlsClientError', () => this.options.onRefused('tls'));
    server.on('checkExpectation', (request, response) => this.refuse(request, response, 'bad-request'));
    return server;
  }

  /** Who it is has to be known before anything is read, and must not change until it is answered. */
  private accept(socket: Socket): void {
    const ip = addressOf(socket.remoteAddress);
    const peer = ip === undefined ? undefined : this.peerFrom(ip, socket);
    const leave = peer && this.shares.enter(clientOf(peer), this.options.standingOf(visitorOf(peer)));
    if (peer === undefined || leave === undefined) {
      this.options.onRefused('too-many-connections');
      socket.destroy();
      return;
    }
    const connection = endsOf(socket);
    this.peers.set(connection, peer);
    socket.on('close', () => {
      this.peers.delete(connection);
      leave();
    });
  }

  private peerFrom(ip: Ip, socket: Socket): Peer {
    const { callers } = this.options;
    const sender = callers.callerOf(descriptorOf(socket));
    return { ip, sender, isRouted: callers.neighboursOf(ip).size === 0 };
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = this.peerOf(request);
    const wanted = requestOf(request);
    if (!this.isForUs(request)) this.refuse(request, response, 'wrong-host');
    else if (!wanted.ok) this.refuse(request, response, wanted.error);
    else if (peer === undefined) this.refuse(request, response, 'address-changed');
    else if (wanted.value.type === 'see-first') seeFirst(response);
    else if (wanted.value.type === 'look') this.visit(peer, { type: 'look' }, request, response);
    else if (!isFromHere(request, this.certificate === undefined ? 'http' : 'https'))
      this.refuse(request, response, 'cross-site');
    else {
      const wish = await readForm(request, wanted.value.form);
      if (wish.ok) this.visit(peer, wish.value, request, response);
      else this.refuse(request, response, wish.error);
    }
  }

  private visit(peer: Peer, wish: Wish, request: IncomingMessage, response: ServerResponse): void {
    this.options.onVisit({ visitor: visitorOf(peer), wish }, (answer) => {
      if (response.destroyed) return;
      // Who the address belongs to now may be somebody else: nobody is shown another one's page.
      if (this.peerOf(request) === undefined) {
        this.options.onRefused('address-changed');
        response.destroy();
      } else if (answer.type === 'see-status') seeFirst(response);
      else this.send(request, response, answer.page);
    });
  }

  /** Undefined if the answer would go to somebody else than the one who has opened the connection. */
  private peerOf({ socket }: IncomingMessage): Peer | undefined {
    const peer = this.peers.get(endsOf(socket));
    if (peer === undefined) return undefined;
    const neighbours = this.options.callers.neighboursOf(peer.ip);
    const isStill = peer.isRouted
      ? neighbours.size === 0
      : peer.sender !== undefined && neighbours.has(peer.sender);
    return isStill ? peer : undefined;
  }

  /** By the address that it has reached, or by a name of ours: a name of somebody else's that leads here is none of ours. */
  private isForUs(request: IncomingMessage): boolean {
    const host = hostOf(request);
    if (host === undefined) return false;
    const ip = parseIp(host);
    return ip === undefined
      ? this.options.config.names.includes(host)
      : ip === addressOf(request.socket.localAddress);
  }

  private refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
    this.options.onRefused(problem);
    // What is left of the request is not read.
    response.setHeader('connection', 'close');
    this.send(request, response, { kind: 'problem', problem });
  }

  private send(request: IncomingMessage, response: ServerResponse, page: Page): void {
    const body = Buffer.from(render(page, this.options.place));
    if (page.kind === 'problem' && page.problem === 'method') response.setHeader('allow', 'GET, HEAD, POST');
    const retryAfterS = page.kind === 'too-many' ? page.retryAfterS : retryAfterOf(page);
    if (retryAfterS !== undefined) response.setHeader('retry-after', retryAfterS);
    response.writeHead(statusOf(page), {
      ...HEADERS,
      'content-type': 'text/html; charset=utf-8',
      'content-length': body.length,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  /** Not HTTP, or too much, or too slow: Node says which. */
  private unreadable(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      this.options.onRefused('broken');
      socket.destroy();
      return;
    }
    const [status, reason] = UNREADABLE[error.code ?? ''] ?? ['400 Bad Request', 'bad-request'];
    this.options.onRefused(reason);
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    // One that does not read it is not waited for.
    socket.destroySoon();
  }
}

const UNREADABLE: Readonly<Record<string, readonly [status: string, reason: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'headers-too-large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'too-slow'],
};

function retryAfterOf(page: Page): number | undefined {
  return page.kind === 'login' && page.notice?.type === 'too-many' ? page.notice.retryAfterS : undefined;
}

function seeFirst(response: ServerResponse): void {
  response.writeHead(303, { ...HEADERS, location: '/', 'content-length': 0 });
  response.end();
}

/** For the bounds. */
function clientOf({ ip, sender, isRouted }: Peer): string {
  return isRouted || sender === undefined ? ip : sender;
}

function visitorOf({ ip, sender, isRouted }: Peer): Visitor {
  if (sender === undefined) return { ip };
  return isRouted ? { ip, router: sender } : { ip, mac: sender };
}

/** Node has no word for it, but keeps it there, on Linux, since it has sockets; -1, which is none, of one that is over. */
function descriptorOf(socket: object): number {
  return (socket as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1;
}

/** The same for a TLS socket and for the one below it, which is the one that was accepted. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function addressOf(text: string | undefined): Ip | undefined {
  return parseIp(withoutZone((text ?? '').replace(/^::ffff:/, '')));
}
