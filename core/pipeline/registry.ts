import { type ErrorCode, type Problem, SluiceError } from '../domain/errors.ts';
import type { Logger } from '../observability/log.ts';
import { checkPluginConfig, checkServices } from './check-plugin.ts';
import { bindHandlers, Generation, type Member, membersOf } from './generation.ts';
import type { HookMeters } from './hook-meter.ts';
import { type HookName, hookTable } from './hooks.ts';
import type { Pipeline, PipelineSource } from './pipeline.ts';
import type { Plugin } from './plugin.ts';
import { PluginInstance, type PluginPlan, type StartLimits } from './plugin-instance.ts';
import { type PluginSettings, pluginId } from './plugin-settings.ts';

export interface PipelineOptions {
  readonly entries: readonly PluginSettings[];
  readonly role: 'smtp' | 'worker';
  /** By token; what a plugin needs and is not here stops the start. */
  readonly services: ReadonlyMap<symbol, unknown>;
  /** Services that every plugin gets one of its own of, made for its id (key-value, for one). */
  readonly servicesByPlugin?: ReadonlyMap<symbol, (pluginId: string) => unknown>;
  readonly log: Logger;
  /** Finds a plugin by the `use` of its entry; see `createPluginLoader`. */
  readonly load: (use: string) => Promise<Plugin>;
  /** Folder of the configuration file, from which relative paths in plugins' settings count; default: the working folder. */
  readonly folder?: string;
  /** Names of the listeners; the worker has none. */
  readonly listeners?: readonly string[];
  /** Version of these entries; default 1. */
  readonly version?: number;
  readonly limits?: Partial<StartLimits>;
  /** Where the calls of handlers are counted. */
  readonly meters?: HookMeters;
}

/** What runs in a process, for lists and logs. */
export interface RunningPlugin {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly summary: string;
}

/** The pipelines of a process. They change only as a whole, by `swap`. */
export interface PipelineSet extends PipelineSource {
  readonly version: number;
  /**
   * Checks, builds and starts what these entries say, then puts it in force at once everywhere; answers its version
   * (default: one more). Plugins whose `use` and `config` are the same go on with the instance they have. Throws a
   * `SluiceError` with every problem found, and then nothing has changed. Old instances close with their last transaction.
   */
  swap(entries: readonly PluginSettings[], version?: number): Promise<number>;
  /**
   * Checks, builds and starts what these entries would change, and closes it again: nothing of it is ever in force.
   * Throws as `swap` does.
   */
  rehearse(entries: readonly PluginSettings[]): Promise<void>;
  plugins(): readonly RunningPlugin[];
  /** Ids of the plugins of each hook that has any, in running order. */
  order(listener: string | null): readonly { readonly hook: HookName; readonly plugins: readonly string[] }[];
  /** Closes all plugins, the last started first, whoever still holds them: call it after the last transaction. */
  close(): Promise<void>;
}

/** One error of several: the code of the first, all their problems and messages. */
function together(errors: readonly SluiceError[]): SluiceError | null {
  const [first, ...others] = errors;
  if (first === undefined || others.length === 0) return first ?? null;
  const code: ErrorCode = first.code;
  const problems: Problem[] = errors.flatMap((error) =>
    error.problems.length > 0 ? error.problems : [{ path: 'plugins', message: error.message }],
  );
  return new SluiceError(code, errors.map((error) => error.message).join('\n'), { problems });
}

function checkNames(entries: readonly PluginSettings[], listeners: readonly string[] | undefined): SluiceError[] {
  const ids = new Set<string>();
  const problems: Problem[] = [];
  for (const entry of entries) {
    const id = pluginId(entry);
    if (ids.has(id)) problems.push({ path: `plugins.${id}.id`, message: `two plugins have the id ${id}` });
    ids.add(id);
  }
  for (const entry of entries) {
    const path = `plugins.${pluginId(entry)}`;
    for (const key of ['before', 'after'] as const) {
      for (const name of entry[key]) {
        if (!ids.has(name))
          problems.push({ path: `${path}.${key}`, message: `there is no plugin with the id ${name}` });
      }
    }
    for (const name of listeners === undefined ? [] : (entry.listeners ?? [])) {
      if (!listeners?.includes(name)) {
        problems.push({ path: `${path}.listeners`, message: `there is no listener with the name ${name}` });
      }
    }
  }
  if (problems.length === 0) return [];
  const text = problems.map((problem) => `${problem.path}: ${problem.message}`).join('; ');
  return [new SluiceError('CONFIG_INVALID', `The list of plugins is not valid: ${text}`, { problems })];
}

