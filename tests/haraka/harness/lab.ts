import { startCaptureSink } from '../../support/capture-sink.ts';
import { startRedis } from '../../support/redis-servers.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { startClamdStub } from './clamd-stub.ts';
import { startDnsServer } from './dns-server.ts';
import { startOracle } from './oracle.ts';
import type { PluginCases, SessionCases, Setup } from './plugin-cases.ts';
import { needsProxy, type Server, type ServerOptions } from './server.ts';
import { bridgeExists, startSluiceServer } from './sluice-server.ts';
import { startSpamdStub } from './spamd-stub.ts';

/** The servers that one setup's cases are played to. */
export interface Lab extends AsyncDisposable {
  readonly on: Server;
  /** Haraka without the plugin; undefined where the cases are no plugin's. */
  readonly off: Server | undefined;
  /** undefined while there is no bridge. */
  readonly sluice: Server | undefined;
}

type Start = (options: ServerOptions) => Promise<Server>;

const seededRedis = async (stack: AsyncDisposableStack, { redisKeys }: Setup, sink: number): Promise<number> => {
  const { port, admin } = stack.use(await startRedis());
  for (const [key, value] of Object.entries(redisKeys?.({ sink }) ?? {})) await admin.set(key, value);
  return port;
};

/** Every process of one setup, each server with a sink and, where needed, a Redis of its own. */
export const startLab = async (cases: SessionCases | PluginCases, setup: Setup): Promise<Lab> => {
  const { services = [], dns = {} } = cases;
  const named = 'plugin' in cases ? [cases.plugin] : [];
  const stack = new AsyncDisposableStack();
  try {
    const dnsServer = stack.use(await startDnsServer(dns));
    const clamd = services.includes('clamd') ? stack.use(await startClamdStub()).port : 0;
    const spamd = services.includes('spamd') ? stack.use(await startSpamdStub()).port : 0;
    const before = setup.before ?? [];
    const after = setup.after ?? [];
    const side = async (start: Start, plugins: readonly string[]): Promise<Server> => {
      const sink = stack.use(await startCaptureSink());
      const redis = services.includes('redis') ? await seededRedis(stack, setup, sink.port) : 0;
      const folder = stack.use(await temporaryFolder('haraka'));
      const files = (await setup.files?.({ sink: sink.port, redis, clamd, spamd })) ?? {};
      const proxy = needsProxy(setup.cases);
      const options = { folder: folder.path, plugins, files, setup, proxy, dns: dnsServer.address, sink };
      return stack.use(await start(options));
    };
    const withPlugin = [...before, ...named, ...after, 'probe'];
    const sides = await Promise.allSettled([
      side(startOracle, withPlugin),
      named.length > 0 ? side(startOracle, [...before, ...after, 'probe']) : undefined,
      bridgeExists() ? side(startSluiceServer, withPlugin) : undefined,
    ]);
    const [on, off, sluice] = sides.map((settled) => {
      if (settled.status === 'rejected') throw settled.reason;
      return settled.value;
    });
    if (on === undefined) throw new Error('a Haraka is missing');
    return { on, off, sluice, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
};
