import { type Reply, reply, replyLine } from '../domain/reply.ts';
import type { Logger } from '../observability/log.ts';
import { describeAnswer, isAcceptance, isGrant, isProceed, isRefusal } from './answers.ts';
import { CallAbandoned, CallContext, isThenable } from './call-context.ts';
import type { HookMeter } from './hook-meter.ts';
import { type HookContext, type HookName, type HookParams, hookTable } from './hooks.ts';
import type {
  AcceptedBy,
  Call,
  FirstName,
  GateAnswer,
  GateName,
  ObserverName,
  Pipeline,
  RefusedBy,
} from './pipeline.ts';
import type { Accept, Grant, Words } from './verdict.ts';

/** One handler of one hook, as the runner calls it. */
export interface BoundHandler {
  /** Id of the plugin. */
  readonly plugin: string;
  readonly run: (params: never, context: HookContext) => unknown;
  readonly timeoutMilliseconds: number;
  readonly mayGrant: boolean;
  readonly log: Logger;
  readonly meter?: HookMeter | undefined;
}

/** The handlers of each hook in the order in which they run. */
export type HandlerTable = { readonly [K in HookName]?: readonly BoundHandler[] };

type Now<T> = T | Promise<T>;

const passed: GateAnswer = Object.freeze({});
const none: readonly BoundHandler[] = [];
/** The worker's hooks have no reply of their own: who failed to answer defers. */
const deferred = reply(451, '4.3.0', 'Temporary failure inside the relay');

/** Writes a call into trace and meter. */
function note(
  call: Call,
  hook: HookName,
  handler: BoundHandler,
  verdict: string,
  micros: number,
  answer?: Reply,
): void {
  call.trace.add(hook, handler.plugin, verdict, micros, answer);
  handler.meter?.observe(verdict, micros);
}

const microsSince = (start: number): number => Math.round((performance.now() - start) * 1_000);

/** Runs the handlers of one listener, or of the worker; see `Pipeline` for what it promises. */
export class HookRunner implements Pipeline {
  readonly version: number;
  readonly mayGrant: boolean;
  readonly #handlers: HandlerTable;
  readonly #hold: () => () => void;

  /** `hold` keeps the plugins' instances open until its answer is called. */
  constructor(version: number, handlers: HandlerTable, hold: () => () => void) {
    this.version = version;
    this.mayGrant = (handlers.rcptTo ?? none).some((handler) => handler.mayGrant);
    this.#handlers = handlers;
    this.#hold = hold;
  }

  has(hook: HookName): boolean {
    return this.#handlers[hook] !== undefined;
  }

  hold(): () => void {
    return this.#hold();
  }

