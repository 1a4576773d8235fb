import type { ConnectionPlace, ConnectionPlaces, NoPlace } from '../../../core/smtp/connection-counts.ts';
import type { Channel } from './channel.ts';
import type { ChildQuestions, PrimaryQuestions } from './questions.ts';

type ToPrimary = Pick<Channel<ChildQuestions, PrimaryQuestions>, 'ask' | 'tell'>;

/** A client waits no longer for a primary that does not answer; then it is told to come again. Milliseconds. */
const patience = 5_000;

/** The places that the primary counts for all processes of the machine. */
export class RemotePlaces implements ConnectionPlaces {
  readonly #primary: ToPrimary;
  #total = 0;

  constructor(primary: ToPrimary) {
    this.#primary = primary;
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
    const timer = setTimeout(giveUp, patience);
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
      assign: (address) => this.#primary.ask('assign', { place, address }, patience),
      leave: () => {
        if (!open) return;
        open = false;
        this.#total--;
        this.#primary.tell('leave', place);
      },
    };
  }
}
