import { hostname } from 'node:os';
import { uuidv7 } from 'uuidv7';
import type { Config, PluginEntry } from '../../core/config/schema.ts';
import type { Clock } from '../../core/domain/clock.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { PipelineSet } from '../../core/pipeline/registry.ts';
import { FleetMember } from '../../core/settings/fleet-member.ts';
import type { FleetView } from '../../core/settings/fleet-view.ts';
import { decidePending } from '../../core/settings/pending-candidate.ts';
import type { PluginAdministration } from '../../core/settings/plugin-administration.ts';
import type { Bus } from '../../core/storage/ports/bus.ts';
import type { HookOrder, ProcessList, ProcessRole, UpstreamReport } from '../../core/storage/ports/processes.ts';
import type { Rehearsals } from '../../core/storage/ports/rehearsals.ts';
import type { SettingsStore } from '../../core/storage/ports/settings.ts';
import type { Closing } from '../closing.ts';
import { version } from '../package-version.ts';
import { pluginRuntime } from '../plugin-sets.ts';

export interface MembershipParts {
  readonly roles: readonly ProcessRole[];
  readonly config: Config;
  readonly administration: PluginAdministration;
  /** Pipelines of the roles that this process has. */
  readonly sets: readonly PipelineSet[];
  readonly hooks: () => readonly HookOrder[];
  readonly upstreams: () => readonly UpstreamReport[];
  readonly view: FleetView;
  readonly processes: ProcessList;
  readonly rehearsals: Rehearsals;
  readonly settings: SettingsStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Makes this process one of the cluster's: its plugins run, the others see it, and it follows what they agree on. */
export async function joinFleet(parts: MembershipParts, closing: Closing): Promise<FleetMember> {
  const { roles, config, administration, sets, hooks, upstreams, view, clock } = parts;
  const inForce = (): { plugins: readonly PluginEntry[]; version: number } => administration;
  await administration.started(pluginRuntime(sets, inForce));
  const member = await FleetMember.join({
    ...parts,
    ...config.cluster,
    who: { id: uuidv7(), roles, host: hostname(), pid: process.pid, release: version, startedAt: clock.now() },
    running: () => ({ hooks: hooks(), upstreams: upstreams() }),
    versions: administration.versions,
    // Who answers the API watches the others all the time, so that it knows at once who of them lives.
    alongside: roles.includes('api')
      ? async () => void (await Promise.all([view.living(), decidePending(parts)]))
      : undefined,
  });
  closing.add('membership', () => member.close());
  return member;
}
