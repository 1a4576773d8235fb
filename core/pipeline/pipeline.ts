import type { TraceEntry } from '../domain/message.ts';
import type { Reply } from '../domain/reply.ts';
import type { HookName, HookParams, Hooks, hookTable } from './hooks.ts';
import type { Accept, Grant, Refusal, Words } from './verdict.ts';

type NamesOfKind<T> = { [K in HookName]: (typeof hookTable)[K]['kind'] extends T ? K : never }[HookName];
export type GateName = NamesOfKind<'gate'>;
export type FirstName = NamesOfKind<'first'>;
export type ObserverName = NamesOfKind<'observer'>;

type Now<T> = T | Promise<T>;
/** What a `first` hook accepts with. */
export type AcceptedBy<K extends FirstName> =
  Extract<Awaited<ReturnType<Hooks[K]>>, { do: 'accept' }> extends Accept<infer T> ? T : never;

/** A refusal, and which plugin gave it; `core` where the call itself failed. */
export type RefusedBy = Refusal & { readonly plugin: string };

/** What all handlers of a gate came to. */
export interface GateAnswer {
  readonly refused?: RefusedBy;
  /** The widest permission that a plugin gave which may. */
  readonly grant?: Grant['scope'];
  /** What the positive reply is to say, in a plugin's words. */
  readonly text?: Words;
}

/** Keeps what the hooks of one session or transaction answered, at the cost of a few numbers a call. */
export interface Trace {
  add(hook: HookName, plugin: string, verdict: string, micros: number, reply?: Reply): void;
  entries(): TraceEntry[];
}

/** One call of a hook. */
export interface Call {
  readonly trace: Trace;
  /** Aborts when the client is gone or the process stops; every handler's own signal follows it. */
  readonly signal?: AbortSignal;
}

/**
 * The hooks of one listener (or of the worker) in order: an immutable value. Answers come as plain values where every
 * handler answered at once. Nothing here throws: a handler that throws or is late becomes the hook's fallback refusal.
 */
export interface Pipeline {
  readonly version: number;
  /** True if the configuration lets one of its `rcptTo` handlers permit relaying; then MAIL needs no login. */
  readonly mayGrant: boolean;
  /** Runs all handlers in order; the first refusal stops. */
  gate<K extends GateName>(hook: K, params: HookParams<K>, call: Call): Now<GateAnswer>;
  /** The first answer decides; undefined when nobody answered (see `unanswered` in the hook table of ARCHITECTURE.md). */
  first<K extends FirstName>(
    hook: K,
    params: HookParams<K>,
    call: Call,
  ): Now<Accept<AcceptedBy<K>> | RefusedBy | undefined>;
  /** Tells every observer; never waits, never throws. */
  tell<K extends ObserverName>(hook: K, params: HookParams<K>, call: Call): void;
  /** True if anyone listens; lets callers skip building parameters. */
  has(hook: HookName): boolean;
  /** Holds the plugin instances of this pipeline open; the answer lets go of them. Called once a transaction. */
  hold(): () => void;
}

/** Where the pipeline in force is asked for, at connect and at each MAIL. */
export interface PipelineSource {
  /** `listener` is a listener's name, or null for the worker's. */
  current(listener: string | null): Pipeline;
  /**
   * Of the pipeline in force, only the plugins that came or changed since `version`: a session that began under that
   * version asks them connect and helo before its next MAIL. Null when there are none.
   */
  changedSince(listener: string, version: number): Pipeline | null;
}
