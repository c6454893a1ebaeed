// The formats that the schema names, checked by the parsers that the core uses itself.

import { utf8 } from '../base/bytes.ts';
import { parseIp, parseIpv4, parseIpv6 } from '../base/ip.ts';
import { parseMac } from '../base/mac.ts';
import { parseMacPrefix } from '../base/mac-prefix.ts';

/** A scheme that brokers speak, a host (IPv6 in brackets), and a port other than 0, if one is named. */
export function isBrokerUrl(text: string): boolean {
  return /^(mqtts?|wss?):\/\//.test(text) && URL.canParse(text) && new URL(text).port !== '0';
}

/** unix(7): what `sun_path` has room for, beside the octet that ends it. */
const SOCKET_PATH_OCTETS = 107;

/** A longer one is cut off by the system. */
export function isSocketPath(text: string): boolean {
  return utf8(text).length <= SOCKET_PATH_OCTETS;
}

export const TEXT_FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'ip-address': (text) => parseIp(text) !== undefined,
  'ipv4-address': (text) => parseIpv4(text) !== undefined,
  'ipv6-address': (text) => text.includes(':') && parseIpv6(text) !== undefined,
  'mac-address': (text) => parseMac(text) !== undefined,
  'mac-prefix': (text) => parseMacPrefix(text) !== undefined,
  'broker-url': isBrokerUrl,
  'socket-path': isSocketPath,
};

export const NUMBER_FORMATS: Readonly<Record<string, (value: number) => boolean>> = {
  'zero-or-one-up': (value) => value === 0 || value >= 1,
};

export interface SchemaNode {
  readonly format?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** Whether every value whose schema names a format has it; the value has its schema's shape already. */
export function formatsHold(schema: SchemaNode, value: unknown): boolean {
  if (typeof value === 'string')
    return schema.format === undefined || TEXT_FORMATS[schema.format]?.(value) === true;
  if (typeof value === 'number') {
    const alternatives = schema.anyOf ?? [schema];
    return alternatives.every(
      ({ format }) => format === undefined || NUMBER_FORMATS[format]?.(value) === true,
    );
  }
  if (Array.isArray(value)) return value.every((item) => formatsHold(schema.items ?? {}, item));
  if (value === null || typeof value !== 'object') return true;
  const objects = schema.anyOf?.filter((option) => option.properties !== undefined) ?? [schema];
  return Object.entries(value).every(([key, inner]) =>
    objects.every((object) => {
      const below = object.properties?.[key] ?? Object.values(object.patternProperties ?? {})[0];
      return below === undefined || formatsHold(below, inner);
    }),
  );
}
