import type { FoundHandler } from './check-plugin.ts';
import type { HookMeter, HookMeters } from './hook-meter.ts';
import { type HookName, hookTable } from './hooks.ts';
import { sortHandlers } from './order.ts';
import type { PluginInstance } from './plugin-instance.ts';
import type { PluginSettings } from './plugin-settings.ts';
import type { BoundHandler, HandlerTable } from './runner.ts';
import { HookRunner } from './runner.ts';

/** One plugin of a pipeline, with the settings in force for it now. */
export interface Member {
  readonly instance: PluginInstance;
  readonly settings: PluginSettings;
}

interface PlacedHandler extends BoundHandler {
  readonly id: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly priority: number;
}

function place({ instance, settings }: Member, found: FoundHandler, meter: HookMeter | undefined): PlacedHandler {
  return {
    id: instance.id,
    plugin: instance.id,
    run: found.handler,
    timeoutMilliseconds: found.timeoutMilliseconds ?? settings.timeout,
    mayGrant: settings.may_grant,
    log: instance.log,
    meter,
    before: [...settings.before, ...(found.before ?? [])],
    after: [...settings.after, ...(found.after ?? [])],
    // What the person who runs it says goes before what its author thought.
    priority: settings.priority !== 0 ? settings.priority : (found.priority ?? 0),
  };
}

/** The handlers of these plugins for each hook of the role, in running order. Throws `PLUGIN_ORDER_CYCLE`. */
export function bindHandlers(members: readonly Member[], role: 'smtp' | 'worker', meters?: HookMeters): HandlerTable {
  const table: { [K in HookName]?: readonly BoundHandler[] } = {};
  for (const hook of Object.keys(hookTable) as HookName[]) {
    if (hookTable[hook].role !== role) continue;
    const placed = members.flatMap((member) =>
      (member.instance.handlers.get(hook) ?? []).map((found) =>
        place(member, found, meters?.of(hook, member.instance.id, member.instance.plan.plugin.name)),
      ),
    );
    if (placed.length > 0) table[hook] = sortHandlers(placed, hook);
  }
  return table;
}

/** Those of a listener; of the worker (null) all. */
export const membersOf = (members: readonly Member[], listener: string | null): readonly Member[] =>
  members.filter(
    ({ settings }) => listener === null || settings.listeners === undefined || settings.listeners.includes(listener),
  );

interface Lane {
  readonly runner: HookRunner;
  readonly members: readonly Member[];
  /** For each plugin, the version in which it came to this listener, or was last started anew. */
  readonly since: ReadonlyMap<string, number>;
}

/** All pipelines of one version: immutable. It keeps its plugins open until it is replaced and nobody holds it. */
export class Generation {
  readonly version: number;
  readonly instances: readonly PluginInstance[];
  readonly #role: 'smtp' | 'worker';
  readonly #meters: HookMeters | undefined;
  readonly #lanes = new Map<string | null, Lane>();
  readonly #changed = new Map<string, HookRunner | null>();
  #holders = 0;
  #retired = false;
  #ended = false;
  readonly #unused: (instances: readonly PluginInstance[]) => void;

  /** `unused` is told which instances no generation uses any more. Throws `PLUGIN_ORDER_CYCLE`. */
  constructor(options: {
    version: number;
    role: 'smtp' | 'worker';
    meters?: HookMeters | undefined;
    members: readonly Member[];
    listeners: readonly (string | null)[];
    previous: Generation | null;
    unused: (instances: readonly PluginInstance[]) => void;
  }) {
    this.version = options.version;
    this.#role = options.role;
    this.#meters = options.meters;
    this.#unused = options.unused;
    this.instances = options.members.map((member) => member.instance);
    for (const listener of options.listeners) {
      const members = membersOf(options.members, listener);
      const before = options.previous === null ? undefined : options.previous.#lanes.get(listener);
      const since = new Map(
        members.map(({ instance }) => [instance.id, sinceVersion(instance, before) ?? this.version]),
      );
      this.#lanes.set(listener, { runner: this.#runner(members), members, since });
    }
    for (const instance of this.instances) instance.users++;
  }

  #runner(members: readonly Member[]): HookRunner {
    return new HookRunner(this.version, bindHandlers(members, this.#role, this.#meters), () => this.hold());
  }

  /** Null where there is no such listener. */
  runner(listener: string | null): HookRunner | null {
    return this.#lanes.get(listener)?.runner ?? null;
  }

  /** The plugins of this listener that came or changed after `version`, as a pipeline of their own; null for none. */
  changedSince(listener: string, version: number): HookRunner | null {
    if (version >= this.version) return null;
    const key = `${version} ${listener}`;
    let runner = this.#changed.get(key);
    if (runner === undefined) {
      const lane = this.#lanes.get(listener);
      const members = lane?.members.filter(({ instance }) => (lane.since.get(instance.id) ?? 0) > version) ?? [];
      runner = members.length === 0 ? null : this.#runner(members);
      this.#changed.set(key, runner);
    }
    return runner;
  }

  /** Keeps the plugins open; the answer lets go, once. */
  hold(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders--;
      this.#closeUnused();
    };
  }

  /** Another generation is in force: close with the last holder. */
  retire(): void {
    this.#retired = true;
    this.#closeUnused();
  }

  #closeUnused(): void {
    if (!this.#retired || this.#ended || this.#holders > 0) return;
    this.#ended = true;
    const unused: PluginInstance[] = [];
    for (const instance of this.instances) if (--instance.users === 0) unused.push(instance);
    this.#unused(unused);
  }
}

const sinceVersion = (instance: PluginInstance, before: Lane | undefined): number | undefined =>
  before?.members.some((member) => member.instance === instance) ? before.since.get(instance.id) : undefined;
