// What a verified Disconnect- or CoA-Request asks: for this NAS at all, of which sessions, and what. Refuses what RFC 5176
// §3.5 and §3.6 refuse, with that Error-Cause; of several faults the first counts, in the order in which they stand here.

import { fromUtf8 } from '../base/bytes.ts';
import { type Ip, ipFromBytes } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Millis } from '../base/time.ts';
import type { Authorization } from '../model/authorization.ts';
import type { NasIdentity } from '../model/nas.ts';
import { RADIUS_CODES, type RadiusPacket } from '../wire/radius.ts';
import {
  attributeOctets,
  attributesAll,
  attributeText,
  attributeU32,
  hasAttribute,
} from '../wire/radius-attributes.ts';
import {
  type AttributeName,
  attributeNameOf,
  attributeNumber,
  SERVICE_TYPES,
} from '../wire/radius-dictionary.ts';
import { authorizationFrom } from './accept.ts';
import { nameSomebody, readKeys, SESSION_KEYS, type SessionKeys } from './dynauth-keys.ts';
import { readVendors, type VendorSays } from './dynauth-vendors.ts';
import type { Refusal } from './error-cause.ts';
import type { RoleAttribute } from './role-attribute.ts';

export type DynamicAction =
  | { readonly type: 'disconnect'; readonly classes: readonly Uint8Array[]; readonly replyMessage?: string }
  | { readonly type: 'reauthenticate'; readonly rerun: boolean }
  /** `time` absent: the configured one. */
  | { readonly type: 'bounce'; readonly time?: Millis }
  | { readonly type: 'disable' }
  | { readonly type: 'authorize-only'; readonly state: Uint8Array }
  | AuthorizationChange;

/** What an authorization need not have. */
type OptionalKey = {
  [Key in keyof Authorization]-?: object extends Pick<Authorization, Key> ? Key : never;
}[keyof Authorization];

/** What a request can change: not who is meant, nor who let them in. */
export type ChangedKey = OptionalKey | 'classes' | 'reauthenticateAtTimeout';

/** RFC 5176 §3.6 note 3: what is named replaces all that was, what is not stays. */
export interface AuthorizationChange {
  readonly type: 'change';
  readonly to: Authorization;
  /** Of `to`, what counts; one that `to` has not is taken away. */
  readonly keys: readonly ChangedKey[];
}

export interface DynamicRequest {
  readonly kind: 'disconnect' | 'coa';
  readonly keys: SessionKeys;
  readonly action: DynamicAction;
}

/** Who we are. */
export interface NasNames extends NasIdentity {
  /** This host's own addresses: what NAS-IP(v6)-Address may say where the configuration says nothing. */
  readonly addresses: ReadonlySet<Ip>;
}

/** RFC 5176 §3.6 note 3, and what each changes. Tunnel attributes are replaced together (note 5). */
const CHANGES: Partial<Record<AttributeName, ChangedKey>> = {
  'Session-Timeout': 'sessionTimeout',
  'Idle-Timeout': 'idleTimeout',
  'Termination-Action': 'reauthenticateAtTimeout',
  'Acct-Interim-Interval': 'interimInterval',
  'Filter-Id': 'filterId',
  Class: 'classes',
  'Tunnel-Type': 'vlan',
  'Tunnel-Medium-Type': 'vlan',
  'Tunnel-Private-Group-Id': 'vlan',
  'Egress-VLANID': 'egress',
  'Egress-VLAN-Name': 'egress',
};
const CHANGE_NAMES = Object.keys(CHANGES) as AttributeName[];
const TUNNEL = ['Tunnel-Type', 'Tunnel-Medium-Type', 'Tunnel-Private-Group-Id'] as const;
/** Of four octets, once at most. */
const NUMBERS = ['Session-Timeout', 'Idle-Timeout', 'Termination-Action', 'Acct-Interim-Interval'] as const;

/** RFC 5580 §4.1, for the proxies on the way; RFC 8559 §3.4, in the extended space 241 (RFC 6929). */
const OPERATOR_NAME = 126;
const EXTENDED_1 = 241;
const OPERATOR_NAS_IDENTIFIER = 8;

const NAS_NAMES: readonly AttributeName[] = ['NAS-IP-Address', 'NAS-Identifier', 'NAS-IPv6-Address'];
const EVERYWHERE: readonly (AttributeName | number)[] = [
  ...NAS_NAMES,
  OPERATOR_NAME,
  EXTENDED_1,
  ...SESSION_KEYS,
  'Vendor-Specific',
  'Reply-Message',
  'Proxy-State',
  'Event-Timestamp',
  'Message-Authenticator',
];
const numbers = (names: readonly (AttributeName | number)[]): ReadonlySet<number> =>
  new Set(names.map(attributeNumber));
