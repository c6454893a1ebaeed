// One line of the table in docs/benchmarks.md.

export interface Row {
  readonly what: string;
  readonly ours: string;
  /** The peer and its figure of the same run; empty where there is none. */
  readonly against: string;
  readonly ratio?: number;
  /** Empty: shown for comparison only. */
  readonly goal: string;
  readonly reached?: boolean;
}
