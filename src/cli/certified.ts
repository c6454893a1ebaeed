// `rollcall certified list|clear`: the devices whose user has passed, and taking them off the list.

import type { Command } from 'commander';
import type { ResultOf } from '../report/answers.ts';
import { type Connection, EXIT, type Pages, type Question } from './session.ts';
import { ago, clean, duration, plural, table } from './text.ts';
import type { ViewContext } from './views.ts';

/** What the program has for every verb. */
export interface Tools {
  readonly verb: (name: string, description: string, parent: Command) => Command;
  /** Shows the answer; returns the exit code that the program ends with. */
  readonly ask: (question: Omit<Question<'certified'>, 'verb' | 'terminal'>) => Promise<number>;
  readonly exit: (code: number) => void;
}

interface Options {
  readonly port?: string;
  readonly role?: string;
  readonly user?: string;
  readonly all?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

export function addCertified(program: Command, { verb, ask, exit }: Tools): void {
  const group = program
    .command('certified')
    .description('the list of certified devices: those whose user has passed')
    .allowExcessArguments()
    .action(() => group.error('error: one of list, clear is needed'));
  const deviceVerb = (name: string, description: string): Command =>
    verb(name, description, group)
      .argument('[mac]')
      .option('--port <port>', 'those that were on a port')
      .option('--role <role>', 'those whose user had a role')
      .option('--user <name>', 'those of a user');
  deviceVerb('list', 'the devices, all or a part').action(
    async (mac: string | undefined, flags: Connection & Options) => {
      const { which, connection } = devices(mac, flags);
      await ask({ connection, request: { list: true, ...which }, view: listView, pages: PAGES });
    },
  );
  deviceVerb('clear', 'take devices off the list, and log their users off')
    .option('--all', 'every device; needs --yes')
    .option('-n, --dry-run', 'only say how many there would be')
    .option('-y, --yes', 'with --all: really')
    .action(async (mac: string | undefined, flags: Connection & Options, command: Command) => {
      const { which, connection } = devices(mac, flags);
      const given = Object.values(which).filter((value) => value !== undefined).length;
      if (given === 0 || (flags.all === true && given > 1))
        command.error('error: [mac], --port, --role and --user, or --all, is needed');
      const isUnsure = flags.all === true && flags.yes !== true && flags.dryRun !== true;
      const dry = isUnsure || flags.dryRun === true ? { dry_run: true } : {};
      const view = (result: ResultOf<'certified'>) => clearedView(result, isUnsure);
      const code = await ask({ connection, request: { clear: true, ...which, ...dry }, view });
      if (isUnsure && code === EXIT.done) exit(EXIT.refused);
    });
}

/** Which devices are meant, and whom to ask about them. */
function devices(
  mac: string | undefined,
  { port, role, user, all, dryRun: _, yes: __, ...connection }: Connection & Options,
) {
  return { which: { mac, port, role, user, all }, connection };
}

/** Of a list that comes in parts. */
const PAGES: Pages<'certified'> = {
  next: ({ next }) => (next === undefined || next === null ? undefined : { after: next }),
  join: (before, part) => ({ ...part, devices: [...(before.devices ?? []), ...(part.devices ?? [])] }),
};

function listView({ devices = [] }: ResultOf<'certified'>, { paint, now }: ViewContext): string {
  if (devices.length === 0) return 'no certified devices';
  const oldestFirst = [...devices].sort((a, b) => (a.first_passed < b.first_passed ? -1 : 1));
  const rows = oldestFirst.map((device) => [
    device.mac,
    paint.bold(clean(device.user_name, 32)),
    device.port,
    device.vlan === 0 ? '' : String(device.vlan),
    clean(device.role, 20),
    device.method,
    duration((now - Date.parse(device.first_passed)) / 1000),
    ago(device.last_passed, now),
    device.online ? paint.green('online') : '-',
  ]);
  const head = ['MAC', 'user', 'port', 'VLAN', 'role', 'method', 'on the list', 'last passed', 'session'];
  return `${table(head, rows, paint)}\n\n${plural(devices.length, 'device')}`;
}

/** `unconfirmed`: it was only asked how many there would be, since nobody said yes. */
function clearedView(result: ResultOf<'certified'>, unconfirmed: boolean): string {
  const { cleared = 0, logged_off: loggedOff = 0, dry_run: dry } = result;
  if (dry !== true)
    return `${plural(cleared, 'device is', 'devices are')} off the list, ${plural(loggedOff, 'user is', 'users are')} being logged off`;
  const would = `${plural(cleared, 'device')} would be off the list, ${plural(loggedOff, 'user')} would be logged off`;
  return unconfirmed ? `${would}; say --yes to do it` : would;
}
