// Who else can read a configuration's secrets: its own file, where it has some in it, and the files that it names.

import { statSync } from 'node:fs';
import type { Fault } from '../config/fault.ts';
import { HIDDEN, secretFiles, withoutSecrets } from '../config/secrets.ts';

const OTHERS_READ = 0o004;

/** `text` is what is in the file at `path`, and parsed without fault. */
export function readableSecrets(path: string, text: string): readonly Fault[] {
  const hasSecrets = withoutSecrets(text)?.includes(HIDDEN) === true;
  const files = [...(hasSecrets ? [path] : []), ...secretFiles(text)];
  return files.filter(isReadable).map((file) => ({
    path: '',
    message: `everybody on this switch may read ${file}, which has secrets in it: chmod o-r`,
  }));
}

function isReadable(path: string): boolean {
  try {
    return (statSync(path).mode & OTHERS_READ) !== 0;
  } catch {
    return false;
  }
}
