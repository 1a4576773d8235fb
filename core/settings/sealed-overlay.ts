import type { PluginOverlay as OpenOverlay } from '../config/plugin-overlay.ts';
import type { SchemaNode } from '../config/schema-node.ts';
import { replaceSecrets } from '../config/secret-settings.ts';
import { isRecord } from '../config/setting-path.ts';
import { SluiceError } from '../domain/errors.ts';
import type { SettingsOverlay } from '../storage/ports/settings.ts';

/** Key of the object that stands for a sealed value; settings must not use it. */
export const sealKey = '$sealed';

/** What seals text under the server's secrets key; see `Seals`. */
export interface Sealing {
  seal(secret: string, text: string): string;
  /** Throws where the text was not sealed with this secret and key. */
  open(secret: string, sealed: string): string;
}

/** A patch of one plugin for another is no use: each is sealed for its id. */
const purpose = (pluginId: string): string => `plugin settings of ${pluginId}`;

/** The patch with every secret sealed. */
export const sealedPatch = (
  pluginId: string,
  patch: Readonly<Record<string, unknown>>,
  node: SchemaNode,
  sealing: Sealing,
): Readonly<Record<string, unknown>> =>
  replaceSecrets(patch, node, (secret) => ({
    [sealKey]: sealing.seal(purpose(pluginId), JSON.stringify(secret)),
  })) as Readonly<Record<string, unknown>>;

function opened(value: unknown, open: (sealed: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => opened(inner, open));
  if (!isRecord(value)) return value;
  const sealed = value[sealKey];
  if (typeof sealed === 'string') return open(sealed);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner, open)]));
}

/** Throws `CONFIG_INVALID` where the secrets key is not the one that sealed it. */
export function openOverlay(overlay: SettingsOverlay, sealing: Sealing): OpenOverlay {
  const plugins = Object.entries(overlay.plugins).map(([id, { patch }]) => {
    const open = (sealed: string): unknown => {
      try {
        return JSON.parse(sealing.open(purpose(id), sealed));
      } catch (cause) {
        const message = `a secret that was set through the API cannot be read: it was stored under another secrets key. Restore SLUICE_SECRETS_KEY, or drop the patch: sluice plugins reset ${id}`;
        throw new SluiceError('CONFIG_INVALID', message, { cause, problems: [{ path: `plugins.${id}`, message }] });
      }
    };
    return [id, opened(patch, open) as Readonly<Record<string, unknown>>] as const;
  });
  return { plugins: Object.fromEntries(plugins), order: overlay.order };
}
