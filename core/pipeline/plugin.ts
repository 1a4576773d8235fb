import type { z } from 'zod';
import type { Logger } from '../observability/log.ts';
import type { HookName, Hooks } from './hooks.ts';
import type { Needs, ServicesOf } from './token.ts';

/** For the configuration of a plugin that has no zod of its own, such as a single file. */
export { z } from 'zod';
export type { Address, MailParameters, RcptParameters, Recipient } from '../domain/envelope.ts';
export type { Identity } from '../domain/identity.ts';
export type { SessionNotes, TransactionNotes } from '../domain/notes.ts';
export { type Reply, reply } from '../domain/reply.ts';
export type * from './hooks.ts';
export { services } from './services.ts';
export type { Message, MessageHeaders, Session, Transaction } from './session.ts';
export type { AssumedFacts, Secured, SessionControl, SessionControls } from './session-control.ts';
export { type Needs, type ServicesOf, type Token, token } from './token.ts';
export {
  accept,
  defer,
  disconnect,
  grant,
  type Proceed,
  proceed,
  type Refusal,
  reject,
  type Words,
} from './verdict.ts';

/** Where a handler stands among those of the same hook: `before`/`after` name plugin ids, then lower priority first. */
export interface Order {
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /** Default 0. */
  readonly priority?: number;
  /** Deadline of one call; default is the plugin's `timeout` from the configuration. */
  readonly timeoutMilliseconds?: number;
}

/** Handlers by hook name: a function, or a function with its place in the order, or several of these. */
export type HookHandlers = { readonly [K in HookName]?: Handler<K> | readonly Handler<K>[] };
export type Handler<K extends HookName> = Hooks[K] | ({ readonly handler: Hooks[K] } & Order);

/** A plugin started with one configuration. `close` is called once, after the last transaction that uses it. */
export interface LivePlugin {
  readonly hooks: HookHandlers;
  close?(): void | Promise<void>;
}

/** What `init` is given. */
export interface PluginStart<C, N extends Needs> {
  /** The id of this entry in the configuration; key of notes, counters and log lines. */
  readonly id: string;
  /** The kind of process, or thread, that starts it. */
  readonly role: 'smtp' | 'worker';
  readonly config: C;
  /** Folder of the configuration file: relative paths in `config` count from here. */
  readonly folder: string;
  readonly services: ServicesOf<N>;
  readonly log: Logger;
}

/** The contract version of this Sluice; the one before it loads, too. */
export const contractVersion = 1;

/** A plugin is a value. `config` validates its part of the configuration and documents it. */
export interface Plugin<S extends z.ZodType = z.ZodType, N extends Needs = Needs> {
  readonly name: string;
  readonly version: string;
  readonly contract: number;
  readonly summary: string;
  /** Kinds of process that run it: gates in `smtp`, route and deliver in `worker`. */
  readonly roles: readonly ('smtp' | 'worker')[];
  readonly config: S;
  readonly needs: N;
  /** Throwing stops the start, or rejects the new configuration. */
  init(start: PluginStart<z.infer<S>, N>): LivePlugin | Promise<LivePlugin>;
}

/** Gives a plugin its types; adds nothing at run time. */
export const definePlugin = <S extends z.ZodType, N extends Needs>(plugin: Plugin<S, N>): Plugin<S, N> => plugin;
