// What RADIUS has no attribute for, in the forms that ISE, ClearPass, PacketFence and their like use: reauthenticate, take
// the link down for a while, take it down for good; and Cisco's name for a session.

import { ByteReader, fromUtf8 } from '../base/bytes.ts';
import { present } from '../base/present.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { RadiusPacket } from '../wire/radius.ts';
import { attributesAll, type RadiusAttribute, vendorSpecific } from '../wire/radius-attributes.ts';
import { CISCO_AVPAIR, VENDORS } from '../wire/radius-dictionary.ts';
import type { Refusal } from './error-cause.ts';
import { type RoleAttribute, roleIn, vendorRole } from './role-attribute.ts';

export type PortCommand =
  | { readonly type: 'reauthenticate'; readonly rerun: boolean }
  /** `time` absent: the configured one. */
  | { readonly type: 'bounce'; readonly time?: Millis }
  | { readonly type: 'disable' };

export interface VendorSays {
  readonly commands: readonly PortCommand[];
  readonly auditSessionId?: string;
  /** By an attribute that names a role. */
  readonly role?: string;
}

const HP_PORT_BOUNCE_HOST = 23;
const ARUBA_PORT_BOUNCE_HOST = 40;
/** Of both attributes. */
const LONGEST_BOUNCE_S = 60;

type Refuse = (refusal: Refusal) => undefined;

export function readVendors(
  packet: RadiusPacket,
  roleAttributes: readonly RoleAttribute[],
  refuse: Refuse,
): VendorSays {
  const commands: PortCommand[] = [];
  let auditSessionId: string | undefined;
  let reauthenticateType: string | undefined;
  for (const value of attributesAll(packet, 'Vendor-Specific')) {
    const { vendor, attributes, isWhole } = vendorSpecific(value);
    if (!isWhole) refuse({ cause: 'Invalid-Request', detail: 'a Vendor-Specific is misformed' });
    else if (attributes.length === 0)
      refuse({ cause: 'Unsupported-Attribute', detail: `an empty attribute of vendor ${vendor}` });
    for (const attribute of attributes) {
      const named = roleAttributes
        .map((each) => roleIn(each, { vendor, attribute }))
        .find((name) => name !== undefined);
      if (named === '') refuse({ cause: 'Invalid-Attribute-Value', detail: 'an empty name of a role' });
      if (named !== undefined) continue;
      if (vendor === VENDORS.cisco && attribute.type === CISCO_AVPAIR) {
        const [name = '', said = ''] = pair(fromUtf8(attribute.value));
        if (name === 'subscriber:command') commands.push(...ciscoCommand(said, refuse));
        else if (name === 'subscriber:reauthenticate-type') reauthenticateType = said;
        else if (name === 'audit-session-id') auditSessionId = said;
        else refuse({ cause: 'Unsupported-Attribute', detail: `Cisco-AVPair ${JSON.stringify(name)}` });
      } else if (
        (vendor === VENDORS.hp && attribute.type === HP_PORT_BOUNCE_HOST) ||
        (vendor === VENDORS.aruba && attribute.type === ARUBA_PORT_BOUNCE_HOST)
      ) {
        commands.push(...bounceHost(attribute, refuse));
      } else {
        refuse({ cause: 'Unsupported-Attribute', detail: `attribute ${attribute.type} of vendor ${vendor}` });
      }
    }
  }
  return {
    commands: withType(commands, reauthenticateType, refuse),
    ...present({ auditSessionId, role: vendorRole(packet, roleAttributes) }),
  };
}

function pair(text: string): readonly string[] {
  const at = text.indexOf('=');
  return at < 0 ? [text] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function ciscoCommand(said: string, refuse: Refuse): PortCommand[] {
  switch (said) {
    case 'reauthenticate':
      return [{ type: 'reauthenticate', rerun: false }];
    case 'bounce-host-port':
      return [{ type: 'bounce' }];
    case 'disable-host-port':
      return [{ type: 'disable' }];
    default:
      refuse({
        cause: 'Invalid-Attribute-Value',
        detail: `subscriber:command=${JSON.stringify(said)}`,
      });
      return [];
  }
}

function bounceHost({ value }: RadiusAttribute, refuse: Refuse): PortCommand[] {
  if (value.length !== 4) {
    refuse({ cause: 'Invalid-Request', detail: 'Port-Bounce-Host is not four octets long' });
    return [];
  }
  const time = new ByteReader(value).u32();
  if (time >= 1 && time <= LONGEST_BOUNCE_S) return [{ type: 'bounce', time: seconds(time) }];
  refuse({ cause: 'Invalid-Attribute-Value', detail: `Port-Bounce-Host of ${time} s` });
  return [];
}

/** `last`: by the method that let the client in; `rerun`: from the first method of the port's order. */
function withType(
  commands: readonly PortCommand[],
  type: string | undefined,
  refuse: Refuse,
): readonly PortCommand[] {
  if (type === undefined) return commands;
  if (type !== 'last' && type !== 'rerun') {
    const detail = `subscriber:reauthenticate-type=${JSON.stringify(type)}`;
    refuse({ cause: 'Invalid-Attribute-Value', detail });
  } else if (!commands.some((command) => command.type === 'reauthenticate')) {
    refuse({ cause: 'Invalid-Request', detail: 'subscriber:reauthenticate-type without a reauthentication' });
  }
  return commands.map((command) =>
    command.type === 'reauthenticate' ? { ...command, rerun: type === 'rerun' } : command,
  );
}
