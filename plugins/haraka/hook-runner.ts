import type { LogMethods } from './host/harakas-log.ts';
import type { RegisteredHook } from './host/hook-list.ts';
import type { PluginHost } from './host/plugin-host.ts';
import type { Libraries } from './libraries.ts';

/** What hooks are called on: a connection, or an object of the worker's. */
export type HookTarget = Pick<LogMethods, 'logdebug' | 'loginfo' | 'logerror' | 'logcrit'> & {
  /** Name of the hook under way. */
  hook?: string | null;
  readonly transaction?: { readonly notes: object } | null;
  /** Gives up the call under way, where the client's leaving or a reset overtakes it. */
  cancelHook?: (() => void) | null;
  /** True once the client is gone: only `reset_transaction`, `disconnect` and `log` still run. */
  readonly over?: boolean;
};

/** How the plugins of a hook decided. */
export interface HookAnswer {
  /** One of Haraka's codes; CONT where nobody said otherwise. */
  readonly code: number;
  /** A text, several, a DSN, or whatever the hook is documented to pass. */
  readonly message: unknown;
  /** Who decided; null where nobody did. */
  readonly plugin: string | null;
  /** True where a reset or the client's leaving overtook the hook: whatever it would have answered is void. */
  readonly cancelled?: boolean;
}

/** A hook threw, or its promise was rejected: nothing may be concluded from it. */
export class HookFailed extends Error {
  override readonly name = 'HookFailed';
}

/** These run whatever became of the client, and take the place of a call under way. */
const alwaysRun = new Set(['reset_transaction', 'disconnect', 'log']);
/** Numbers of Haraka's log levels: hardly anybody reads of each hook, and the words cost as much as the hook. */
const debugLevel = 7;
const infoLevel = 6;
/** What they answer changes nothing: one that fails is logged, and the others still run. */
const unheeded = new Set(['reset_transaction', 'disconnect', 'log', 'queue_ok', 'rset', 'quit']);
/** Every plugin runs, whatever the others say. */
const runAll = new Set(['connect_init', 'disconnect']);

/**
 * Runs hooks with Haraka's semantics: one plugin after the other, the first answer that is not CONT decides, a denial is
 * put to the `deny` hooks, a call that takes too long denies for now, a second callback is ignored. Unlike Haraka, a hook
 * that throws fails the whole call (`HookFailed`), unless its answer would change nothing.
 */
export class HookRunner {
  readonly #host: PluginHost;
  readonly #constants: Libraries['constants'];

  constructor(host: PluginHost) {
    this.#host = host;
    this.#constants = host.process.libraries.constants;
  }

  has(hook: string): boolean {
    return this.#host.hooks.of(hook).length > 0;
  }

  /** Milliseconds that the hook's plugins may take together; infinite where one has no timeout. */
  longest(...hooks: readonly string[]): number {
    const seconds = hooks
      .flatMap((hook) => this.#host.hooks.of(hook))
      .reduce((sum, { plugin }) => sum + (plugin.timeout > 0 ? plugin.timeout : Number.POSITIVE_INFINITY), 0);
    return seconds * 1_000;
  }

  async run(hook: string, target: HookTarget, params?: unknown): Promise<HookAnswer> {
    if (alwaysRun.has(hook)) target.cancelHook?.();
    let decided: HookAnswer = { code: this.#constants.cont, message: undefined, plugin: null };
    const all = this.#host.hooks.of(hook);
    for (const registered of all) {
      if (target.over === true && !alwaysRun.has(hook)) break;
      const answer = await this.#call(registered, hook, target, params);
      if (answer.cancelled === true) return answer;
      this.#note(registered, hook, target, answer);
      const denies = this.#denies(answer.code) && !hook.startsWith('init_') && hook !== 'deny';
      if (runAll.has(hook)) {
        // Nobody heeds it; the `deny` hooks hear of the last plugin's all the same.
        if (denies && registered === all.at(-1)) await this.#askDeny(registered, hook, target, params, answer);
        decided = answer;
        continue;
      }
      if (denies) {
        const pardon = await this.#askDeny(registered, hook, target, params, answer);
        if (pardon === null) return answer;
        decided = pardon;
        continue;
      }
      if (answer.code === this.#constants.cont) {
        // Its words are heeded where it was the last: Haraka's respond functions get them.
        decided = { ...answer, plugin: null };
        continue;
      }
      return answer;
    }
    return decided;
  }

  #denies(code: number): boolean {
    const { deny, denysoft, denydisconnect, denysoftdisconnect } = this.#constants;
    return code === deny || code === denysoft || code === denydisconnect || code === denysoftdisconnect;
  }

  /** CONT with its words where a `deny` hook said OK: the denial does not count, and the other plugins go on. */
  async #askDeny(
    { plugin, method }: RegisteredHook,
    hook: string,
    target: HookTarget,
    params: unknown,
    { code, message }: HookAnswer,
  ): Promise<HookAnswer | null> {
    if (!this.has('deny')) return null;
    // One that fails takes nothing back.
    const answer = await this.run('deny', target, [code, message, plugin.name, method, params, hook]).catch(
      (error: unknown) => {
        if (error instanceof HookFailed) return { code, message, plugin: null };
        throw error;
      },
    );
    return answer.code === this.#constants.ok ? { ...answer, code: this.#constants.cont, plugin: null } : null;
  }

