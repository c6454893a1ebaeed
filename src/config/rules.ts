// What a schema cannot say: keys that must agree with each other. Expects a file that the schema has passed.

import { utf8 } from '../base/bytes.ts';
import { globMatches, isGlob } from '../base/glob.ts';
import { isHostAddress, parseIp, parseIpv4, parseIpv6 } from '../base/ip.ts';
import { isStationAddress, parseMac } from '../base/mac.ts';
import { HIGHEST_VLAN_ID } from '../wire/ethernet.ts';
import { LONGEST_VALUE } from '../wire/radius-dictionary.ts';
import { SHELL_DEFAULTS } from './defaults.ts';
import { closest, type KeyPath } from './fault.ts';
import { type Finding, fault, warning } from './findings.ts';
import type { RawConfig } from './raw.ts';
import { certifiedFindings } from './rules-certified.ts';
import { l3Findings } from './rules-l3.ts';
import { roleRuleFindings, silentDeviceFindings, unknownRole } from './rules-roles.ts';
import { isHost, noHost, patienceFindings, serverFindings, shortSecret } from './rules-servers.ts';
import { webFindings } from './rules-web.ts';

export function ruleFindings(raw: RawConfig): readonly Finding[] {
  return [
    ...roleFindings(raw),
    ...portFindings(raw),
    ...radiusFindings(raw),
    ...patienceFindings(raw),
    ...l3Findings(raw),
    ...socketFindings(raw),
    ...mqttFindings(raw),
    ...sourceFindings(raw),
    ...roleRuleFindings(raw),
    ...silentDeviceFindings(raw),
    ...vlanFindings(raw),
    ...webFindings(raw),
    ...certifiedFindings(raw),
  ];
}

function roleFindings(raw: RawConfig): Finding[] {
  return Object.entries(raw.ports ?? {}).flatMap(([pattern, { role }]) =>
    unknownRole(raw, ['ports', pattern, 'role'], role),
  );
}

function portFindings(raw: RawConfig): Finding[] {
  const uplinks = raw.switch.uplinks ?? [];
  const out: Finding[] = [];
  for (const [pattern, port] of Object.entries(raw.ports ?? {})) {
    const path = ['ports', pattern];
    const length = utf8(pattern).length;
    if (!isGlob(pattern) && length > 15) {
      out.push(fault(path, `'${pattern}' has ${length} octets; an interface name has at most 15`));
    }
    if (!isGlob(pattern) && uplinks.some((uplink) => globMatches(uplink, pattern))) {
      out.push(warning(path, `'${pattern}' is an uplink; uplinks win, so these settings do nothing`));
    }
    if (pattern === raw.switch.bridge)
      out.push(warning(path, `'${pattern}' is the bridge, not one of its ports`));
    if (port.mab?.enabled === true && port.control !== undefined && port.control !== 'auto') {
      out.push(fault([...path, 'mab', 'enabled'], `needs control: auto, not ${port.control}`));
    }
    if (port.host_mode === 'multi-host' && port.mab?.enabled === true) {
      out.push(
        warning([...path, 'host_mode'], 'with multi-host, one MAC that passes MAB opens the port for all'),
      );
    }
  }
  return out;
}

function radiusFindings(raw: RawConfig): Finding[] {
  const { dynamic_authorization: dynAuth } = raw.radius;
  const out: Finding[] = serverFindings(raw);
  const clients = new Set<string>();
  (dynAuth?.clients ?? []).forEach((client, index) => {
    const path = ['radius', 'dynamic_authorization', 'clients', index];
    const address = parseIp(client.address) ?? client.address;
    if (clients.has(address)) out.push(fault(path, `${client.address} is in the list already`));
    clients.add(address);
    out.push(...noHost(client, path), ...shortSecret(client, path));
  });
  const octets = utf8(raw.radius.nas_identifier ?? '').length;
  if (octets > LONGEST_VALUE)
    out.push(
      fault(['radius', 'nas_identifier'], `has ${octets} octets; RADIUS takes at most ${LONGEST_VALUE}`),
    );
  for (const key of ['nas_ip_address', 'nas_ipv6_address'] as const) {
    const address = raw.radius[key];
    if (address !== undefined && !isHost(address))
      out.push(fault(['radius', key], 'must be an address of this switch'));
  }
  return out;
}

function socketFindings(raw: RawConfig): Finding[] {
  const {
    control_socket: control = SHELL_DEFAULTS.controlSocket,
    read_socket: read,
    read_socket_group: group,
  } = raw;
  if (read === control) return [fault(['read_socket'], 'must be another one than control_socket')];
  return read === undefined && group !== undefined
    ? [fault(['read_socket_group'], 'needs a read_socket')]
    : [];
}

