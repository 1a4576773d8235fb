import { isDeepStrictEqual } from 'node:util';
import { SluiceError } from '../domain/errors.ts';
import type { Logger } from '../observability/log.ts';
import { checkHandlers, type FoundHandler } from './check-plugin.ts';
import type { HookName } from './hooks.ts';
import type { LivePlugin, Plugin } from './plugin.ts';
import { type PluginSettings, pluginId } from './plugin-settings.ts';

/** Everything `init` is called with; checked before anything starts. */
export interface PluginPlan {
  readonly plugin: Plugin;
  readonly settings: PluginSettings;
  readonly config: unknown;
  readonly folder: string;
  readonly services: Record<string, unknown>;
}

/** How long `init` and `close` may take. */
export interface StartLimits {
  readonly startMilliseconds: number;
  readonly closeMilliseconds: number;
}

async function within<T>(work: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A started plugin. Pipelines share it for as long as its settings stay the same; it is closed once, by the last of them. */
export class PluginInstance {
  readonly id: string;
  readonly plan: PluginPlan;
  readonly log: Logger;
  readonly handlers: ReadonlyMap<HookName, readonly FoundHandler[]>;
  /** How many pipeline versions use it. */
  users = 0;
  readonly #live: LivePlugin;
  readonly #closeMilliseconds: number;
  #closed: Promise<void> | null = null;

  private constructor(plan: PluginPlan, live: LivePlugin, log: Logger, closeMilliseconds: number) {
    this.id = pluginId(plan.settings);
    this.plan = plan;
    this.log = log;
    this.handlers = checkHandlers(live, this.id);
    this.#live = live;
    this.#closeMilliseconds = closeMilliseconds;
  }

  /** Starts it. Throws `PLUGIN_START_FAILED`, or `PLUGIN_INCOMPATIBLE` when what it answers is no live plugin. */
  static async start(
    plan: PluginPlan,
    role: 'smtp' | 'worker',
    log: Logger,
    limits: StartLimits,
  ): Promise<PluginInstance> {
    const id = pluginId(plan.settings);
    const { plugin, config, folder, services } = plan;
    const started = (async () => plugin.init({ id, role, config, folder, services, log }))();
    let live: LivePlugin;
    try {
      live = await within(started, limits.startMilliseconds, 'init');
    } catch (error) {
      // One that comes up after all must not stay behind with its sockets and timers.
      started
        .then(
          (late) => late?.close?.(),
          () => undefined,
        )
        .catch((closeError: unknown) =>
          log.error({ err: closeError }, 'a plugin that started too late could not close'),
        );
      const reason = error instanceof Error ? error.message : String(error);
      throw new SluiceError('PLUGIN_START_FAILED', `The plugin ${id} could not start: ${reason}`, { cause: error });
    }
    try {
      return new PluginInstance(plan, live, log, limits.closeMilliseconds);
    } catch (error) {
      await live?.close?.();
      throw error;
    }
  }

  /** True if this instance is what the plan would start. */
  fits(plan: PluginPlan): boolean {
    const { settings } = this.plan;
    return (
      this.plan.plugin === plan.plugin &&
      settings.use === plan.settings.use &&
      isDeepStrictEqual(settings.config, plan.settings.config)
    );
  }

  /** Closes it, once however often it is called. A failure is logged: nobody can do anything about it any more. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      try {
        await within((async () => this.#live.close?.())(), this.#closeMilliseconds, 'close');
      } catch (error) {
        this.log.error({ err: error }, 'a plugin could not close');
      }
    })();
    return this.#closed;
  }
}
