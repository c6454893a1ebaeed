// Which packages are in a bundle: those that its source maps name, and those that stand beside it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The folder of the package that a file of it stands in, from `node_modules/` on: `node_modules/a/node_modules/@b/c`. */
function packageOf(file) {
  return /^.*?(node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
}

/**
 * By where each stands below the repository: `node_modules/koffi`, in order, once each. `dist` is what `make build` made: its
 * *.js.map say what was bundled; `bundle` is what is shipped, with packages in its node_modules.
 */
export function shippedPackages(dist, bundle = dist) {
  const maps = readdirSync(dist).filter((name) => name.endsWith('.js.map'));
  if (maps.length === 0) throw new Error(`${dist} has no *.js.map: make build leaves them`);
  const bundled = maps
    .flatMap((name) => JSON.parse(readFileSync(path.join(dist, name), 'utf8')).sources)
    .flatMap((file) => packageOf(file) ?? []);
  const beside = readdirSync(path.join(bundle, 'node_modules'), { recursive: true })
    .flatMap((file) => packageOf(`node_modules/${file}/`) ?? [])
    .filter((place) => existsSync(path.join(bundle, place, 'package.json')));
  return [...new Set([...bundled, ...beside])].sort();
}

/** What its package.json says, and its folder: in the repository, or else (another target's) in the bundle. */
export function readPackage(place, bundle) {
  const folder = [root, bundle]
    .map((base) => path.join(base, place))
    .find((it) => existsSync(path.join(it, 'package.json')));
  if (folder === undefined) throw new Error(`${place} is in the bundle, and not in node_modules`);
  return { folder, ...JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) };
}
