import type { AddressInfo } from 'node:net';
import { createSmtpFrontEnd, type SmtpFrontEnd } from '../core/smtp/front-end.ts';
import type { FrontEndParts } from '../core/smtp/shared.ts';
import { MessageIntake } from '../core/spool/message-intake.ts';
import type { MessageStore } from '../core/storage/ports/message-store.ts';
import type { Closing } from './closing.ts';
import { graceMilliseconds } from './grace.ts';

export interface SmtpSide {
  readonly frontEnd: SmtpFrontEnd;
  readonly addresses: Readonly<Record<string, AddressInfo>>;
}

/** Takes mail: listens once everything that judges it runs. */
export async function startSmtpSide(
  parts: Omit<FrontEndParts, 'intake' | 'store'> & { readonly messages: MessageStore },
  closing: Closing,
): Promise<SmtpSide> {
  const { messages } = parts;
  const frontEnd = createSmtpFrontEnd({
    ...parts,
    intake: (id, expectedSize) => new MessageIntake(messages, id, { expectedSize }),
    store: messages,
  });
  const addresses = await frontEnd.listen();
  closing.alongside('smtp', () => frontEnd.close(graceMilliseconds));
  return { frontEnd, addresses };
}
