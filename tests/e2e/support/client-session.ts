import type { SmtpCredential } from '../../support/api-client.ts';
import type { Sluice } from '../../support/process.ts';
import { SmtpDialogue } from '../../support/smtp-dialogue.ts';

/** A client that has connected, gone over to TLS and logged in. */
export const clientSession = async (
  relay: Pick<Sluice, 'ports'>,
  { username, password }: SmtpCredential,
): Promise<SmtpDialogue> => {
  const client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  await client.startTls();
  await client.expect(250, 'EHLO client.test');
  const answer = await client.login(username, password);
  if (answer.code !== 235) throw new Error(`the login was answered ${answer.code} ${answer.text}`);
  return client;
};
