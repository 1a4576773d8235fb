import type { Hooks } from '../../../core/pipeline/plugin.ts';
import type { Bridge } from '../bridge.ts';
import { notePending } from '../session/pipelining.ts';
import { followSession } from '../session/session-facts.ts';
import { refusalOf } from '../verdicts.ts';

export const heloGate =
  (bridge: Bridge): Hooks['helo'] =>
  async ({ session, verb, name }) => {
    const opened = bridge.open(session);
    const { connection, settling } = opened;
    if (settling !== null) await settling;
    followSession(connection, session);
    connection.hello = { host: name, verb };
    connection.results.add({ name: 'helo' }, connection.hello);
    const answer = await notePending(opened, bridge.runner.run(verb === 'HELO' ? 'helo' : 'ehlo', connection, name));
    connection.takeChanges();
    const refused = refusalOf(
      answer,
      { deny: 550, denysoft: 450, text: `${verb} denied` },
      bridge.constants,
      connection,
    );
    if (refused === undefined) connection.esmtp ||= verb === 'EHLO';
    else if (refused.do !== 'disconnect') connection.hello = { host: null, verb: null };
    return refused;
  };

/** Plugins edit `connection.capabilities`, whose first line is the greeting; what they answer does not matter. */
export const capabilitiesGate =
  (bridge: Bridge): Hooks['capabilities'] =>
  async ({ session, capabilities }) => {
    const { connection } = bridge.open(session);
    const greeting = `${connection.local.host} Hello ${connection.get_remote('host')}`;
    connection.capabilities = [greeting, ...capabilities];
    await bridge.runner.run('capabilities', connection);
    const edited = connection.capabilities ?? [];
    capabilities.splice(0, capabilities.length, ...edited.filter((line) => line !== greeting));
  };