  /** Ids of the plugins that handle a hook, in running order. */
  order(hook: HookName): string[] {
    return (this.#handlers[hook] ?? none).map((handler) => handler.plugin);
  }

  gate<K extends GateName>(hook: K, params: HookParams<K>, call: Call): Now<GateAnswer> {
    const handlers = this.#handlers[hook];
    if (handlers === undefined) return passed;
    let so = passed;
    let start = performance.now();
    let at = 0;
    for (const handler of handlers) {
      let answer: unknown;
      try {
        answer = this.#call(handler, params, call);
      } catch (error) {
        return { refused: this.#failed(hook, handler, error, start, call) };
      }
      if (answer === undefined) {
        const now = performance.now();
        note(call, hook, handler, 'continue', Math.round((now - start) * 1_000));
        start = now;
        at++;
        continue;
      }
      if (answer instanceof Promise) return this.#gateLater(hook, params, call, at, answer, start, so);
      so = this.#judgeGate(hook, handler, answer, start, call, so);
      if (so.refused !== undefined) return so;
      start = performance.now();
      at++;
    }
    return so;
  }

  /** Goes on from a handler that answers later; the plugins stay open meanwhile. */
  async #gateLater<K extends GateName>(
    hook: K,
    params: HookParams<K>,
    call: Call,
    at: number,
    first: Promise<unknown>,
    begun: number,
    before: GateAnswer,
  ): Promise<GateAnswer> {
    const release = this.#hold();
    try {
      const handlers = this.#handlers[hook] ?? none;
      let pending: Promise<unknown> | undefined = first;
      let so = before;
      let start = begun;
      for (const handler of handlers.slice(at)) {
        let answer: unknown;
        try {
          answer = await (pending ?? this.#call(handler, params, call));
        } catch (error) {
          return { refused: this.#failed(hook, handler, error, start, call) };
        }
        pending = undefined;
        so = this.#judgeGate(hook, handler, answer, start, call, so);
        if (so.refused !== undefined) return so;
        start = performance.now();
      }
      return so;
    } finally {
      release();
    }
  }

  /** What the gate came to with this answer. What a gate may not answer is refused as a failure. */
  #judgeGate(
    hook: GateName,
    handler: BoundHandler,
    answer: unknown,
    start: number,
    call: Call,
    before: GateAnswer,
  ): GateAnswer {
    if (answer === undefined) {
      note(call, hook, handler, 'continue', microsSince(start));
      return before;
    }
    if (isRefusal(answer)) return { refused: this.#refused(hook, handler, answer, start, call) };
    if (isProceed(answer)) {
      note(call, hook, handler, 'continue', microsSince(start));
      return together(before, undefined, answer.text);
    }
    if (hook === 'rcptTo' && isGrant(answer)) {
      note(call, hook, handler, handler.mayGrant ? 'grant' : 'grant ignored', microsSince(start));
      return together(before, handler.mayGrant ? answer.scope : undefined, answer.text);
    }
    return { refused: this.#failed(hook, handler, illegal(hook, answer), start, call) };
  }

  first<K extends FirstName>(
    hook: K,
    params: HookParams<K>,
    call: Call,
  ): Now<Accept<AcceptedBy<K>> | RefusedBy | undefined> {
    const handlers = this.#handlers[hook] ?? none;
    let at = 0;
    for (const handler of handlers) {
      const start = performance.now();
      let answer: unknown;
      try {
        answer = this.#call(handler, params, call);
      } catch (error) {
        return this.#failed(hook, handler, error, start, call);
      }
      if (answer instanceof Promise) return this.#firstLater(hook, params, call, at, answer, start);
      const decision = this.#judgeFirst(hook, params, handler, answer, start, call);
      if (decision !== undefined) return decision;
      at++;
    }
    return undefined;
  }

  async #firstLater<K extends FirstName>(
    hook: K,
    params: HookParams<K>,
    call: Call,
    at: number,
    first: Promise<unknown>,
    begun: number,
  ): Promise<Accept<AcceptedBy<K>> | RefusedBy | undefined> {
    const release = this.#hold();
    try {
      const handlers = this.#handlers[hook] ?? none;
      let pending: Promise<unknown> | undefined = first;
      let start = begun;
      for (const handler of handlers.slice(at)) {
        let answer: unknown;
        try {
          answer = await (pending ?? this.#call(handler, params, call));
        } catch (error) {
          return this.#failed(hook, handler, error, start, call);
        }
        pending = undefined;
        const decision = this.#judgeFirst(hook, params, handler, answer, start, call);
        if (decision !== undefined) return decision;
        start = performance.now();
      }
      return undefined;
    } finally {
      release();
    }
  }

  #judgeFirst<K extends FirstName>(
    hook: K,
    params: HookParams<K>,
    handler: BoundHandler,
    answer: unknown,
    start: number,
    call: Call,
  ): Accept<AcceptedBy<K>> | RefusedBy | undefined {
    if (answer === undefined) {
      note(call, hook, handler, 'continue', microsSince(start));
      return undefined;
    }
    if (isAcceptance(hook, answer, params)) {
      note(call, hook, handler, 'accept', microsSince(start));
      return answer as Accept<AcceptedBy<K>>;
    }
    if (isRefusal(answer)) return this.#refused(hook, handler, answer, start, call);
    return this.#failed(hook, handler, illegal(hook, answer), start, call);
  }

  tell<K extends ObserverName>(hook: K, params: HookParams<K>, call: Call): void {
    for (const handler of this.#handlers[hook] ?? none) {
      try {
        const answer = this.#call(handler, params, call);
        if (!(answer instanceof Promise)) continue;
        const release = this.#hold();
        answer.then(release, (error: unknown) => {
          release();
          handler.log.error({ err: error, hook }, 'an observer failed');
        });
      } catch (error) {
        handler.log.error({ err: error, hook }, 'an observer failed');
      }
    }
  }

  /** What the handler answers at once, or a promise of ours for what it answers within its deadline. */
  #call(handler: BoundHandler, params: unknown, call: Call): unknown {
    const context = new CallContext(handler.log, call.signal);
    const answer = handler.run(params as never, context);
    return isThenable(answer) ? context.wait(answer, handler.timeoutMilliseconds) : answer;
  }

  #refused(
    hook: HookName,
    handler: BoundHandler,
    refusal: Omit<RefusedBy, 'plugin'>,
    start: number,
    call: Call,
  ): RefusedBy {
    note(call, hook, handler, refusal.do, microsSince(start), refusal.reply);
    if (refusal.reply.cause !== undefined) {
      handler.log.info({ hook, reply: replyLine(refusal.reply), cause: refusal.reply.cause }, 'refused');
    }
    return { do: refusal.do, reply: refusal.reply, plugin: handler.plugin };
  }

  /** Fail closed: whatever went wrong in a call, the client is told to come again. */
  #failed(hook: HookName, handler: BoundHandler, cause: unknown, start: number, call: Call): RefusedBy {
    const abandoned = cause instanceof CallAbandoned;
    const answer: Reply = { ...(hookTable[hook].fallback ?? deferred), cause };
    note(call, hook, handler, abandoned && cause.late ? 'timeout' : 'failed', microsSince(start), answer);
    if (abandoned && !cause.late) handler.log.debug({ hook }, 'the client left during the call');
    else handler.log.error({ err: cause, hook, reply: replyLine(answer) }, 'a hook failed; refused for now');
    return { do: answer.code === 421 ? 'disconnect' : 'defer', reply: answer, plugin: 'core' };
  }
}

const illegal = (hook: HookName, answer: unknown): Error =>
  new TypeError(`The hook ${hook} may not answer with ${describeAnswer(answer)}`);

/** The widest permission and the first words. */
function together(before: GateAnswer, scope: Grant['scope'] | undefined, words: Words | undefined): GateAnswer {
  const grant = widest(before.grant, scope);
  const text = before.text ?? words;
  return { ...(grant === undefined ? {} : { grant }), ...(text === undefined ? {} : { text }) };
}

/** Permission to relay says more than permission for local mail. */
const widest = (one: Grant['scope'] | undefined, other: Grant['scope'] | undefined): Grant['scope'] | undefined =>
  one === 'relay' || other === undefined ? one : other;
