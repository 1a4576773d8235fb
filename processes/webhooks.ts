import { eventView } from '../admin-api/events/event-view.ts';
import { Seals } from '../core/accounts/seals.ts';
import type { ServerSecrets } from '../core/accounts/server-secrets.ts';
import type { Config } from '../core/config/schema.ts';
import type { Clock } from '../core/domain/clock.ts';
import { NetworkSet } from '../core/domain/ip-network.ts';
import { EventFeed } from '../core/events/event-feed.ts';
import type { Logger } from '../core/observability/log.ts';
import type { Accounts } from '../core/storage/ports/accounts.ts';
import type { Bus } from '../core/storage/ports/bus.ts';
import type { Events } from '../core/storage/ports/events.ts';
import type { Webhooks } from '../core/storage/ports/webhooks.ts';
import { WebhookDeliveries } from '../core/webhooks/webhook-deliveries.ts';
import { WebhookSender } from '../core/webhooks/webhook-sender.ts';
import { WebhooksService } from '../core/webhooks/webhooks-service.ts';
import type { Closing } from './closing.ts';
import { version } from './package-version.ts';

/** Besides what the bus tells; a revoked owner's webhooks end within it at the latest. */
const pollMilliseconds = 5_000;

/** What a process that answers the API has to tell of events: the feed of its streams, and webhooks with their deliveries. */
export function startTelling(
  parts: {
    readonly config: Config;
    readonly store: { readonly events: Events; readonly webhooks: Webhooks; readonly accounts: Accounts };
    readonly bus: Bus;
    readonly serverSecrets: ServerSecrets;
    readonly clock: Clock;
    readonly log: Logger;
  },
  closing: Closing,
): { readonly eventFeed: EventFeed; readonly webhooksService: WebhooksService } {
  const { store, bus, clock, log } = parts;
  const { events, webhooks, accounts } = store;
  const settings = parts.config.api.webhooks;
  const seals = new Seals(parts.serverSecrets.secretsKey);
  const eventFeed = new EventFeed({ events, log });
  const sender = new WebhookSender({
    allowed: new NetworkSet(settings.allow_networks),
    timeoutMilliseconds: settings.timeout,
    version,
  });
  const common = { webhooks, sender, seals, bus, clock };
  const deliveries = new WebhookDeliveries({
    ...common,
    feed: eventFeed,
    accounts,
    log,
    render: (event) => JSON.stringify(eventView(event)),
    retry: { first: settings.retry_first, most: settings.retry_most },
    giveUpAfter: settings.give_up_after,
    pollMilliseconds,
  });
  closing.alongside('webhooks', () => deliveries.close());
  return { eventFeed, webhooksService: new WebhooksService({ ...common, events, perUser: settings.per_user }) };
}
