import type { LoadedConfiguration } from '../config/load.ts';
import { composedPatch, patchedPaths } from '../config/plugin-overlay.ts';
import type { SchemaNode } from '../config/schema-node.ts';
import { hidden, replaceSecrets } from '../config/secret-settings.ts';
import { showPath } from '../config/setting-path.ts';
import { SluiceError } from '../domain/errors.ts';
import type { SettingsOverlay } from '../storage/ports/settings.ts';
import { openOverlay, type Sealing, sealedPatch, sealKey } from './sealed-overlay.ts';
import { fingerprintsBeneath } from './setting-drift.ts';

/** Merge patch (RFC 7396) of a plugin's entry, secrets in clear. */
export type EntryPatch = Readonly<Record<string, unknown>>;

/** What a patch is laid over, and what seals and fingerprints it. */
export interface PatchBase {
  readonly overlay: SettingsOverlay;
  readonly loaded: LoadedConfiguration;
  /** The plugin's entry: see `entrySchema`. */
  readonly node: SchemaNode;
  readonly sealing: Sealing;
  readonly fingerprint: (text: string) => string;
}

/**
 * What the API set, with this laid over a plugin's entry. Throws `CONFLICT` for what the environment sets,
 * `REQUEST_INVALID` for what looks like a sealed secret.
 */
export function withPatch(base: PatchBase, id: string, patch: EntryPatch): SettingsOverlay {
  const { overlay, loaded, node, sealing, fingerprint } = base;
  refuseSeals(patch, id);
  // A secret that comes back as it was shown stays as it is.
  const wanted = replaceSecrets(patch, node, (secret) => (secret === hidden ? undefined : secret)) as EntryPatch;
  const paths = patchedPaths(wanted);
  refuseFixed(id, paths, loaded);
  const old = openOverlay(overlay, sealing).plugins[id] ?? {};
  const entry = {
    patch: sealedPatch(id, composedPatch(old, wanted), node, sealing),
    beneath: { ...overlay.plugins[id]?.beneath, ...fingerprintsBeneath(id, paths, loaded, fingerprint) },
  };
  return { ...overlay, plugins: { ...overlay.plugins, [id]: entry } };
}

/** What the API set, without that of one plugin. Throws `NOT_FOUND` where it set nothing of it. */
export function withoutPatch(overlay: SettingsOverlay, id: string): SettingsOverlay {
  if (!Object.hasOwn(overlay.plugins, id)) {
    throw new SluiceError('NOT_FOUND', `nothing was set through the API of a plugin ${id}`);
  }
  const { [id]: _, ...plugins } = overlay.plugins;
  return { ...overlay, plugins };
}

function refuseFixed(id: string, paths: readonly (readonly string[])[], loaded: LoadedConfiguration): void {
  const problems = paths.flatMap((path) => {
    const variable = loaded.variableAround(['plugins', id, ...path]);
    return variable === undefined ? [] : [{ path: showPath(['body', ...path]), message: `is set by ${variable}` }];
  });
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new SluiceError('CONFLICT', `${text}: the environment outweighs the API`, { problems });
}

function refuseSeals(patch: EntryPatch, id: string): void {
  const path = patchedPaths(patch).find((keys) => keys.includes(sealKey));
  if (path === undefined && !JSON.stringify(patch).includes(`"${sealKey}"`)) return;
  const message = `${sealKey} is no setting`;
  throw new SluiceError('REQUEST_INVALID', message, { problems: [{ path: showPath(['plugins', id]), message }] });
}
