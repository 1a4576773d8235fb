import type { Seals } from '../accounts/seals.ts';
import type { Webhook, WebhookSecret } from '../storage/ports/webhooks.ts';

const purpose = (id: string): string => `webhook ${id}`;

export const sealSecret = (id: string, secret: string, seals: Seals): WebhookSecret => ({
  sealed: seals.seal(purpose(id), secret),
  until: null,
});

const isValid = ({ until }: WebhookSecret, now: number): boolean => until === null || until > now;

/** The secrets in clear that a delivery is signed with now. */
export const openSecrets = ({ id, secrets }: Webhook, seals: Seals, now: number): string[] =>
  secrets.filter((secret) => isValid(secret, now)).map(({ sealed }) => seals.open(purpose(id), sealed));

/** A new secret takes the place of the one in force, which stays valid until the given time; older ones end now. */
export function rotated(webhook: Webhook, secret: WebhookSecret, until: number): readonly WebhookSecret[] {
  const [current] = webhook.secrets;
  return current === undefined ? [secret] : [secret, { ...current, until }];
}
