// What failed, again, in a few lines at the very end: where only the tail of a run's output is kept, it has the cause.

import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

const LINES_EACH = 15;
const LONGEST_LINE = 1000;

export default class FailuresLast implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const failed = modules.flatMap((module) => [...module.children.allTests('failed')]);
    const broken = modules.filter((module) => module.errors().length > 0);
    if (failed.length + broken.length === 0) return;
    const told = [
      ...broken.map((module) => tell(module.relativeModuleId, module.errors())),
      ...failed.map((test) => tell(nameOf(test), test.result().errors ?? [])),
    ];
    process.stdout.write(`\nFailed:\n${told.join('\n')}\n`);
  }
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

function tell(
  name: string,
  errors: readonly { readonly message: string; readonly stack?: string }[],
): string {
  const lines = errors.flatMap(({ message, stack }) => [
    ...stripVTControlCharacters(message).split('\n').slice(0, LINES_EACH),
    ...(stack?.match(/\S+\.test\.ts:\d+/)?.slice(0, 1) ?? []),
  ]);
  return [name, ...lines.map((line) => `  ${line.slice(0, LONGEST_LINE)}`)].join('\n');
}
