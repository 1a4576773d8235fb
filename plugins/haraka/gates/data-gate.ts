import type { Hooks } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { amendEnvelope, dropRefused } from '../session/envelope-sync.ts';
import { notePending } from '../session/pipelining.ts';
import { refusalOf } from '../verdicts.ts';

export const dataGate =
  (bridge: Bridge): Hooks['data'] =>
  async ({ session, transaction }) => {
    const opened = bridge.open(session);
    const { connection, control } = opened;
    const mail = connection.transaction;
    if (mail === null) return undefined;
    dropRefused(connection, mail, transaction);
    const answer = await notePending(opened, bridge.runner.run('data', connection));
    amendEnvelope(mail, transaction, control);
    return refusalOf(answer, { deny: 554, denysoft: 451, text: 'Message denied' }, bridge.constants, connection);
  };
