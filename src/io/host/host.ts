// The switch under the agent: its data plane opened, and what `rollcall check` finds there.

import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ok, type Result } from '../../base/result.ts';
import type { Config } from '../../config/config.ts';
import { ownAddresses } from '../dataplane/own-addresses.ts';
import { PortAuth } from '../dataplane/portauth.ts';
import { radSecFaults } from '../servers/radsec.ts';
import { readCertificate } from '../web/web-certificate.ts';
import { type HostFinding, hostFindings } from './host-check.ts';
import { lockoutFindings } from './lockout-check.ts';
import { securityFindings } from './security-check.ts';

/** Of the bundle: all of it is in one folder. */
const HERE = dirname(fileURLToPath(import.meta.url));

/** `switchdev` and `sim` are in our own library; anything else is the path of a vendor's. */
export function openDataplane(config: Config): Result<PortAuth, string> {
  const { backend, switch: device } = config;
  const builtIn = backend === 'switchdev' || backend === 'sim';
  const library = builtIn ? join(HERE, 'libportauth.so') : backend;
  return PortAuth.open({ library, spec: builtIn ? `${backend}:${device.bridge}` : device.bridge });
}

/** Looks at the kernel and the bridge; changes nothing. */
export async function checkHost(config: Config): Promise<readonly HostFinding[]> {
  const portauth = openDataplane(config);
  if (!portauth.ok) return [{ severity: 'fault', message: portauth.error }];
  const findings = hostFindings(
    config,
    portauth.value,
    ownAddresses(config.switch.bridge)?.sources ?? new Map(),
  );
  const lockout = lockoutFindings(config, portauth.value, {
    ssh: process.env.SSH_CONNECTION,
    interfaces: Object.keys(networkInterfaces()),
  });
  portauth.value.close();
  const unusable = [...radSecFaults(config.radius.servers)];
  const certificate = config.web?.tls === undefined ? ok(undefined) : readCertificate(config.web.tls);
  if (!certificate.ok) unusable.push(`web.tls: ${certificate.error}`);
  return [
    ...findings,
    ...lockout,
    ...securityFindings(config),
    ...unusable.map((message) => ({ severity: 'fault', message }) as const),
  ];
}
