import type { Clock } from '../domain/clock.ts';
import type { Accounts } from '../storage/ports/accounts.ts';
import type { Blacklist } from '../storage/ports/blacklist.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { Counters } from '../storage/ports/counters.ts';
import type { KeyValueStore } from '../storage/ports/key-value.ts';
import type { RateLimits } from '../storage/ports/rate-limits.ts';
import type { Send } from '../storage/ports/send.ts';
import type { Spool } from '../storage/ports/spool.ts';
import type { BlacklistIndex } from './blacklist-index.ts';
import type { Directory } from './directory.ts';
import type { SecretVerifier } from './secret-verifier.ts';
import type { SessionControls } from './session-control.ts';
import { token } from './token.ts';
import type { UpstreamBoard } from './upstream-board.ts';

/** Services a plugin may ask for in `needs`. */
export const services = {
  accounts: token<Accounts>('accounts'),
  blacklist: token<Blacklist>('blacklist'),
  blacklistIndex: token<BlacklistIndex>('blacklist-index'),
  bus: token<Bus>('bus'),
  clock: token<Clock>('clock'),
  counters: token<Counters>('counters'),
  directory: token<Directory>('directory'),
  /** The name this relay gives itself in greeting, Received and EHLO. */
  hostname: token<string>('hostname'),
  /** Key-value pairs of this plugin id only. */
  keyValue: token<KeyValueStore>('key-value'),
  rateLimits: token<RateLimits>('rate-limits'),
  secretVerifier: token<SecretVerifier>('secret-verifier'),
  /** Hands over a new message, to be relayed like any other. */
  send: token<Send>('send'),
  /** What a bridge to another server's plugins may do to a session; ordinary plugins need none of it. */
  sessionControls: token<SessionControls>('session-controls'),
  spool: token<Spool>('spool'),
  upstreamBoard: token<UpstreamBoard>('upstream-board'),
};
