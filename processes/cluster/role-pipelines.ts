import type { Config, PluginEntry } from '../../core/config/schema.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { HookMeters } from '../../core/pipeline/hook-meter.ts';
import type { Plugin } from '../../core/pipeline/plugin.ts';
import { createPipelines, type PipelineSet } from '../../core/pipeline/registry.ts';
import { services } from '../../core/pipeline/services.ts';
import type { FleetView } from '../../core/settings/fleet-view.ts';
import type { KeyValueStore } from '../../core/storage/ports/key-value.ts';
import type { HookOrder, ProcessRole } from '../../core/storage/ports/processes.ts';
import type { Closing } from '../closing.ts';

type JudgingRole = Exclude<ProcessRole, 'api'>;

export interface RolePipelinesParts {
  readonly config: Config;
  readonly entries: readonly PluginEntry[];
  readonly version: number;
  /** What a plugin of this role may ask for. */
  readonly services: (role: JudgingRole) => ReadonlyMap<symbol, unknown>;
  readonly keyValue: (pluginId: string) => KeyValueStore;
  readonly load: (use: string) => Promise<Plugin>;
  readonly folder: string;
  readonly meters: HookMeters;
  readonly log: Logger;
}

/** The running plugins of the roles of this process: one set of pipelines a role. */
export type RolePipelines = ReadonlyMap<JudgingRole, PipelineSet>;

export async function startRolePipelines(
  roles: readonly ProcessRole[],
  parts: RolePipelinesParts,
  closing: Closing,
): Promise<RolePipelines> {
  const sets = new Map<JudgingRole, PipelineSet>();
  for (const role of ['smtp', 'worker'] as const) {
    if (!roles.includes(role)) continue;
    const set = await createPipelines({
      ...parts,
      role,
      services: parts.services(role),
      servicesByPlugin: new Map([[services.keyValue, parts.keyValue]]),
      ...(role === 'smtp' ? { listeners: parts.config.smtp.listeners.map(({ name }) => name) } : {}),
    });
    closing.add(`plugins of ${role}`, () => set.close());
    sets.set(role, set);
  }
  return sets;
}

/** Which plugins handle what in this process. */
export function hookOrder(sets: RolePipelines, config: Config): HookOrder[] {
  const listeners = config.smtp.listeners.filter(({ enabled }) => enabled).map(({ name }) => name);
  const of = (role: JudgingRole, listener: string | null) =>
    sets
      .get(role)
      ?.order(listener)
      .map((one) => ({ listener, ...one })) ?? [];
  return [...listeners.flatMap((listener) => of('smtp', listener)), ...of('worker', null)];
}

/** Each hook once, as the first process of the cluster tells it that runs it. */
export function ordersOf(view: FleetView): HookOrder[] {
  const orders = new Map<string, HookOrder>();
  for (const { hooks } of view.known) {
    for (const order of hooks) orders.set(`${order.listener} ${order.hook}`, order);
  }
  return [...orders.values()];
}
