// The switch that board/qemu makes, as a machine: QEMU without KVM, with its ports on taps that can be put into any
// namespace, and with hands inside it (QEMU's guest agent, over a virtio serial line of its own: it needs no network).
//
//   client's namespace (eth0, a tap) ---- lan1..lanN  [ the machine: br0 ]  up0 ---- (eth0) the far side of the uplink
//                                                      mgmt0 ---- (eth0) where the broker and the servers are
//
// One machine has one disk from its making to its closing: what it wrote is there again after a power cut, and what it had
// only in its memory is not. What it has written and not flushed is kept by this machine here, as by a disk whose cache
// has a battery. Always under a lock of one's own: a machine takes all that two cores have.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { LabFolder } from '../lab/folder.ts';
import { keepQuiet, Netns } from '../lab/netns.ts';
import { type Finished, LabProcess, must, until } from '../lab/process.ts';
import { JsonChannel } from './json-channel.ts';

/** Interface n of the machine (board/qemu/image.sh gives them their names). */
const MAC_BASE = '02:52:00:00:00:';
const MANAGEMENT = 0xfd;
const UPLINK = 0xfe;
const FIRST_FD = 100;
const SOCKETS = ['console', 'monitor', 'hands'] as const;
const BOOT_WITHIN_MS = 240_000;

export interface MachineOptions {
  /** The folder that board/qemu/image.sh has printed. */
  readonly image: string;
  /** lan1 to lan<ports>; 16 at most. Default 8. */
  readonly ports?: number;
  /** More of the kernel's command line. */
  readonly append?: string;
  /** What the clock says at power-on: `utc` (default), or `1970-01-01T00:00:00`. */
  readonly rtc?: string;
  readonly memoryMb?: number;
}

/** One cable: the tap that is its outer end, and where that is. */
interface Cable {
  readonly name: string;
  readonly mac: string;
  netns: Netns;
  device: string;
}

export class Machine {
  readonly #options: MachineOptions;
  readonly #folder: LabFolder;
  /** Where cables hang that nobody has plugged in anywhere. */
  readonly #closet: Netns;
  readonly #cables: readonly Cable[];
  #process: LabProcess | null = null;
  #monitor: JsonChannel | null = null;
  #hands: JsonChannel | null = null;

  private constructor(options: MachineOptions, folder: LabFolder, closet: Netns, cables: readonly Cable[]) {
    this.#options = options;
    this.#folder = folder;
    this.#closet = closet;
    this.#cables = cables;
  }

