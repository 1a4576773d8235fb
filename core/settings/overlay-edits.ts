import { patchAt } from '../config/layers.ts';
import type { LoadedConfiguration } from '../config/load.ts';
import { composedPatch, patchedPaths, withoutPath } from '../config/plugin-overlay.ts';
import { childNode, isKeyedList, type SchemaNode } from '../config/schema-node.ts';
import { hidden, replaceSecrets } from '../config/secret-settings.ts';
import { isRecord, pathId, type SettingPath, showPath, valueAt } from '../config/setting-path.ts';
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
  const shown = replaceSecrets(patch, node, (secret) => (secret === hidden ? undefined : secret));
  const wanted = naming(shown, loaded.written(['plugins', id]), node) as EntryPatch;
  // An empty object changes nothing of what is there.
  const paths = patchedPaths(wanted).filter((path) => !isRecord(valueAt(wanted, path)));
  refuseFixed(id, paths, loaded);
  const old = openOverlay(overlay, sealing).plugins[id] ?? {};
  const beneath = paths.reduce(forgotten, overlay.plugins[id]?.beneath ?? {});
  const entry = {
    patch: sealedPatch(id, composedPatch(old, wanted), node, sealing),
    beneath: { ...beneath, ...fingerprintsBeneath(id, paths, loaded, fingerprint) },
  };
  return { ...overlay, plugins: { ...overlay.plugins, [id]: entry } };
}

/** The patch with their names in the entries of lists that the file does not have: see `withOverlay`. */
function naming(patch: unknown, written: unknown, node: SchemaNode | undefined): unknown {
  if (!isRecord(patch)) return patch;
  const isList = Array.isArray(written) || (written === undefined && node !== undefined && isKeyedList(node));
  const entries = Object.entries(patch).map(([key, inner]) => {
    const there = valueAt(written, [key]);
    const named = naming(inner, there, node && childNode(node, key));
    return [key, isList && there === undefined && isRecord(named) ? { name: key, ...named } : named];
  });
  return Object.fromEntries(entries);
}

/**
 * Takes away what stands at a path of a plugin's entry: what the API alone put there is forgotten, what the file says
 * is removed by a null in the patch. Throws `CONFLICT` for what the environment sets.
 */
export function withoutPart(base: PatchBase, id: string, path: SettingPath): SettingsOverlay {
  const { overlay, loaded } = base;
  if (loaded.written(['plugins', id, ...path]) !== undefined) return withPatch(base, id, patchAt(path, null));
  refuseFixed(id, [path], loaded);
  const before = overlay.plugins[id];
  if (before === undefined) return overlay;
  const patch = withoutPath(before.patch, path);
  if (Object.keys(patch).length === 0) return withoutPatch(overlay, id);
  const entry = { patch, beneath: forgotten(before.beneath, path) };
  return { ...overlay, plugins: { ...overlay.plugins, [id]: entry } };
}

/** The fingerprints without those of a path and of what lies in it. */
function forgotten(beneath: Readonly<Record<string, string>>, path: SettingPath): Record<string, string> {
  const place = pathId(path);
  return Object.fromEntries(Object.entries(beneath).filter(([id]) => id !== place && !id.startsWith(`${place}\0`)));
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
