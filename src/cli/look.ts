// The whole of a switch as the reading verbs tell it, for views that are made of more than one answer.

import { err, ok, type Result } from '../base/result.ts';
import type { ResultOf } from '../report/answers.ts';
import type { Verb } from '../report/command-schemas.ts';
import type { PortPayload, ServerPayload, SessionPayload } from '../report/payloads.ts';
import type { AgentClient } from './client.ts';
import { EXIT } from './session.ts';

export interface Look {
  readonly info: ResultOf<'info'>;
  readonly servers: readonly ServerPayload[];
  readonly ports: readonly PortPayload[];
  readonly sessions: readonly SessionPayload[];
  readonly reauthentications_waiting: number;
}

/** Why there is none: nobody is there, or the agent refuses. */
export interface NoLook {
  readonly code: typeof EXIT.noAgent | typeof EXIT.refused;
  /** A sentence. */
  readonly message: string;
}

/** Four questions, one after the other. `counters`: sessions with their traffic, for which the agent reads its ports. */
export async function look(
  client: AgentClient,
  { counters = false }: { readonly counters?: boolean } = {},
): Promise<Result<Look, NoLook>> {
  const info = await resultOf(client, 'info');
  if (!info.ok) return info;
  const servers = await resultOf(client, 'servers');
  if (!servers.ok) return servers;
  const ports = await resultOf(client, 'ports');
  if (!ports.ok) return ports;
  const sessions = await resultOf(client, 'sessions', counters ? { counters } : {});
  if (!sessions.ok) return sessions;
  return ok({ info: info.value, ...servers.value, ...ports.value, ...sessions.value });
}

async function resultOf<V extends Verb>(
  client: AgentClient,
  verb: V,
  request: object = {},
): Promise<Result<ResultOf<V>, NoLook>> {
  const answer = await client.request(verb, request);
  if (!answer.ok) return err({ code: EXIT.noAgent, message: answer.error });
  const { value } = answer;
  return value.ok ? ok(value.result) : err({ code: EXIT.refused, message: value.error.message });
}
