// A publication as a packet: its properties, and how large it is at most.

import type { IClientPublishOptions } from 'mqtt';
import type { Publication } from './publish-queue.ts';

export function publishOptions(
  { payload, retain, correlationData }: Publication,
  protocolVersion: 4 | 5,
): IClientPublishOptions {
  if (protocolVersion === 4 || payload === '') return { qos: 1, retain };
  const properties = {
    contentType: 'application/json',
    payloadFormatIndicator: true,
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
  };
  return { qos: 1, retain, properties };
}

/** It has no more octets than so many, whatever its characters take; the first sum is cheap. */
export function fitsInto(publication: Publication, octets: number): boolean {
  const { topic, payload, correlationData } = publication;
  const beside = Buffer.byteLength(topic) + (correlationData?.length ?? 0) + 512;
  return beside + payload.length * 3 <= octets || beside + Buffer.byteLength(payload) <= octets;
}