function mqttFindings(raw: RawConfig): Finding[] {
  const mqtt = raw.mqtt ?? {};
  const out: Finding[] = [];
  const encrypted = /^(mqtts|wss):/.test(mqtt.url ?? '');
  if (mqtt.tls !== undefined && !encrypted) {
    out.push(fault(['mqtt', 'tls'], 'needs a url that begins with mqtts:// or wss://'));
  }
  if ((mqtt.tls?.cert_file === undefined) !== (mqtt.tls?.key_file === undefined)) {
    out.push(fault(['mqtt', 'tls'], 'cert_file and key_file belong together'));
  }
  if (mqtt.password !== undefined && mqtt.username === undefined) {
    out.push(fault(['mqtt', 'password'], 'needs a username'));
  }
  if (mqtt.url === undefined) {
    for (const key of ['username', 'password', 'client_id', 'will_delay_s'] as const) {
      if (mqtt[key] !== undefined) out.push(warning(['mqtt', key], 'does nothing without a url'));
    }
  } else if (mqtt.embedded_port !== undefined) {
    out.push(
      warning(['mqtt', 'embedded_port'], 'does nothing with a url: the embedded broker is not started'),
    );
  }
  if (
    mqtt.password !== undefined &&
    !encrypted &&
    !/^(mqtt|ws):\/\/(127\.|localhost|\[::1\])/.test(mqtt.url ?? '')
  ) {
    out.push(warning(['mqtt', 'url'], 'sends the password unencrypted; use mqtts://'));
  }
  return out;
}

function sourceFindings(raw: RawConfig): Finding[] {
  const out: Finding[] = [];
  for (const [vlan, source] of Object.entries(raw.handshake?.sources ?? {})) {
    const path = ['handshake', 'sources', vlan];
    if (Number(vlan) > HIGHEST_VLAN_ID)
      out.push(
        fault(path, `a VLAN id is 1..${HIGHEST_VLAN_ID}, or 0 where the bridge does not filter VLANs`),
      );
    if (source.ip === undefined && source.ipv6 === undefined) out.push(fault(path, 'needs ip, ipv6 or both'));
    if (source.ip === '0.0.0.0' && raw.handshake?.allow_unspecified_source !== true) {
      out.push(
        fault(
          [...path, 'ip'],
          '0.0.0.0 looks like duplicate-address detection; set allow_unspecified_source to use it',
        ),
      );
    }
    const v4 = source.ip === undefined ? undefined : parseIpv4(source.ip);
    if (v4 !== undefined && v4 !== '0.0.0.0' && !isHostAddress(v4)) {
      out.push(fault([...path, 'ip'], `${v4} cannot be the sender of a probe`));
    }
    const v6 = source.ipv6 === undefined ? undefined : parseIpv6(source.ipv6);
    if (v6 !== undefined && !isHostAddress(v6)) {
      out.push(fault([...path, 'ipv6'], `${v6} cannot be the sender of a probe`));
    }
    const mac = source.mac === undefined ? undefined : parseMac(source.mac);
    if (mac !== undefined && !isStationAddress(mac)) {
      out.push(fault([...path, 'mac'], `${mac} is no station's address`));
    }
  }
  return out;
}

const PORT_VLANS = ['guest_vlan', 'auth_fail_vlan', 'critical_vlan', 'voice_vlan'] as const;

function unknownVlan(path: KeyPath, vlan: string, names: readonly string[]): Finding {
  const guess = closest(vlan, names);
  const hint = /^[0-9]+$/.test(vlan)
    ? 'an id is written without quotes'
    : guess === undefined
      ? 'give its id, or name it in `vlans`'
      : `did you mean '${guess}'?`;
  return fault(path, `there is no VLAN '${vlan}'; ${hint}`);
}

function vlanFindings(raw: RawConfig): Finding[] {
  const names = Object.keys(raw.vlans ?? {});
  const out: Finding[] = [];
  for (const [role, { vlan }] of Object.entries(raw.roles ?? {}))
    if (typeof vlan === 'string' && !names.includes(vlan))
      out.push(unknownVlan(['roles', role, 'vlan'], vlan, names));
  for (const [pattern, port] of Object.entries(raw.ports ?? {})) {
    const path = ['ports', pattern];
    for (const key of PORT_VLANS) {
      const vlan = port[key];
      if (vlan === undefined || typeof vlan === 'number' || names.includes(vlan)) continue;
      out.push(unknownVlan([...path, key], vlan, names));
    }
    const elsewhere = Object.values(raw.ports ?? {}).some(({ critical_vlan }) => critical_vlan !== undefined);
    if (port.critical === 'vlan' && !elsewhere)
      out.push(fault([...path, 'critical'], "'vlan' needs a critical_vlan"));
    if (port.host_mode === 'multi-host' && port.auth_fail_vlan !== undefined)
      out.push(
        warning(
          [...path, 'auth_fail_vlan'],
          'with multi-host, one client that is refused opens the port for all',
        ),
      );
  }
  return out;
}