const IN_DISCONNECT = numbers([...EVERYWHERE, 'Class', 'Acct-Terminate-Cause']);
const IN_COA = numbers([...EVERYWHERE, ...CHANGE_NAMES, 'Service-Type', 'State']);
/** RFC 5176 §3.2: nothing but who is meant, and State. */
const NOT_IN_AUTHORIZE_ONLY: readonly AttributeName[] = [...CHANGE_NAMES, 'Reply-Message'];
const SINGLE: readonly AttributeName[] = [
  ...NAS_NAMES,
  ...SESSION_KEYS,
  ...NUMBERS,
  'Filter-Id',
  'Service-Type',
  'State',
  'Event-Timestamp',
  'Acct-Terminate-Cause',
];

export function readRequest(
  packet: RadiusPacket,
  nas: NasNames,
  roleAttributes: readonly RoleAttribute[],
): Result<DynamicRequest, Refusal> {
  let refusal: Refusal | undefined;
  const refuse = (found: Refusal): undefined => {
    refusal ??= found;
  };
  const kind = packet.code === RADIUS_CODES['Disconnect-Request'] ? 'disconnect' : 'coa';
  checkNas(packet, nas, refuse);
  checkAttributes(packet, kind, refuse);
  checkServiceType(packet, refuse);
  const says = readVendors(packet, roleAttributes, refuse);
  const own = readKeys(packet, refuse);
  const keys = says.auditSessionId === undefined ? own : { ...own, auditSessionId: says.auditSessionId };
  if (!nameSomebody(keys))
    refuse({ cause: 'Missing-Attribute', detail: 'no session identification attribute' });
  const action = kind === 'disconnect' ? disconnect(packet, says, refuse) : change(packet, says, refuse);
  if (refusal !== undefined || action === undefined)
    return err(refusal ?? { cause: 'Missing-Attribute', detail: 'it asks for nothing' });
  return ok({ kind, keys, action });
}

type Refuse = (refusal: Refusal) => undefined;

/** RFC 5176 §3: every NAS identification attribute must be ours. RFC 8559 §4.3: the proxies' own name for us likewise. */
function checkNas(packet: RadiusPacket, nas: NasNames, refuse: Refuse): void {
  const cause = 'NAS-Identification-Mismatch';
  const name = attributeText(packet, 'NAS-Identifier');
  if (name !== undefined && name !== nas.identifier)
    refuse({ cause, detail: `NAS-Identifier is ${JSON.stringify(name)}, not ${nas.identifier}` });
  checkNasAddress(packet, 'NAS-IP-Address', { own: nas.ipv4, addresses: nas.addresses }, refuse);
  checkNasAddress(packet, 'NAS-IPv6-Address', { own: nas.ipv6, addresses: nas.addresses }, refuse);
  for (const value of attributesAll(packet, EXTENDED_1)) {
    if (value[0] !== OPERATOR_NAS_IDENTIFIER)
      refuse({ cause: 'Unsupported-Attribute', detail: `attribute 241.${value[0] ?? 0}` });
    else if (fromUtf8(value.subarray(1)) !== nas.identifier)
      refuse({ cause, detail: `Operator-NAS-Identifier is not ${nas.identifier}` });
  }
}

function checkNasAddress(
  packet: RadiusPacket,
  name: 'NAS-IP-Address' | 'NAS-IPv6-Address',
  { own, addresses }: { readonly own: Ip | undefined; readonly addresses: ReadonlySet<Ip> },
  refuse: Refuse,
): void {
  const octets = attributeOctets(packet, name);
  if (octets === undefined) return;
  const said = octets.length === (name === 'NAS-IP-Address' ? 4 : 16) ? ipFromBytes(octets) : undefined;
  if (said === undefined) refuse({ cause: 'Invalid-Request', detail: `${name} is no address` });
  else if (own === undefined ? !addresses.has(said) : said !== own)
    refuse({
      cause: 'NAS-Identification-Mismatch',
      detail: `${name} is ${said}, not ${own ?? 'one of ours'}`,
    });
}

function checkAttributes(packet: RadiusPacket, kind: DynamicRequest['kind'], refuse: Refuse): void {
  const known = kind === 'disconnect' ? IN_DISCONNECT : IN_COA;
  for (const { type } of packet.attributes) {
    if (!known.has(type))
      refuse({ cause: 'Unsupported-Attribute', detail: `${attributeNameOf(type)} in a ${kind} request` });
  }
  for (const name of SINGLE) {
    const { length } = attributesAll(packet, name);
    if (length > 1) refuse({ cause: 'Invalid-Request', detail: `${name} came ${length} times` });
  }
  for (const name of [...NUMBERS, 'Service-Type', 'Event-Timestamp'] as const) {
    if (hasAttribute(packet, name) && attributeU32(packet, name) === undefined)
      refuse({ cause: 'Invalid-Request', detail: `${name} is not four octets long` });
  }
}