  #note({ plugin, method }: RegisteredHook, hook: string, target: HookTarget, answer: HookAnswer): void {
    const continues = answer.code === this.#constants.cont;
    if (hook === 'log' || !this.#host.process.log.wouldLog(continues ? debugLevel : infoLevel)) return;
    const facts = { hook, plugin: plugin.name, function: method, retval: this.#constants.translate(answer.code) };
    if (continues) target.logdebug(facts);
    else target.loginfo({ ...facts, msg: answer.message });
  }

  #call({ plugin, method }: RegisteredHook, hook: string, target: HookTarget, params: unknown): Promise<HookAnswer> {
    if (skips(target, plugin.name)) {
      return Promise.resolve({ code: this.#constants.cont, message: undefined, plugin: plugin.name });
    }
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      let ended = false;
      const end = (settle: () => void): void => {
        ended = true;
        clearTimeout(timer);
        if (target.cancelHook === cancel) target.cancelHook = null;
        settle();
      };
      const answer = (code: unknown, message?: unknown): void =>
        end(() =>
          resolve({
            code: typeof code === 'number' && code !== 0 ? code : this.#constants.cont,
            message,
            plugin: plugin.name,
          }),
        );
      const cancel = (): void =>
        end(() => resolve({ code: this.#constants.cont, message: undefined, plugin: null, cancelled: true }));
      const fail = (cause: unknown): void => {
        target.logcrit(`Plugin ${plugin.name} failed in ${hook}: `, cause);
        if (ended) return;
        if (unheeded.has(hook)) answer(this.#constants.cont);
        else end(() => reject(new HookFailed(`the Haraka plugin ${plugin.name} failed in ${hook}`, { cause })));
      };
      const next = (code?: unknown, message?: unknown): void => {
        if (!ended) answer(code, message);
        else if (hook !== 'log') target.logerror(`${plugin.name} called back more than once in ${hook}; ignored`);
      };
      if (hook !== 'log' && plugin.timeout > 0) {
        timer = setTimeout(() => {
          target.logcrit(`Plugin ${plugin.name} timed out on hook ${hook} - make sure it calls the callback`);
          answer(this.#constants.denysoft, 'plugin timeout');
        }, plugin.timeout * 1_000);
      }
      if (!alwaysRun.has(hook)) target.cancelHook = cancel;
      target.hook = hook;
      const run = plugin[method];
      try {
        if (typeof run !== 'function') throw new TypeError(`${plugin.name} has no method ${method}`);
        const returned: unknown = run.call(plugin, next, target, params);
        if (isThenable(returned)) returned.then(undefined, fail);
      } catch (error) {
        fail(error);
      }
    });
  }
}

/** Plugins may turn one another off for a transaction. */
function skips({ transaction }: HookTarget, plugin: string): boolean {
  const notes: object & { skip_plugins?: unknown } = transaction?.notes ?? {};
  return Array.isArray(notes.skip_plugins) && notes.skip_plugins.includes(plugin);
}

/** By shape: a promise of a plugin's sandbox is no instance of this realm's Promise. */
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
