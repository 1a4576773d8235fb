import { defer, disconnect, type Refusal, reply } from '../../core/pipeline/plugin.ts';
import type { Exceeded } from './rates.ts';

const owners = { address: 'your address', credential: 'this credential', user: 'this account' } as const;

function span(milliseconds: number): string {
  if (milliseconds % 3_600_000 === 0) return `${milliseconds / 3_600_000} h`;
  if (milliseconds % 60_000 === 0) return `${milliseconds / 60_000} min`;
  return `${milliseconds / 1_000} s`;
}

/** Which limit was met and when to try again; connections and commands end the connection, to be of use at all. */
export function tooFast({ counted, of, rate, resetsAt }: Exceeded): Refusal {
  const again = new Date(Math.ceil(resetsAt / 1_000) * 1_000).toISOString().slice(11, 19);
  const limit = `limit ${rate.limit} in ${span(rate.window)}`;
  const text = `too many ${counted} from ${owners[of]} (${limit}); try again after ${again} UTC`;
  return counted === 'connections' || counted === 'commands'
    ? disconnect(reply(421, '4.7.1', text))
    : defer(reply(450, '4.7.1', text));
}
