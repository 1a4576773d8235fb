import type { Session } from '../pipeline/session.ts';
import type { SessionControl, SessionControls } from '../pipeline/session-control.ts';

/** A connection as the registry knows it. Its control is made when it is first asked for: most never are. */
export interface Controlled {
  readonly state: Session;
  readonly control: SessionControl;
}

/** The controls of a process's open connections; one registry for its front end and its plugins. */
export class ConnectionControls implements SessionControls {
  readonly #connections = new Map<Session, Controlled>();

  of(session: Session): SessionControl | null {
    return this.#connections.get(session)?.control ?? null;
  }

  enter(connection: Controlled): void {
    this.#connections.set(connection.state, connection);
  }

  leave(connection: Controlled): void {
    this.#connections.delete(connection.state);
  }
}
