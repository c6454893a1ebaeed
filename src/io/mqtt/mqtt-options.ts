// What the link to the broker is made with, and each of its connections: the session that is kept, and the last will. Why: see
// mqtt.ts.

import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { IClientOptions } from 'mqtt';
import { ok, type Result } from '../../base/result.ts';
import type { Millis } from '../../base/time.ts';
import type { MqttCommands, MqttTls } from '../../config/config.ts';
import { buildTopic } from '../../report/topics.ts';
import type { CommandRequest } from '../command-request.ts';
import { readTlsFiles, type TlsMaterial, type TlsPeer } from '../tls.ts';

const KEEPALIVE_S = 20;
const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than the will delay by so much, so that the will comes by its delay and not by the session's end. */
const SESSION_BEYOND_WILL_S = 60;

export interface MqttLinkOptions {
  readonly url: string;
  /** 5 outside, 4 to the embedded broker. */
  readonly protocolVersion: 4 | 5;
  readonly switchId: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: MqttTls;
  /** What is taken of commands; default all. */
  readonly commands?: MqttCommands;
  readonly willDelay: Millis;
  /** First and longest wait between two attempts. */
  readonly backoff?: { readonly first: Millis; readonly longest: Millis };
  /** Answers that wait at most; default 10,000. */
  readonly queueLimit?: number;
  /** Connected, and `online` is said: now publish all retained state and what waits. */
  readonly onConnected: () => void;
  readonly onDisconnected: () => void;
  readonly onCommand: (request: CommandRequest) => void;
  /** A message on a topic that `follow` asked for. */
  readonly onFollowed: (topic: string, payload: Uint8Array) => void;
  /** A retained port or session topic that the broker has: true = it is not ours any more, clear it. */
  readonly isStale: (topic: string, payloadOctets: number) => boolean;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

export interface BrokerConnection {
  readonly options: IClientOptions;
  /** What the TLS files hold now. */
  readonly tls: TlsMaterial;
}

/** The error is a sentence about a TLS file; files are read at every connect, so that renewed certificates are taken up. */
export function connectOptions(options: MqttLinkOptions, will: string): Result<BrokerConnection, string> {
  const tls = readTlsFiles(options.tls ?? {});
  if (!tls.ok) return tls;
  const named = namedOptions(options.tls?.serverName);
  const base = { ...plainOptions(options, will), ...tls.value, ...named, minVersion: 'TLSv1.2' };
  // Of a WebSocket, `ws` takes no others; both take what `tls.connect` does, which their types do not say.
  return ok({ tls: tls.value, options: { ...base, wsOptions: named } as IClientOptions });
}

/** Whom errors are about. */
export function peerOf({ url, tls = {} }: MqttLinkOptions): TlsPeer {
  return { what: 'broker', name: tls.serverName ?? new URL(url).hostname, certFile: tls.certFile };
}

function plainOptions(options: MqttLinkOptions, will: string): IClientOptions {
  const v5 = options.protocolVersion === 5;
  const willDelayS = Math.round(options.willDelay / 1000);
  return {
    protocolVersion: options.protocolVersion,
    clientId: options.clientId,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    clean: !v5,
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // The package's own would make a list of its arguments at each step of each packet, to print none.
    log: () => undefined,
    will: {
      topic: buildTopic(options.switchId, { kind: 'availability' }),
      payload: will,
      qos: 1,
      retain: true,
      ...(v5
        ? {
            properties: {
              willDelayInterval: willDelayS,
              contentType: 'application/json',
              payloadFormatIndicator: true,
            },
          }
        : {}),
    },
    ...(v5
      ? {
          properties: {
            sessionExpiryInterval: willDelayS + SESSION_BEYOND_WILL_S,
            maximumPacketSize: 262_144,
          },
        }
      : {}),
  };
}

function namedOptions(serverName: string | undefined): ConnectionOptions {
  if (serverName === undefined) return {};
  return {
    servername: serverName,
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      checkServerIdentity(serverName, certificate),
  };
}