class Registry implements PipelineSet {
  readonly #options: PipelineOptions;
  readonly #limits: StartLimits;
  /** Every instance that is not closed yet, in the order of their start. */
  readonly #open = new Set<PluginInstance>();
  #generation: Generation | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#limits = { startMilliseconds: 30_000, closeMilliseconds: 10_000, ...options.limits };
  }

  get version(): number {
    return this.#inForce().version;
  }

  current(listener: string | null): Pipeline {
    const runner = this.#inForce().runner(listener);
    if (runner === null) throw new SluiceError('INTERNAL', `There is no pipeline for the listener ${listener}`);
    return runner;
  }

  changedSince(listener: string, version: number): Pipeline | null {
    return this.#inForce().changedSince(listener, version);
  }

  plugins(): readonly RunningPlugin[] {
    return this.#inForce().instances.map(({ id, plan: { plugin } }) => ({
      id,
      name: plugin.name,
      version: plugin.version,
      summary: plugin.summary,
    }));
  }

  order(listener: string | null): readonly { readonly hook: HookName; readonly plugins: readonly string[] }[] {
    const runner = this.#inForce().runner(listener);
    return (Object.keys(hookTable) as HookName[])
      .map((hook) => ({ hook, plugins: runner?.order(hook) ?? [] }))
      .filter(({ plugins }) => plugins.length > 0);
  }

  /** One after the other: a second call builds on what the first put in force. */
  swap(entries: readonly PluginSettings[], version?: number): Promise<number> {
    const done = this.#turn.then(() => this.#build(entries, version));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  rehearse(entries: readonly PluginSettings[]): Promise<void> {
    const done = this.#turn.then(async () => {
      const started: PluginInstance[] = [];
      try {
        const members = await this.#members(await this.#plan(entries), started);
        for (const listener of this.#lanes()) bindHandlers(membersOf(members, listener), this.#options.role);
      } finally {
        await this.#closeAll(started);
      }
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#closeAll([...this.#open]);
  }

  #inForce(): Generation {
    if (this.#generation === null) throw new SluiceError('INTERNAL', 'The plugins have not been started');
    return this.#generation;
  }

  async #build(entries: readonly PluginSettings[], wanted: number | undefined): Promise<number> {
    const previous = this.#generation;
    const version = wanted ?? (previous === null ? 1 : previous.version + 1);
    const plans = await this.#plan(entries);
    const started: PluginInstance[] = [];
    try {
      const members = await this.#members(plans, started);
      this.#generation = new Generation({
        version,
        role: this.#options.role,
        meters: this.#options.meters,
        members,
        listeners: this.#lanes(),
        previous,
        unused: (instances) => void this.#closeAll(instances),
      });
    } catch (error) {
      await this.#closeAll(started);
      throw error;
    }
    previous?.retire();
    return version;
  }

  /** The pipelines there are: one a listener, or the worker's. */
  #lanes(): readonly (string | null)[] {
    return this.#options.role === 'worker' ? [null] : (this.#options.listeners ?? []);
  }

  /** What runs goes on where it fits its plan; what had to be started is added to `started`. */
  async #members(plans: readonly PluginPlan[], started: PluginInstance[]): Promise<Member[]> {
    const members: Member[] = [];
    for (const plan of plans) {
      const id = pluginId(plan.settings);
      let instance = this.#generation?.instances.find((one) => one.id === id && one.fits(plan));
      if (instance === undefined) {
        instance = await this.#start(plan, id);
        started.push(instance);
      }
      members.push({ instance, settings: plan.settings });
    }
    return members;
  }

  async #start(plan: PluginPlan, id: string): Promise<PluginInstance> {
    const { role, log } = this.#options;
    const instance = await PluginInstance.start(plan, role, log.child({ plugin: id }), this.#limits);
    this.#open.add(instance);
    return instance;
  }

  /** Checks everything before anything starts, and reports all that is wrong at once. */
  async #plan(entries: readonly PluginSettings[]): Promise<PluginPlan[]> {
    const { role, listeners, services, servicesByPlugin, load, folder = process.cwd() } = this.#options;
    const errors = checkNames(entries, role === 'smtp' ? listeners : undefined);
    const plans: PluginPlan[] = [];
    for (const settings of entries) {
      if (!settings.enabled) continue;
      const id = pluginId(settings);
      try {
        const plugin = await load(settings.use);
        const config = await checkPluginConfig(plugin, id, settings.config);
        if (!plugin.roles.includes(role)) continue;
        const find = (token: symbol) => servicesByPlugin?.get(token)?.(id) ?? services.get(token);
        plans.push({ plugin, settings, config, folder, services: checkServices(plugin, id, find, role) });
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        errors.push(error);
      }
    }
    const error = together(errors);
    if (error !== null) throw error;
    return plans;
  }

  async #closeAll(instances: readonly PluginInstance[]): Promise<void> {
    for (const instance of instances.toReversed()) {
      this.#open.delete(instance);
      await instance.close();
    }
  }
}

/**
 * Loads, checks and starts the plugins of a process, in the order of the configuration, and builds one pipeline a
 * listener (or the worker's). Throws a `SluiceError` with every problem found; what had started is closed again, in reverse.
 */
export async function createPipelines(options: PipelineOptions): Promise<PipelineSet> {
  const registry = new Registry(options);
  await registry.swap(options.entries, options.version);
  return registry;
}
