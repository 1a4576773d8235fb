import cluster from 'node:cluster';
import type { Config } from '../../../core/config/schema.ts';
import { SluiceError } from '../../../core/domain/errors.ts';
import type { ConnectionCounts } from '../../../core/smtp/connection-counts.ts';
import { Channel } from './channel.ts';
import { PlacesOfChild } from './places-of-child.ts';
import type { ChildQuestions, PrimaryQuestions, StartedChild } from './questions.ts';
import { asTold } from './told-error.ts';

export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** One process that takes mail, as the primary sees it. It runs the command line that the primary was started by. */
export class ChildProcess {
  /** Never used again in the life of the primary. */
  readonly number: number;
  readonly pid: number;
  readonly primary: Channel<PrimaryQuestions, ChildQuestions>;
  /** Rejects with why it could not start. */
  readonly started: Promise<StartedChild>;
  readonly ended: Promise<Ending>;
  #takesMail = false;
  readonly #signal: (signal: NodeJS.Signals) => void;

  constructor(counts: ConnectionCounts, config: Config) {
    const worker = cluster.fork();
    this.number = worker.id;
    this.pid = worker.process.pid ?? 0;
    this.#signal = (signal) => worker.process.kill(signal);
    const started = Promise.withResolvers<StartedChild>();
    this.started = started.promise;
    // Who starts it may look only later.
    started.promise.catch(() => {});
    const places = new PlacesOfChild(counts);
    const end = {
      send: (message: object) => void worker.send(message, undefined, undefined, () => {}),
      listen: (hear: (message: unknown) => void) => void worker.on('message', hear),
    };
    this.primary = new Channel<PrimaryQuestions, ChildQuestions>(end, {
      config: () => config,
      enter: (address) => places.enter(address),
      assign: ({ place, address }) => places.assign(place, address),
      leave: (place) => places.leave(place),
      started: (facts) => {
        this.#takesMail = true;
        started.resolve(facts);
      },
      failed: (error) => {
        started.reject(asTold(error));
        // It has closed everything, and only waits.
        this.signal('SIGKILL');
      },
    });
    const ended = Promise.withResolvers<Ending>();
    this.ended = ended.promise;
    const over = (ending: Ending) => {
      this.#takesMail = false;
      places.leaveAll();
      this.primary.close();
      started.reject(new SluiceError('INTERNAL', `a process ended as it started (${ending.code ?? ending.signal})`));
      ended.resolve(ending);
    };
    worker.once('exit', (code, signal) => over({ code, signal }));
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) over({ code: null, signal: error.message });
    });
  }

  /** From when it listens to when it ends. */
  get takesMail(): boolean {
    return this.#takesMail;
  }

  signal(signal: NodeJS.Signals): void {
    this.#signal(signal);
  }
}
