import type { LoadedConfiguration } from '../config/load.ts';
import { pathId, showPath } from '../config/setting-path.ts';
import type { SettingsOverlay } from '../storage/ports/settings.ts';

/*
 * Drift: the file says something else about a setting than it did when the API set it. What the file said is kept as
 * fingerprints, since it may be a secret.
 */

type Fingerprint = (text: string) => string;

const fingerprintAt = (id: string, path: readonly string[], loaded: LoadedConfiguration, fingerprint: Fingerprint) =>
  fingerprint(JSON.stringify(loaded.written(['plugins', id, ...path])) ?? '');

/** What the file says at these paths of a plugin's entry: fingerprints by path. */
export const fingerprintsBeneath = (
  id: string,
  paths: readonly (readonly string[])[],
  loaded: LoadedConfiguration,
  fingerprint: Fingerprint,
): Record<string, string> =>
  Object.fromEntries(paths.map((path) => [pathId(path), fingerprintAt(id, path, loaded, fingerprint)]));

/** Paths of a plugin's entry whose value in the file changed since the API set them. */
export const driftedSettings = (
  id: string,
  overlay: SettingsOverlay,
  loaded: LoadedConfiguration,
  fingerprint: Fingerprint,
): string[] =>
  Object.entries(overlay.plugins[id]?.beneath ?? {})
    .map(([key, before]) => ({ path: key.split('\0'), before }))
    .filter(({ path, before }) => fingerprintAt(id, path, loaded, fingerprint) !== before)
    .map(({ path }) => showPath(path));
