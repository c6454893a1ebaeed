// A Debian 13 with a systemd of its own, in a network namespace of the lab: no machine is emulated, the kernel is this one's,
// and what a unit's restrictions are made of (capabilities, seccomp, mounts, control groups) is real. By systemd-nspawn.
//
// Takes root, mmdebstrap and systemd-nspawn. The root is made once (a minute or two, Debian's archive) and kept in .cache/;
// each machine has a copy, which is gone with it.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atExit } from '../lab/at-exit.ts';
import type { Netns } from '../lab/netns.ts';
import { type Finished, LabProcess, must, run, until } from '../lab/process.ts';

/** What the package depends on, so that nothing has to be fetched in a namespace without a way out. */
const PACKAGES =
  'systemd,systemd-sysv,dbus,iproute2,nftables,nodejs,libpcap0.8t64,libnftables1,libsystemd0,libstdc++6,kmod';

const ENVIRONMENT = [
  ...['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'TERM=dumb'],
  'DEBIAN_FRONTEND=noninteractive',
];

/** The one that runs through board/run.mjs or vitest is started in the repository. */
const CACHE = path.resolve('.cache');

export class Debian {
  private constructor(
    readonly root: string,
    private readonly netns: Netns,
    private readonly forget: () => void,
  ) {}
  private container: LabProcess | undefined;
  private leader = '';

  static async create(netns: Netns): Promise<Debian> {
    // Not among the packages of every test (board/deps.sh).
    if ((await run(['which', 'systemd-nspawn'])).code !== 0)
      throw new Error('systemd-nspawn is missing: apt-get install systemd-container');
    const base = await baseRoot();
    const root = mkdtempSync(path.join(tmpdir(), `rc-${process.pid}-debian-`));
    const forget = atExit(() => rmSync(root, { recursive: true, force: true }));
    await must(['tar', '-xf', base, '-C', root], { timeoutMs: 120_000 });
    return new Debian(root, netns, forget);
  }

  /** A line for a shell in the root that is not booted, as whoever builds an image has it; a non-zero exit throws. */
  offline(line: string): Promise<string> {
    return must(['chroot', this.root, ...ENVIRONMENT, 'SYSTEMD_OFFLINE=1', 'sh', '-c', line]);
  }

  /** Up, with all that is enabled started, when this returns. `failing`: units that are to fail. */
  async boot(failing: readonly string[] = []): Promise<void> {
    this.container = new LabProcess({
      name: 'systemd-nspawn',
      argv: [
        ...['systemd-nspawn', '--quiet', '-D', this.root, `--machine=rc-${process.pid}`],
        ...[`--network-namespace-path=/run/netns/${this.netns.name}`, '--capability=CAP_NET_ADMIN'],
        ...['--register=no', '--keep-unit', '--console=pipe', '--boot'],
      ],
    });
    const { container } = this;
    const state = await until(
      'Debian to be up',
      async () => {
        if (!container.isRunning) throw new Error(`systemd-nspawn ended:\n${container.output}`);
        const leader = (await run(['pgrep', '-P', `${container.pid}`, '-x', 'systemd'])).stdout.trim();
        if (leader === '') return null;
        this.leader = leader;
        const { stdout } = await this.run('systemctl is-system-running');
        return ['running', 'degraded'].includes(stdout.trim()) ? stdout.trim() : null;
      },
      60_000,
    );
    if (state !== 'degraded') return;
    const failed = await this.must('systemctl --failed --plain --no-legend');
    const others = failed
      .trim()
      .split('\n')
      .filter((line) => !failing.includes(line.split(' ')[0] ?? ''));
    if (others.length > 0) throw new Error(failed);
  }

  async powerOff(): Promise<void> {
    await this.run('systemctl poweroff');
    await this.container?.exited;
    this.container = undefined;
  }

  /** A line for its shell, as root. */
  run(line: string, timeoutMs = 60_000): Promise<Finished> {
    const inside = ['nsenter', '-t', this.leader, '-m', '-u', '-i', '-n', '-p', '-C', '--'];
    return run([...inside, ...ENVIRONMENT, 'sh', '-c', line], { timeoutMs });
  }

  /** The same; a non-zero exit throws. */
  async must(line: string, timeoutMs?: number): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, timeoutMs);
    if (code !== 0) throw new Error(`${line}: exit ${code}: ${stderr}${stdout}`);
    return stdout.replaceAll('\r', '');
  }

  /** A file of the machine, on this one. */
  file(name: string): string {
    return path.join(this.root, name);
  }

  async close(): Promise<void> {
    // What is in it goes with the first of its processes.
    if (this.leader !== '') await run(['kill', '-KILL', this.leader]);
    await this.container?.stop();
    this.forget();
    rmSync(this.root, { recursive: true, force: true });
  }
}

async function baseRoot(): Promise<string> {
  const key = createHash('sha256').update(PACKAGES).digest('hex').slice(0, 16);
  const file = path.join(CACHE, `debian-${key}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(CACHE, { recursive: true });
  const part = `${file}.part-${process.pid}.tar`;
  const options = ['--quiet', '--variant=minbase', `--include=${PACKAGES}`];
  await must(['mmdebstrap', ...options, '--aptopt=APT::Install-Recommends "false"', 'trixie', part], {
    timeoutMs: 600_000,
  });
  renameSync(part, file);
  return file;
}
