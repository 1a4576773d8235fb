import { defer, disconnect, type Refusal, reject, reply } from '../../core/pipeline/plugin.ts';

const clockTime = (at: number): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;

/** One text for every failure, so that a guesser learns nothing and an owner knows where to look. */
export const wrong = reject(
  reply(
    535,
    '5.7.8',
    'login failed: check username and password, and that the credential is enabled and allowed from your address',
  ),
);

export const busy = defer(reply(454, '4.7.0', 'too many logins are being checked; try again in a few seconds'));

export const revoked = disconnect(reply(421, '4.7.0', 'your login is no longer valid; connect and log in again'));

/** `until`: milliseconds since the epoch. */
export const addressLocked = (address: string, until: number): Refusal =>
  disconnect(reply(421, '4.7.0', `too many failed logins from ${address}; try again after ${clockTime(until)}`));

export const usernameLocked = (until: number): Refusal =>
  defer(reply(454, '4.7.0', `too many failed logins as this user; try again after ${clockTime(until)}`));