  /** With its disk and its cables, and off. */
  static async build(options: MachineOptions): Promise<Machine> {
    const folder = new LabFolder('qemu');
    const closet = Netns.create();
    const backing = path.join(options.image, 'disk');
    await must(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', backing, folder.file('disk')]);
    const names = Array.from({ length: options.ports ?? 8 }, (_, i) => [`lan${i + 1}`, i + 1] as const);
    const cables = [...names, ['mgmt0', MANAGEMENT] as const, ['up0', UPLINK] as const].map(
      ([name, n]): Cable => ({
        name,
        mac: `${MAC_BASE}${n.toString(16).padStart(2, '0')}`,
        netns: closet,
        device: name,
      }),
    );
    await keepQuiet(closet);
    for (const { name } of cables) await closet.ip(`tuntap add ${name} mode tap`);
    return new Machine(options, folder, closet, cables);
  }

  /** Built, switched on, and up. */
  static async boot(options: MachineOptions): Promise<Machine> {
    const machine = await Machine.build(options);
    try {
      await machine.powerOn();
      await machine.up();
      return machine;
    } catch (error) {
      const said = machine.console.slice(-40).join('\n');
      await machine.close();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said}`, { cause: error });
    }
  }

  get isOn(): boolean {
    return this.#process?.isRunning ?? false;
  }

  /** What it has said on its serial line since it was last switched on. */
  get console(): readonly string[] {
    const log = this.#folder.file('console.log');
    return existsSync(log) ? readFileSync(log, 'utf8').split(/\r?\n/) : [];
  }

  /** The serial line itself, for one who types. */
  get consoleSocket(): string {
    return this.#folder.file('console');
  }

  /** QEMU runs when this returns; the kernel has hardly begun. */
  async powerOn(): Promise<void> {
    for (const name of SOCKETS) rmSync(this.#folder.file(name), { force: true });
    const taps = this.#cables.map(({ netns, device }) => `${netns.name}:${device}`);
    this.#process = new LabProcess({
      name: 'the machine',
      argv: ['python3', '-c', LAUNCHER, `${FIRST_FD}`, ...taps, '--', ...this.#argv()],
    });
    const started = this.#process;
    await until('QEMU to start', () => {
      if (!started.isRunning) throw new Error(`QEMU ended:\n${started.output}`);
      return SOCKETS.every((name) => existsSync(this.#folder.file(name)));
    });
    this.#monitor = new JsonChannel(this.#folder.file('monitor'));
    await this.#monitor.execute('qmp_capabilities');
    this.#hands = new JsonChannel(this.#folder.file('hands'));
  }

  /** The guest agent answers: commands can be run, long before the machine is up. */
  async reached(withinMs = BOOT_WITHIN_MS): Promise<void> {
    await this.#within().execute('guest-sync', { id: process.pid }, withinMs);
  }

  /** All has been started that is started at a boot: the bridge is there, and the agent has been told to go. */
  async up(withinMs = BOOT_WITHIN_MS): Promise<void> {
    await this.reached(withinMs);
    const isUp = async (): Promise<boolean> =>
      (await this.run('systemctl is-active multi-user.target')).code === 0;
    await until('the machine to be up', isUp, withinMs);
  }

  /** Runs a command inside, a line for its shell or a program with its arguments. A non-zero exit is an answer. */
  async run(
    command: string | readonly string[],
    options: { readonly timeoutMs?: number; readonly input?: string } = {},
  ): Promise<Finished> {
    const { timeoutMs = 30_000, input } = options;
    const [program = '', ...rest] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
    const { pid } = (await this.#within().execute('guest-exec', {
      path: program,
      arg: rest,
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C.UTF-8'],
      'capture-output': true,
      ...(input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') }),
    })) as { readonly pid: number };
    const what = `${typeof command === 'string' ? command : command.join(' ')} to end`;
    return until(what, () => this.#outcome(pid), timeoutMs);
  }

  /** As `run`, but a non-zero exit throws with what the command said. Returns its standard output. */
  async must(
    command: string | readonly string[],
    options: { readonly timeoutMs?: number; readonly input?: string } = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options);
    const said = typeof command === 'string' ? command : command.join(' ');
    if (code !== 0) throw new Error(`${said}: exit ${code}: ${stderr.trim() || stdout.trim()}`);
    return stdout;
  }

  /** Puts the outer end of a port's cable into a namespace, as its `eth0`; without one, back into the closet. */
  async plugInto(port: string, netns?: Netns, mac?: string): Promise<void> {
    const cable = this.#cable(port);
    const [target, device] = netns === undefined ? [this.#closet, cable.name] : [netns, 'eth0'];
    await cable.netns.ip(`link set ${cable.device} down`);
    await cable.netns.ip(`link set ${cable.device} netns ${target.name} name ${device}`);
    cable.netns = target;
    cable.device = device;
    if (mac !== undefined) await target.ip(`link set ${device} address ${mac}`);
  }

  /** The port's carrier, as the machine sees it, and as the outer end does. */
  async setCarrier(port: string, carrier: 'on' | 'off'): Promise<void> {
    const { name, netns, device } = this.#cable(port);
    await this.#monitor?.execute('set_link', { name, up: carrier === 'on' });
    await netns.ip(`link set ${device} carrier ${carrier}`);
  }

  /** The plug is pulled: nothing more is done, nothing more is written. */
  async powerCut(): Promise<void> {
    this.#process?.signal('SIGKILL');
    await this.#process?.exited;
    this.#release();
  }

  /** After this the machine can be switched on again, with all that it has on its disk. */
  async powerOff(): Promise<void> {
    await this.run('systemctl --no-block poweroff').catch(() => undefined);
    await until('the machine to be off', () => !this.isOn, 60_000);
    this.#release();
  }

  async close(): Promise<void> {
    await this.powerCut();
    for (const { name, netns } of this.#cables) if (netns !== this.#closet) await this.plugInto(name);
    this.#closet.close();
    this.#folder.remove();
  }

  async #outcome(pid: number): Promise<Finished | null> {
    const status = (await this.#within().execute('guest-exec-status', { pid })) as {
      readonly exited: boolean;
      readonly exitcode?: number;
      readonly signal?: number;
      readonly 'out-data'?: string;
      readonly 'err-data'?: string;
    };
    if (!status.exited) return null;
    const text = (data: string | undefined): string => Buffer.from(data ?? '', 'base64').toString('utf8');
    const code = status.exitcode ?? 128 + (status.signal ?? 0);
    return { code, stdout: text(status['out-data']), stderr: text(status['err-data']) };
  }

  #within(): JsonChannel {
    if (this.#hands === null) throw new Error('the machine is off');
    return this.#hands;
  }

  #cable(port: string): Cable {
    const cable = this.#cables.find(({ name }) => name === port);
    if (cable === undefined) throw new Error(`the machine has no port ${port}`);
    return cable;
  }

  #release(): void {
    this.#monitor?.close();
    this.#hands?.close();
    this.#monitor = null;
    this.#hands = null;
  }

  #argv(): readonly string[] {
    const { image, append = '', rtc = 'utc', memoryMb = 768 } = this.#options;
    const network = this.#cables.flatMap(({ name, mac }, i) => [
      ...['-netdev', `tap,id=${name},fd=${FIRST_FD + i}`],
      ...['-device', `virtio-net-pci,netdev=${name},mac=${mac},romfile=`],
    ]);
    const socket = (name: string): string =>
      `socket,id=${name},path=${this.#folder.file(name)},server=on,wait=off`;
    return [
      ...['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-smp', '2'],
      // Without cmpxchg16b: QEMU 7.2 gets it wrong, and Linux 6.12 crashes in its allocator.
      ...['-cpu', 'max,-cx16', '-m', `${memoryMb}`, '-rtc', `base=${rtc}`],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'chardev:console'],
      ...['-chardev', `${socket('console')},logfile=${this.#folder.file('console.log')}`],
      ...['-chardev', socket('monitor'), '-mon', 'chardev=monitor,mode=control'],
      ...['-drive', `if=none,id=disk,format=qcow2,file=${this.#folder.file('disk')}`],
      ...['-device', 'nvme,drive=disk,serial=rollcall'],
      ...network,
      ...['-device', 'virtio-serial', '-chardev', socket('hands')],
      ...['-device', 'virtserialport,chardev=hands,name=org.qemu.guest_agent.0'],
      ...['-device', 'virtio-rng-pci'],
      ...['-kernel', path.join(image, 'kernel'), '-append', `${COMMAND_LINE} ${append}`],
    ];
  }
}

/** Without what protects a kernel from strangers, which is slow here and of no use. */
const COMMAND_LINE =
  'root=/dev/nvme0n1 rw rootfstype=ext4 console=ttyS0 panic=-1 quiet mitigations=off init_on_alloc=0 no5lvl nosmap nosmep lsm=yama';

/** Attaches to each tap where it is (namespaces(7): a tap is found in the namespace of who asks), and becomes QEMU. */
const LAUNCHER = `
import ctypes, fcntl, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET, TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x40000000, 0x400454CA, 2, 0x1000
def enter(path):
    if libc.setns(os.open(path, os.O_RDONLY), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), path)
home = '/proc/%d/ns/net' % os.getpid()
home_fd = os.open(home, os.O_RDONLY)
end = sys.argv.index('--')
for n, tap in enumerate(sys.argv[2:end]):
    netns, device = tap.split(':')
    enter('/run/netns/' + netns)
    fd = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', device.encode(), IFF_TAP | IFF_NO_PI))
    os.dup2(fd, int(sys.argv[1]) + n)
    os.close(fd)
libc.setns(home_fd, CLONE_NEWNET)
os.closerange(3, int(sys.argv[1]))
os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
`;
