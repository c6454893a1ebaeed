// `rollcall check`: every fault of a configuration with its line, then whether this switch can do what it asks. With
// --write-lock also what is to be locked before the agent runs: for an image on which it never ran, and at a boot before the
// network, where it looks at no switch.

import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { Config } from '../config/config.ts';
import type { Fault } from '../config/fault.ts';
import { type HostAddress, hostWarnings } from '../config/host.ts';
import { LOCK_FILE, lockFile } from '../config/lock-file.ts';
import { configJsonSchema, parseConfig } from '../config/parse.ts';
import type { ReadSecret } from '../config/secrets.ts';
import { readableSecrets } from './secret-files.ts';
import type { Terminal } from './session.ts';
import { plural } from './text.ts';

/** What the kernel, the bridge or the process can or cannot do. */
export interface HostFinding {
  readonly severity: 'ok' | 'warning' | 'fault';
  /** A sentence. */
  readonly message: string;
}

/** How `run` reads them, handed in by main.ts: what passes here is not refused there. */
export interface Files {
  /** A number is a descriptor. */
  readonly readText: (path: string | number) => Result<string, string>;
  readonly readSecret: ReadSecret;
  /** For its owner alone, unless `mode` says more; the whole file or what it was before. */
  readonly replaceFile: (path: string, text: string, mode?: number) => Result<void, string>;
}

export interface CheckOptions {
  readonly config: string;
  readonly schema?: true;
  readonly host: boolean;
  /** Where to; true: where the agent writes it. */
  readonly writeLock?: string | true;
  readonly json?: true;
  readonly files: Files;
  readonly checkHost?: (config: Config) => Promise<readonly HostFinding[]>;
}

interface Verdict {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  readonly host: readonly HostFinding[];
}

/** True when nothing is wrong; warnings are not wrong. */
export async function check(options: CheckOptions, terminal: Terminal): Promise<boolean> {
  if (options.schema === true) {
    terminal.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    return true;
  }
  const verdict = await judge(options);
  const clean = verdict.faults.length === 0 && verdict.host.every(({ severity }) => severity !== 'fault');
  if (options.json === true) terminal.out(`${JSON.stringify({ ok: clean, ...verdict }, null, 2)}\n`);
  else show(options.config, verdict, terminal);
  if (options.writeLock === undefined) return clean;
  const written = writeLock(options.writeLock, options);
  if (!written.ok) terminal.err(`${terminal.paint.red('rollcall:')} ${written.error}\n`);
  return clean && written.ok;
}

/** It holds no secret, and rollcall-lock may be another user than we are. */
const LOCK_FILE_MODE = 0o644;

/** A secret that is not there yet leaves no port open: it says nothing of ports. */
function writeLock(to: string | true, { config: path, files }: CheckOptions): Result<void, string> {
  const text = files.readText(path);
  const parsed = text.ok ? parseConfig(text.value, () => ok('not read')) : undefined;
  if (!text.ok || parsed?.ok !== true) return err('the lock file is left as it is');
  const { config } = parsed.value;
  const file = to === true ? join(config.stateDir, LOCK_FILE) : to;
  const written = files.replaceFile(file, lockFile(config, text.value), LOCK_FILE_MODE);
  return written.ok ? written : err(`cannot write ${file}: ${written.error}`);
}

async function judge({
  config: path,
  host,
  writeLock: lock,
  files,
  checkHost,
}: CheckOptions): Promise<Verdict> {
  const text = files.readText(path);
  if (!text.ok) return { faults: [{ path: '', message: text.error }], warnings: [], host: [] };
  const parsed = parseConfig(text.value, files.readSecret);
  if (!parsed.ok) return { faults: parsed.error, warnings: [], host: [] };
  const { config, warnings } = parsed.value;
  if (!host || lock !== undefined) return { faults: [], warnings, host: [] };
  const findings = checkHost === undefined ? [] : await checkHost(config);
  const seen = [...hostWarnings(config, hostAddresses()), ...readableSecrets(path, text.value)];
  return { faults: [], warnings: [...warnings, ...seen], host: findings };
}

function hostAddresses(): readonly HostAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).map(({ address, cidr }) => ({
      interface: name,
      address,
      prefixLength: Number(cidr?.split('/')[1] ?? Number.NaN),
    })),
  );
}

/** Faults as compilers print them, so that editors can jump: `file:line: key: message`. */
function show(
  file: string,
  { faults, warnings, host }: Verdict,
  { out, err: complain, paint }: Terminal,
): void {
  const place = (fault: Fault) =>
    [
      `${file}${fault.line === undefined ? '' : `:${fault.line}`}`,
      ...(fault.path === '' ? [] : [fault.path]),
    ].join(': ');
  for (const fault of faults)
    complain(`${paint.bold(place(fault))}: ${paint.red('fault')}: ${fault.message}\n`);
  for (const warning of warnings)
    complain(`${paint.bold(place(warning))}: ${paint.yellow('warning')}: ${warning.message}\n`);
  const marks = { ok: paint.green('ok     '), warning: paint.yellow('warning'), fault: paint.red('fault  ') };
  for (const finding of host) out(`${marks[finding.severity]}  ${finding.message}\n`);
  const wrong = faults.length + host.filter(({ severity }) => severity === 'fault').length;
  const warned = warnings.length + host.filter(({ severity }) => severity === 'warning').length;
  const tail = warned === 0 ? '' : `, ${plural(warned, 'warning')}`;
  out(
    wrong === 0 ? `${paint.green('ok')}: ${file}${tail}\n` : `${paint.red(plural(wrong, 'fault'))}${tail}\n`,
  );
}
