// What one connection to the broker is opened with: the session that is kept, and the last will. Why: see mqtt.ts.

import { readFileSync } from 'node:fs';
import type { IClientOptions } from 'mqtt';
import { err, ok, type Result } from '../base/result.ts';
import { buildTopic } from '../report/topics.ts';
import type { MqttLinkOptions } from './mqtt.ts';

const KEEPALIVE_S = 20;
const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than the will delay by so much, so that the will comes by its delay and not by the session's end. */
const SESSION_BEYOND_WILL_S = 60;

/** The error is a sentence about a TLS file; files are read at every connect, so that renewed certificates are taken up. */
export function connectOptions(options: MqttLinkOptions, will: string): Result<IClientOptions, string> {
  const v5 = options.protocolVersion === 5;
  const willDelayS = Math.round(options.willDelay / 1000);
  const tls = readTls(options.tls ?? {});
  if (!tls.ok) return tls;
  return ok({
    ...tls.value,
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
  });
}

type Tls = Pick<IClientOptions, 'ca' | 'cert' | 'key'>;

function readTls(files: NonNullable<MqttLinkOptions['tls']>): Result<Tls, string> {
  try {
    return ok({
      ...(files.ca === undefined ? {} : { ca: readFileSync(files.ca) }),
      ...(files.cert === undefined ? {} : { cert: readFileSync(files.cert) }),
      ...(files.key === undefined ? {} : { key: readFileSync(files.key) }),
    });
  } catch (error) {
    return err(`TLS files: ${error instanceof Error ? error.message : String(error)}`);
  }
}
