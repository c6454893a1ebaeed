// `make qemu-bench`: what the agent takes on the booted switch. TCG is slow: figures are for comparison with each other and
// with later ones, not with hardware.

import Table from 'cli-table3';
import { switchImage } from '../rigs/qemu/image.ts';
import { Machine } from '../rigs/qemu/machine.ts';
import { PoweredStage } from '../rigs/qemu/stage.ts';

const PORTS = 8;
const ROUNDS = 3;
const REST_S = 20;

type Row = readonly [string, string];

async function main(): Promise<void> {
  const image = await switchImage();
  const began = Date.now();
  const machine = await Machine.build({ image });
  const rows: Row[] = [];
  try {
    await machine.powerOn();
    await machine.reached();
    rows.push(['power-on to the first command', `${since(began)} s`]);
    await machine.up();
    rows.push(['power-on to all services up, ports locked', `${since(began)} s`]);
    const stage = await PoweredStage.openOn(machine, { machines: PORTS });
    try {
      rows.push(...(await measure(stage, machine)));
    } finally {
      await stage.house.close();
    }
  } finally {
    await machine.close();
  }
  const table = new Table({ head: ['in QEMU, TCG', ''], style: { head: [], border: [] } });
  table.push(...rows.map(([what, figure]) => [what, figure]));
  console.log(table.toString());
}

async function measure(stage: PoweredStage, machine: Machine): Promise<readonly Row[]> {
  const logins: number[] = [];
  const logoffs: number[] = [];
  const relocks: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 1; n <= PORTS; n++) {
      const asked = Date.now();
      await stage.login(stage.machine(n));
      logins.push(Date.now() - asked);
      // Its address is known from now on: it is asked, and stays.
      await stage.passes(stage.machine(n));
    }
    if (round === ROUNDS - 1) break;
    for (let n = 1; n <= PORTS; n++) {
      const ended = stage.events('session-end').length;
      const asked = Date.now();
      await stage.logoff(stage.machine(n));
      await stage.until('its end', () => stage.events('session-end').length > ended, 20_000);
      logoffs.push(Date.now() - asked);
      const end = stage.events('session-end').at(-1);
      const revoked = end?.relock.revoked_at ?? null;
      if (end !== undefined && revoked !== null) relocks.push(Date.parse(revoked) - Date.parse(end.decided));
    }
  }
  return [
    [
      'login by EAP-MD5, wpa_supplicant started to session known outside; it waits for 2 s first (median)',
      `${median(logins)} ms`,
    ],
    ['logoff to session-end heard outside (median)', `${median(logoffs)} ms`],
    ['relock, decided to proven (median)', `${median(relocks)} ms`],
    ...(await atRest(machine)),
  ];
}

/** With all ports in: memory, and the share of one processor, while nothing happens but the handshake. */
async function atRest(machine: Machine): Promise<readonly Row[]> {
  const ticks = async (): Promise<number> =>
    Number(
      await machine.must(
        `set -- $(cat /proc/$(systemctl show -P MainPID rollcall)/stat); echo $((\${14} + \${15}))`,
      ),
    );
  const before = await ticks();
  await machine.run(`sleep ${REST_S}`, { timeoutMs: 2_000 * REST_S });
  const used = (await ticks()) - before;
  const rss = await machine.must('grep VmRSS /proc/$(systemctl show -P MainPID rollcall)/status');
  return [
    [`resident memory with ${PORTS} sessions`, `${Math.round(Number(/\d+/.exec(rss)?.[0]) / 1024)} MiB`],
    [`processor with ${PORTS} sessions, nothing but handshakes`, `${(used / REST_S).toFixed(1)} %`],
  ];
}

function since(began: number): string {
  return ((Date.now() - began) / 1000).toFixed(1);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await main();
