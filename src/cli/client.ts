// The agent as a command sees it, near or far: ask a verb, or listen to events.

import type { Result } from '../base/result.ts';
import type { Answer } from '../report/answers.ts';
import type { Verb } from '../report/command-schemas.ts';
import type { EventPayload } from '../report/event-payloads.ts';

/** Why there is nobody to talk to: a sentence. Exit code 3. */
export type NoAgent = string;

export interface AgentClient {
  request<V extends Verb>(verb: V, request: object): Promise<Result<Answer<V>, NoAgent>>;
  /** Runs until the connection ends or `stop` is called, and says why it ended. */
  listen(onEvent: (event: EventPayload) => void, signal: AbortSignal): Promise<Result<void, NoAgent>>;
  close(): Promise<void>;
}
