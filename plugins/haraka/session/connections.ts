import type { Session } from '../../../core/pipeline/plugin.ts';
import type { SessionControl, SessionControls } from '../../../core/pipeline/session-control.ts';
import type { HarakaProcess } from '../host/haraka-process.ts';
import { Connection } from './haraka-connection.ts';

/** A session's connection, with what the bridges do to it in turn. */
export interface OpenConnection {
  readonly connection: Connection;
  readonly control: SessionControl | null;
  /** What observers still do: the next command waits for it, as in Haraka. Null where nothing is under way. */
  settling: Promise<void> | null;
  /** The hook with which `connect` begins anew, after a plugin said who the client really is. */
  again: 'connect_init' | 'lookup_rdns' | 'connect';
  /** True once a PTR record was looked for, or set by a plugin. */
  named: boolean;
}

const open = new WeakMap<Session, OpenConnection>();

/** The one connection of a session, whichever bridge asks first. */
export function connectionOf(
  session: Session,
  process: HarakaProcess,
  controls: SessionControls,
  hostname: string,
): OpenConnection {
  let found = open.get(session);
  if (found === undefined) {
    const control = controls.of(session);
    const connection = new Connection(process, session, control, hostname);
    found = { connection, control, settling: null, again: 'connect_init', named: false };
    open.set(session, found);
    // Native plugins read and write the same notes under this key.
    session.notes.haraka = connection.notes;
  }
  return found;
}

/** Puts work of an observer behind what is under way. */
export function settle(opened: OpenConnection, work: () => Promise<void>): Promise<void> {
  // What went wrong before is its own caller's to hear.
  const before = opened.settling?.catch(() => undefined) ?? Promise.resolve();
  const settling = before.then(work).finally(() => {
    if (opened.settling === settling) opened.settling = null;
  });
  opened.settling = settling;
  return settling;
}
