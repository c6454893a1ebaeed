// Inside the bench's namespace: what one probe costs on its way out, the wheel included. argv: the library, the bridge,
// the number of probes. Silent sessions on the wheel, each with its handshake; a tick's probes leave in one call, as the
// agent sends them. Time is advanced as fast as it goes. Prints one JSON object.

import type { Ipv4 } from '../../src/base/ip.ts';
import { type Mac, macFromNumber, macToNumber } from '../../src/base/mac.ts';
import { after, type Instant, instant, millis, NEVER, seconds } from '../../src/base/time.ts';
import { type OutboundFrame, PortAuth } from '../../src/io/dataplane/portauth.ts';
import { Handshake } from '../../src/liveness/handshake.ts';
import { chooseProbe, probeFrames } from '../../src/liveness/probing.ts';
import { HANDSHAKE_DEFAULTS, PROBE_DEFAULTS } from '../../src/liveness/settings.ts';
import { TICK_MS, TimerWheel } from '../../src/timer/wheel.ts';

const SESSIONS = 10_000;
const PERIOD = seconds(3);
const LONG_AGO = instant(-NEVER);

const [library = '', bridge = '', wanted = '100000'] = process.argv.slice(2);
const opened = PortAuth.open({ library, spec: bridge });
if (!opened.ok) throw new Error(opened.error);
const portauth = opened.value;
const ports = portauth.ports();
const origin = instant(0);
const wheel = new TimerWheel({ origin });
const first = macToNumber('02:80:00:00:00:00' as Mac);
const source = { mac: ports[0]?.address as Mac, ipv4: '10.80.255.254' as Ipv4 };
// Never cut, so that each period of each session ends with a probe.
const settings = { ...HANDSHAKE_DEFAULTS, period: PERIOD, keep: true };

const sessions = Array.from({ length: SESSIONS }, (_, i) => {
  const start = after(origin, millis((i * PERIOD) / SESSIONS));
  return {
    id: wheel.allocate(),
    handshake: new Handshake(settings, start),
    mac: macFromNumber(first + i),
    addresses: { ipv4: `10.80.${i >> 8}.${i & 255}` as Ipv4 },
    port: ports[i % ports.length],
  };
});
const byTimer = new Map(sessions.map((session) => [session.id, session]));
for (const { id, handshake } of sessions) wheel.arm(id, handshake.pollAt());

let now: Instant = origin;
let sent = 0;
/** Until so many have gone out; CPU time in microseconds, the kernel's work on our behalf included. */
function run(count: number): number {
  const before = process.cpuUsage();
  for (const goal = sent + count; sent < goal; ) {
    now = after(now, millis(TICK_MS));
    const frames: OutboundFrame[] = [];
    wheel.advance(now, (id) => {
      const session = byTimer.get(id);
      if (session?.port === undefined) return;
      const { handshake, port, mac, addresses } = session;
      for (const effect of handshake.handle({ type: 'tick', sweptAt: now }, now)) {
        if (effect.type !== 'probe') continue;
        const { probe: kind } = settings;
        const facts = {
          addresses,
          source,
          ownMac: port.address,
          linkUpAt: LONG_AGO,
          announcedAt: LONG_AGO,
          probe: kind,
          unanswered: undefined,
        };
        const probe = chooseProbe(facts, PROBE_DEFAULTS, now);
        if (probe.type !== 'arp') throw new Error(`no ARP probe but ${probe.type}`);
        for (const bytes of probeFrames(probe, { mac }, port.address))
          frames.push({ port: port.name, bytes });
        handshake.handle({ type: 'probe-sent', number: effect.number }, now);
      }
      wheel.arm(id, handshake.pollAt());
    });
    const out = portauth.inject(frames);
    if (out !== frames.length) throw new Error(`${out} of ${frames.length}: ${portauth.lastError()}`);
    sent += out;
  }
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

run(Number(wanted) / 4);
const begun = sent;
const cpuUs = run(Number(wanted));
process.stdout.write(`${JSON.stringify({ cpuUs, probes: sent - begun })}\n`);
portauth.close();
