// The routed path that somebody else writes to: what is lost is written again, and told of once.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';

const VPN = '192.0.2.10';
const CONFIG: ConfigPart = {
  l3: { ingress: ['vpn0'] },
  sso: { role: 'vpn', clients: [{ address: VPN, secret: SSO_SECRET }] },
  roles: { default: {}, vpn: {} },
};
const USERS = Array.from({ length: 20 }, (_, i) => `10.0.0.${i + 1}` as Ip);

let stage: SimulatedStage;
function open(config: ConfigPart = {}): void {
  stage = new SimulatedStage({ machines: 1, config: overlay(CONFIG, config) });
}
beforeEach(() => open());

function logIn(...ips: readonly Ip[]): void {
  for (const ip of ips)
    stage.net.post({
      type: 'sso-requests',
      datagrams: [
        {
          address: VPN,
          port: 40_000,
          bytes: accountingRequest('start', { session: `s${ip}`, user: 'alice', ips: [ip] }),
        },
      ],
    });
}

const passing = (): number => USERS.filter((ip) => stage.net.routed.packet(ip)).length;
const warnings = (): readonly string[] => stage.events('warning').map(({ code }) => String(code));

describe('many users', () => {
  beforeEach(() => logIn(...USERS));

  it('are in again at once when somebody has flushed nftables, with one warning', () => {
    stage.net.routed.granted.clear();
    stage.net.post({ type: 'routed-path-lost' });
    expect(passing()).toBe(20);
    stage.net.advance(11_000);
    expect(warnings()).toEqual(['routed-path']);
    expect(stage.events('warning')[0]?.message).toContain('20 users are let in anew');
  });

  it('that somebody has taken out are in again after the next look, with one warning', () => {
    stage.net.routed.granted.clear();
    stage.net.advance(11_000);
    expect(passing()).toBe(20);
    expect(warnings()).toEqual(['grant-lost']);
    expect(stage.events('warning')[0]?.message).toContain('20 addresses were taken out');
  });
});
