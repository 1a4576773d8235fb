import type { SettingsStore } from '../storage/ports/settings.ts';
import { withoutPatch } from './overlay-edits.ts';

/**
 * Drops what the API set of a plugin while no Sluice runs, without a look at the configuration: it may be the patch
 * that keeps it from starting. Throws `NOT_FOUND`; answers the number of the new version.
 */
export async function resetOffline(settings: SettingsStore, id: string, now: number): Promise<number> {
  const current = await settings.current();
  const overlay = withoutPatch(current?.overlay ?? { plugins: {}, order: null }, id);
  const number = (await settings.latest()) + 1;
  // The next start finds out what this makes of file and environment.
  await settings.propose({ number, overlay, fingerprint: '', cause: 'reset', author: null, at: now });
  await settings.accept(number);
  return number;
}