/** RFC 5176 §3.2, §3.3. */
function checkServiceType(packet: RadiusPacket, refuse: Refuse): void {
  const service = attributeU32(packet, 'Service-Type');
  if (service === undefined) return;
  if (service !== SERVICE_TYPES['Authorize-Only']) {
    refuse({ cause: 'Unsupported-Service', detail: `Service-Type ${service}` });
    return;
  }
  for (const name of NOT_IN_AUTHORIZE_ONLY) {
    if (hasAttribute(packet, name))
      refuse({ cause: 'Unsupported-Attribute', detail: `${name} beside Authorize-Only` });
  }
  if (!hasAttribute(packet, 'State'))
    refuse({ cause: 'Missing-Attribute', detail: 'Authorize-Only without State' });
}

function disconnect(packet: RadiusPacket, { commands, role }: VendorSays, refuse: Refuse): DynamicAction {
  if (commands.length > 0 || role !== undefined)
    refuse({ cause: 'Unsupported-Attribute', detail: 'a command in a disconnect request' });
  const said = attributeText(packet, 'Reply-Message');
  return {
    type: 'disconnect',
    classes: attributesAll(packet, 'Class').map((octets) => Uint8Array.from(octets)),
    ...(said === undefined ? {} : { replyMessage: said }),
  };
}

/** One thing at a time: a command of a vendor's, Authorize-Only, or another authorization. */
function change(
  packet: RadiusPacket,
  { commands, role }: VendorSays,
  refuse: Refuse,
): DynamicAction | undefined {
  const keys = new Set<ChangedKey>();
  for (const name of CHANGE_NAMES) {
    const key = CHANGES[name];
    if (key !== undefined && hasAttribute(packet, name)) keys.add(key);
  }
  // Whichever attribute names the role: it replaces what the other one named before.
  if (role !== undefined || keys.has('filterId')) keys.add('filterId').add('vendorRole');
  const authorizeOnly = hasAttribute(packet, 'Service-Type');
  const [command, second] = commands;
  if (second !== undefined) refuse({ cause: 'Invalid-Request', detail: 'more than one command' });
  if (command !== undefined && (keys.size > 0 || authorizeOnly)) {
    const cause = authorizeOnly ? 'Unsupported-Attribute' : 'Invalid-Request';
    refuse({ cause, detail: `${command.type} and another change in one request` });
  }
  if (command !== undefined) return command;
  const state = attributeOctets(packet, 'State');
  if (authorizeOnly)
    return state === undefined ? undefined : { type: 'authorize-only', state: Uint8Array.from(state) };
  return keys.size === 0 ? undefined : authorizationChange(packet, { keys, role }, refuse);
}

function authorizationChange(
  packet: RadiusPacket,
  { keys, role }: { readonly keys: Set<ChangedKey>; readonly role: string | undefined },
  refuse: Refuse,
): AuthorizationChange {
  const missing = TUNNEL.filter((name) => !hasAttribute(packet, name));
  if (keys.has('vlan') && missing.length > 0)
    refuse({ cause: 'Missing-Attribute', detail: `a VLAN without ${missing.join(' and ')}` });
  const { authorization, warnings } = authorizationFrom(packet, { identity: '', server: '' });
  for (const { attribute, detail } of warnings)
    refuse({ cause: 'Invalid-Attribute-Value', detail: `${attribute} ${detail}` });
  if (hasAttribute(packet, 'Reply-Message')) keys.add('replyMessage');
  // RFC 5176 §3.3: for the Access-Request that the Termination-Action will be.
  if (authorization.reauthenticateAtTimeout) keys.add('state');
  const to = role === undefined ? authorization : { ...authorization, vendorRole: role };
  return { type: 'change', to, keys: [...keys] };
}

/** Both, one after the other. */
export function joined(first: AuthorizationChange, second: AuthorizationChange): AuthorizationChange {
  const keys = [...new Set([...first.keys, ...second.keys])];
  return { type: 'change', to: changed(first.to, second), keys };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What holds after the change. */
export function changed(before: Authorization, { to, keys }: AuthorizationChange): Authorization {
  const after: Mutable<Authorization> = { ...before };
  for (const key of keys) {
    if (key === 'classes') after.classes = to.classes;
    else if (key === 'reauthenticateAtTimeout') after.reauthenticateAtTimeout = to.reauthenticateAtTimeout;
    else replace(after, to, key);
  }
  return after;
}

function replace<Key extends OptionalKey>(
  after: Pick<Mutable<Authorization>, Key>,
  to: Pick<Authorization, Key>,
  key: Key,
): void {
  if (to[key] === undefined) delete after[key];
  else after[key] = to[key];
}
