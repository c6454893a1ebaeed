// What this process may do, against what the configuration needs: missing rights, and needless ones. Read from
// /proc/self/status (capabilities(7)); nothing is changed here. How the needless ones are dropped: docs/security.md.

import { readFileSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import type { RightsPayload } from '../../report/payloads.ts';

const NEEDED = {
  CAP_NET_ADMIN: 'ports cannot be locked, and nobody can be let in',
  CAP_NET_RAW: 'no frame can be captured or sent',
  CAP_NET_BIND_SERVICE: 'the agent cannot listen on',
} as const;

/** By their number: include/uapi/linux/capability.h of Linux 6.12. */
const CAPABILITIES = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

/** Undefined where the system does not say. */
export function ownRights(config: Config): RightsPayload | undefined {
  const status = read('/proc/self/status');
  const lowest = read('/proc/sys/net/ipv4/ip_unprivileged_port_start');
  return status === undefined ? undefined : rightsFrom(status, config, Number(lowest ?? 1024));
}

/** `firstFreePort`: from which on everybody may listen. */
export function rightsFrom(status: string, config: Config, firstFreePort: number): RightsPayload {
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '0';
  const capabilities = namesOf(BigInt(`0x${field('CapEff')}`));
  const low = portsOf(config).filter(({ port }) => port < firstFreePort);
  const needed = neededBy(config, low.length > 0);
  return {
    user: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? 0),
    capabilities,
    missing: needed
      .filter((name) => !capabilities.includes(name))
      .map((name) => `The right ${name} is missing: ${consequence(name, low)}.`),
    needless: capabilities.filter((name) => !needed.some((wanted) => wanted === name)),
    no_new_privileges: field('NoNewPrivs') === '1',
  };
}

function namesOf(mask: bigint): string[] {
  const names: string[] = [];
  for (let number = 0n; mask >> number > 0n; number++)
    if ((mask >> number) & 1n) names.push(CAPABILITIES[Number(number)] ?? `CAP_${number}`);
  return names;
}

type Needed = keyof typeof NEEDED;

function neededBy({ backend }: Config, lowPorts: boolean): readonly Needed[] {
  const network: readonly Needed[] = backend === 'sim' ? [] : ['CAP_NET_ADMIN', 'CAP_NET_RAW'];
  return lowPorts ? [...network, 'CAP_NET_BIND_SERVICE'] : network;
}

interface Listening {
  readonly key: string;
  readonly port: number;
}

function portsOf({ web, dynamicAuthorization, sso, mqtt }: Config): readonly Listening[] {
  return [
    ...(web === undefined ? [] : [{ key: 'web.port', port: web.port }]),
    ...(dynamicAuthorization === undefined
      ? []
      : [{ key: 'radius.dynamic_authorization.port', port: dynamicAuthorization.port }]),
    ...(sso === undefined ? [] : [{ key: 'sso.port', port: sso.port }]),
    ...(mqtt.url === undefined ? [{ key: 'mqtt.embedded_port', port: mqtt.embeddedPort }] : []),
  ];
}

function consequence(name: Needed, low: readonly Listening[]): string {
  if (name !== 'CAP_NET_BIND_SERVICE') return NEEDED[name];
  const ports = low.map(({ key, port }) => `${key} ${port}`).join(', ');
  const lowest = Math.min(...low.map(({ port }) => port));
  return `${NEEDED[name]} ${ports}; sysctl net.ipv4.ip_unprivileged_port_start=${lowest} would do, too`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
