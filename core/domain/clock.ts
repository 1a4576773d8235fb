/** The time of day, in milliseconds since the epoch; a port so that tests can move it. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: Date.now };
