import { SluiceError } from '../../core/domain/errors.ts';
import {
  accept,
  contractVersion,
  defer,
  definePlugin,
  type LivePlugin,
  reject,
  reply,
  services,
} from '../../core/pipeline/plugin.ts';
import { deliveryConfigSchema } from './config.ts';
import { deliver, mostNextHops, type Upstream } from './deliver.ts';
import { NextHops } from './next-hops.ts';
import { routeFor } from './routing.ts';
import { SmtpUpstream, type UpstreamParts } from './smtp-upstream.ts';
import { nextHopDefaults, type UpstreamSettings, upstreamSettings } from './upstream-settings.ts';

type SmtpUpstreamSettings = Extract<UpstreamSettings, { type: 'smtp' }>;

const noRoute = reply(550, '5.4.4', 'no upstream of this relay takes mail for this sender and recipient');

export default definePlugin({
  name: 'delivery',
  version: '1.0.0',
  contract: contractVersion,
  summary: 'Stores accepted mail durably, and relays it to upstreams with fail-over and routes',
  roles: ['smtp', 'worker'],
  config: deliveryConfigSchema,
  needs: {
    clock: services.clock,
    hostname: services.hostname,
    spool: services.spool,
    upstreamBoard: services.upstreamBoard,
  },
  init({ role, config, services: { clock, hostname, spool, upstreamBoard }, log }): LivePlugin {
    if (role === 'smtp') {
      return {
        hooks: {
          queue: async ({ session, transaction, message }) => {
            try {
              await spool.commit(session, transaction, message);
              return accept({ as: 'queued' });
            } catch (error) {
              return notStored(error);
            }
          },
        },
      };
    }
    const settings = upstreamSettings(config);
    const parts: UpstreamParts = { hostname, clock, board: upstreamBoard, log };
    const upstreams = openUpstreams(settings, parts);
    const nextHops = new NextHops(parts);
    return {
      hooks: {
        route: ({ record, recipient }) => {
          const names = routeFor(settings, record, recipient);
          return names.length === 0 ? reject(noRoute) : accept({ upstreams: names });
        },
        deliver: {
          handler: async ({ job, message }, { signal }) =>
            accept(await deliver({ upstreams, nextHops }, job, message, signal, clock)),
          timeoutMilliseconds: longestDelivery(settings),
        },
      },
      close: () => {
        for (const upstream of upstreams.values()) if (upstream !== 'capture') upstream.close();
        nextHops.close();
      },
    };
  },
});

/** 452 where there is no room for the message; everything else goes on to the runner, which says 451. */
function notStored(error: unknown): ReturnType<typeof defer> {
  if (error instanceof SluiceError && error.code === 'STORE_FULL') {
    return defer(reply(452, '4.3.1', 'no room to store the message; please try again later', error));
  }
  if (error instanceof SluiceError && error.code === 'RATE_LIMITED') {
    return defer(reply(452, '4.7.1', error.message.replaceAll(/[\r\n]+/g, ' '), error));
  }
  throw error;
}

/** Throws `CONFIG_UNREADABLE` for a file of authorities that cannot be read. */
function openUpstreams(settings: readonly UpstreamSettings[], parts: UpstreamParts): ReadonlyMap<string, Upstream> {
  const open = (upstream: UpstreamSettings): Upstream => {
    if (upstream.type === 'capture') {
      const { name } = upstream;
      parts.board.report({ name, state: 'up', target: 'capture', since: parts.clock.now(), lastError: null });
      return 'capture';
    }
    try {
      return new SmtpUpstream(upstream, parts);
    } catch (error) {
      const what = `tls_ca of the upstream ${upstream.name} cannot be read: ${upstream.authorities}`;
      throw new SluiceError('CONFIG_UNREADABLE', what, { cause: error });
    }
  };
  return new Map(settings.map((upstream) => [upstream.name, open(upstream)]));
}

/** A bound far beyond what the upstreams' own timeouts allow for one message: the hook's deadline must not come first. */
function longestDelivery(settings: readonly UpstreamSettings[]): number {
  const smtp = settings.filter((upstream): upstream is SmtpUpstreamSettings => upstream.type === 'smtp');
  const nextHops = Array.from({ length: mostNextHops }, () => nextHopDefaults);
  return [...smtp, ...nextHops].reduce(
    (sum, { timeouts }) => sum + 3 * timeouts.connect + 3 * timeouts.command + 4 * timeouts.data,
    60_000,
  );
}
