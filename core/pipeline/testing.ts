import { pino } from 'pino';
import type { z } from 'zod';
import { MemoryBus } from '../storage/memory/bus.ts';
import { MemoryCounters } from '../storage/memory/counters.ts';
import { MemoryRateLimits } from '../storage/memory/rate-limits.ts';
import { checkHandlers, checkPlugin, checkPluginConfig, checkServices } from './check-plugin.ts';
import type { HookName, HookParams, HookResult } from './hooks.ts';
import type { Plugin } from './plugin.ts';
import { services } from './services.ts';
import { FakeAccounts } from './testing/fake-accounts.ts';
import { FakeBlacklist } from './testing/fake-blacklist.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { FakeKeyValue } from './testing/fake-key-value.ts';
import { FakeMessage } from './testing/fake-message.ts';
import { FakeSecretVerifier } from './testing/fake-secret-verifier.ts';
import { FakeSend } from './testing/fake-send.ts';
import { FakeSessionControls } from './testing/fake-session-controls.ts';
import { FakeSpool } from './testing/fake-spool.ts';
import type { Needs, ServicesOf } from './token.ts';
import type { UpstreamBoard } from './upstream-board.ts';

/*
 * The public entry `sluice/testing`: any plugin runs here against services in memory, without a server, a store or a
 * socket. Counters, rate limits and bus are the ones of a single process; the others are fakes that a test can look into.
 */

export { fakeSecret } from './testing/fake-secret-verifier.ts';
export { address, session, transaction } from './testing/fake-session.ts';

/** A message from its text, header block first; LF may stand for CRLF. */
export const message = (text: string): FakeMessage => new FakeMessage(text);

/** The services in memory that a plugin gets unless the test gives others. */
export interface Fakes {
  readonly accounts: FakeAccounts;
  readonly blacklist: FakeBlacklist;
  readonly bus: MemoryBus;
  readonly clock: FakeClock;
  readonly counters: MemoryCounters;
  readonly keyValue: FakeKeyValue;
  readonly rateLimits: MemoryRateLimits;
  readonly secretVerifier: FakeSecretVerifier;
  readonly send: FakeSend;
  readonly sessionControls: FakeSessionControls;
  readonly spool: FakeSpool;
}

const log = pino({ level: 'silent' });

function createFakes(): Fakes {
  const clock = new FakeClock();
  return {
    accounts: new FakeAccounts(),
    blacklist: new FakeBlacklist(),
    bus: new MemoryBus(log),
    clock,
    counters: new MemoryCounters({ clock }),
    keyValue: new FakeKeyValue(clock),
    rateLimits: new MemoryRateLimits({ clock }),
    secretVerifier: new FakeSecretVerifier(),
    send: new FakeSend(),
    sessionControls: new FakeSessionControls(),
    spool: new FakeSpool(),
  };
}

const byToken = (fakes: Fakes): ReadonlyMap<symbol, unknown> =>
  new Map<symbol, unknown>([
    [services.accounts, fakes.accounts],
    [services.blacklist, fakes.blacklist],
    [services.blacklistIndex, fakes.blacklist.index],
    [services.bus, fakes.bus],
    [services.clock, fakes.clock],
    [services.counters, fakes.counters],
    [services.directory, fakes.accounts.directory],
    [services.hostname, 'relay.example'],
    [services.keyValue, fakes.keyValue],
    [services.rateLimits, fakes.rateLimits],
    [services.secretVerifier, fakes.secretVerifier],
    [services.send, fakes.send],
    [services.sessionControls, fakes.sessionControls],
    [services.spool, fakes.spool],
    [services.upstreamBoard, { report: () => undefined } satisfies UpstreamBoard],
  ]);

/** Everything a plugin may ask for, in memory: enough to start any plugin and see what it handles. */
export const fakeServices = (): ReadonlyMap<symbol, unknown> => byToken(createFakes());

/** A plugin that runs under test. */
export interface TestedPlugin extends AsyncDisposable {
  readonly fakes: Fakes;
  /** True if it handles the hook. */
  handles(hook: HookName): boolean;
  /**
   * Asks its handlers of a hook one after the other and answers what the first with an answer said; undefined is
   * "continue". What a handler throws is thrown here; in a running Sluice it would become the hook's fallback refusal.
   */
  run<K extends HookName>(hook: K, params: HookParams<K>, options?: { signal?: AbortSignal }): Promise<HookResult<K>>;
  close(): Promise<void>;
}

/**
 * Checks and starts a plugin as a running Sluice would, with services in memory:
 * `const quota = await testPlugin(plugin, { config: {…} }); await quota.run('rcptTo', {…}); await quota.close();`
 * Throws what the start would be stopped by.
 */
export async function testPlugin<S extends z.ZodType, N extends Needs>(
  plugin: Plugin<S, N>,
  given: {
    /** As in the configuration file; defaults are filled in. */
    config?: z.input<S>;
    /** In place of the services in memory, by the plugin's own names for them. */
    services?: Partial<ServicesOf<N>>;
    id?: string;
    role?: 'smtp' | 'worker';
  } = {},
): Promise<TestedPlugin> {
  const id = given.id ?? plugin.name;
  const role = given.role ?? plugin.roles[0] ?? 'smtp';
  const checked = checkPlugin(plugin, id);
  const config = await checkPluginConfig(checked, id, given.config ?? {});
  const fakes = createFakes();
  const available = byToken(fakes);
  const own = new Map(
    Object.entries(given.services ?? {}).map(([name, service]) => [plugin.needs[name] as symbol, service]),
  );
  const found = checkServices(checked, id, (token) => own.get(token) ?? available.get(token), role);
  const live = await checked.init({ id, role, config, folder: process.cwd(), services: found, log });
  const handlers = checkHandlers(live, id);
  const close = async () => {
    await live.close?.();
  };
  return {
    fakes,
    handles: (hook) => handlers.has(hook),
    async run(hook, params, options = {}) {
      const signal = options.signal ?? new AbortController().signal;
      for (const { handler } of handlers.get(hook) ?? []) {
        const ask = handler as (params: unknown, context: unknown) => unknown;
        const answer = await ask(params, { log, signal });
        if (answer !== undefined) return answer as HookResult<typeof hook>;
      }
      return undefined as HookResult<typeof hook>;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
