// What arguments and options of the command line name: sessions and timers.

import type { Command } from 'commander';
import { parseIp } from '../base/ip.ts';
import { parseMac } from '../base/mac.ts';

/** One word for a session, as people type it: a MAC in any spelling, an IP address, else a session id. */
export function selector(who: string): { mac: string } | { ip: string } | { session_id: string } {
  const mac = parseMac(who);
  if (mac !== undefined) return { mac };
  const ip = parseIp(who);
  return ip === undefined ? { session_id: who } : { ip };
}

export interface SelectorOptions {
  readonly user?: string;
  readonly port?: string;
  readonly role?: string;
  readonly all?: true;
}

export interface DisconnectFlags {
  readonly bounce?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** What the arguments name; an error of usage if they name nobody, or everybody and somebody. */
export function selected(
  who: string | undefined,
  { user, port, role, all }: SelectorOptions,
  command: Command,
): object {
  const keys = [who, user, port, role].filter((value) => value !== undefined).length;
  if (all === undefined ? keys === 0 : keys > 0)
    command.error('error: [who], --user, --port or --role is needed, or --all alone');
  return { ...(who === undefined ? {} : selector(who)), user, port, role, all };
}

export interface TimerFlags {
  readonly role?: string;
  readonly port?: string;
  readonly period?: number;
  readonly times?: number;
  readonly keep?: boolean;
  readonly wake?: boolean;
  readonly probe?: string;
  readonly sessionTime?: number;
  readonly heartbeat?: number | 'none';
}
