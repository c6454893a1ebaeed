// Text in, Config or every fault out. The one entrance to this folder: yaml.ts reads, validate.ts checks each key,
// rules.ts checks them together, assemble.ts builds. Never throws; never shows a secret in a message.

import { err, ok, type Result } from '../base/result.ts';
import { assemble } from './assemble.ts';
import type { Config } from './config.ts';
import { type Fault, type KeyPath, pathText } from './fault.ts';
import type { RawConfig } from './raw.ts';
import { ruleFindings } from './rules.ts';
import { ConfigSchema } from './schema.ts';
import { type ReadSecret, Secrets } from './secrets.ts';
import { schemaFaults } from './validate.ts';
import { type LocatedYaml, readYaml } from './yaml.ts';

export interface ParsedConfig {
  readonly config: Config;
  /** Right, but probably not meant. */
  readonly warnings: readonly Fault[];
}

/** All faults at once, in the order of their lines. */
export function parseConfig(text: string, readSecret: ReadSecret): Result<ParsedConfig, readonly Fault[]> {
  const yaml = readYaml(text);
  if (!yaml.ok) return yaml;
  const wrong = schemaFaults(yaml.value);
  if (wrong.length > 0) return err(inOrder(wrong));
  const raw = yaml.value.value as RawConfig;
  const findings = ruleFindings(raw);
  const secrets = new Secrets(readSecret);
  const secretFindings = secrets.readAll(raw);
  const faults = findings.filter((finding) => finding.severity === 'fault');
  if (faults.length + secretFindings.length > 0) {
    return err(inOrder([...faults, ...secretFindings].map((finding) => located(finding, yaml.value))));
  }
  const config = assemble({
    raw,
    portOrder: yaml.value.keysOf(['ports']),
    secret: (value) => secrets.get(value),
  });
  const warnings = findings.map((finding) => located(finding, yaml.value));
  return ok({ config, warnings: inOrder(warnings) });
}

/** For editors and other programs; draft-07, as the validator reads it. */
export function configJsonSchema(): object {
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...JSON.parse(JSON.stringify(ConfigSchema)) };
}

function located({ path, message }: { path: KeyPath; message: string }, yaml: LocatedYaml): Fault {
  const line = yaml.lineOf(path);
  return { path: pathText(path), ...(line === undefined ? {} : { line }), message };
}

function inOrder(faults: readonly Fault[]): readonly Fault[] {
  return [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
