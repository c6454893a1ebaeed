// The two that are compared: Rollcall's bundle with the launcher's flags, and stock hostapd with its wired driver.

import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { Agent } from '../rigs/lab/agent.ts';
import { RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import type { LabProcess } from '../rigs/lab/process.ts';
import { PORTS, type Stage } from './stage.ts';

/** Where FreeRADIUS takes accounting, and where somebody listens who never answers. */
export const ACCOUNTING = { alive: 1813, dead: 1899 } as const;
export type AccountingServer = keyof typeof ACCOUNTING;

export interface Authenticator {
  readonly pid: number;
  close(): Promise<void>;
}

/** On a clean table. With the handshake of `periodS` seconds; 0 = none, as hostapd has none. */
export async function rollcall(
  stage: Stage,
  options: {
    readonly periodS: number;
    readonly accounting?: AccountingServer;
    readonly keep?: boolean;
    readonly embedded?: boolean;
    /** Laid over that. */
    readonly config?: ConfigPart;
  },
): Promise<Agent> {
  await stage.flush();
  const { periodS, accounting = 'alive', keep = false, embedded = false } = options;
  const config: ConfigPart = {
    roles: { default: { handshake: { period_s: periodS, times: 3, keep } } },
    radius: {
      servers: [
        { address: '127.0.0.1', auth_port: 1812, acct_port: ACCOUNTING[accounting], secret: RADIUS_SECRET },
      ],
    },
  };
  // The external broker of the other figures has the usual port.
  const mqtt: ConfigPart = embedded ? { mqtt: { embedded_port: 1884 } } : {};
  const whole = overlay({ ...config, ...mqtt }, options.config ?? {});
  return Agent.start(stage.netns, whole, embedded ? ['mqtt'] : []);
}

/** One process; one interface each for the first `ports` ports. */
export async function hostapd(
  stage: Stage,
  options: {
    readonly ports?: number;
    readonly accounting?: AccountingServer;
    /** Takes Disconnect-Requests. */
    readonly disconnects?: boolean;
  } = {},
): Promise<Authenticator> {
  const { ports = PORTS, accounting = 'alive', disconnects = false } = options;
  const das = disconnects ? `radius_das_port=3799\nradius_das_client=127.0.0.1 ${RADIUS_SECRET}\n` : '';
  const server = (kind: string, port: number): string =>
    `${kind}_server_addr=127.0.0.1\n${kind}_server_port=${port}\n${kind}_server_shared_secret=${RADIUS_SECRET}\n`;
  const servers = `${server('auth', 1812)}${server('acct', ACCOUNTING[accounting])}`;
  const files = Array.from({ length: ports }, (_, i) =>
    stage.folder.write(
      `hostapd-${i + 1}.conf`,
      `interface=p${i + 1}\ndriver=wired\nieee8021x=1\neap_reauth_period=0\nown_ip_addr=127.0.0.1\n${servers}${das}`,
    ),
  );
  const process: LabProcess = stage.netns.start({ name: 'hostapd', argv: ['hostapd', ...files] });
  await process.waitForLine(new RegExp(`p${ports}: AP-ENABLED`));
  return {
    get pid(): number {
      return process.pid;
    },
    close: async () => {
      await process.stop();
    },
  };
}
