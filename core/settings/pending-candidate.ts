import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../observability/log.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { SettingsStore } from '../storage/ports/settings.ts';
import type { FleetView } from './fleet-view.ts';
import { undecidedMilliseconds } from './settings-versions.ts';

/**
 * Decides a candidate that its own process left undecided, because no process ran of a kind that has to judge it: once
 * one runs, and all have built it, it is current. For a process that shows the fleet to people, in each round.
 */
export async function decidePending(options: {
  readonly settings: SettingsStore;
  readonly view: FleetView;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<void> {
  const { settings, view, bus, clock, log } = options;
  const version = await settings.latest();
  const pending = await settings.version(version);
  if (pending?.state !== 'candidate' || clock.now() - pending.at < undecidedMilliseconds) return;
  const { failed, waiting, missing } = await view.candidate(version);
  if (failed !== null) {
    await settings.reject(version, failed.reason);
    log.error({ version, reason: failed.reason }, 'settings that waited for a process cannot be built by it');
  } else if (waiting.length === 0 && missing.length === 0 && (await settings.accept(version))) {
    bus.publish({ kind: 'settings', version });
    log.info({ version }, 'settings that waited for a process are in force');
  }
}
