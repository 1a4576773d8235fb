import { randomBytes } from 'node:crypto';

/** A name for one write, unique among all that ever were: tells our own write from somebody else's. */
export const newToken = (): string => randomBytes(12).toString('base64url');
