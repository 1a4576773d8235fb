import type { ConnectionPlace, ConnectionPlaces, NoPlace } from '../../../core/smtp/connection-counts.ts';
import type { Channel } from './channel.ts';
import type { ChildQuestions, PrimaryQuestions } from './questions.ts';

type ToPrimary = Pick<Channel<ChildQuestions, PrimaryQuestions>, 'ask' | 'tell'>;

/** A client waits no longer for a primary that does not answer; then it is told to come again. Milliseconds. */
const longestWait = 5_000;

/** The places that the primary counts for all processes of the machine. */
export class RemotePlaces implements ConnectionPlaces {
  readonly #primary: ToPrimary;
  readonly #patience: number;
  #total = 0;

  constructor(primary: ToPrimary, patience = longestWait) {
    this.#primary = primary;
    this.#patience = patience;
  }

  get total(): number {
    return this.#total;
  }

  enter(address: string | null): Promise<ConnectionPlace | NoPlace> {
    const { promise, resolve } = Promise.withResolvers<ConnectionPlace | NoPlace>();
    let late = false;
    const giveUp = () => {
      late = true;
      resolve('unknown');
    };
    const timer = setTimeout(giveUp, this.#patience);
    this.#primary
      .ask('enter', address)
      .then((answer) => {
        if (typeof answer === 'string') resolve(answer);
        else if (late) this.#primary.tell('leave', answer);
        else resolve(this.#place(answer));
      }, giveUp)
      .finally(() => clearTimeout(timer));
    return promise;
  }

  #place(place: number): ConnectionPlace {
    this.#total++;
    let open = true;
    return {
      assign: (address) => this.#primary.ask('assign', { place, address }, this.#patience),
      leave: () => {
        if (!open) return;
        open = false;
        this.#total--;
        this.#primary.tell('leave', place);
      },
    };
  }
}
