import { randomInt } from 'node:crypto';

const digits = '0123456789';
const letters = 'abcdefghijklmnopqrstuvwxyz';
/** Base62 without the five that are taken for one another in print (0 O 1 I l); 24 of them hold 139 bits. */
const readable = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const draw = (alphabet: string, length: number): string => {
  let text = '';
  for (let i = 0; i < length; i += 1) text += alphabet[randomInt(alphabet.length)];
  return text;
};

/** A username such as `relay_12345678_abcd`; free with near certainty, the store has the last word. */
export const generateUsername = (): string => `relay_${draw(digits, 8)}_${draw(letters, 4)}`;

/** A password of 24 characters that a person can read out, holding more than 128 bits. */
export const generatePassword = (): string => draw(readable, 24);

/** A key for scripts, recognised by its prefix: 186 random bits. */
export const generateApiKey = (): string => `sluice_${draw(readable, 32)}`;
export const isApiKey = (text: string): boolean => /^sluice_[A-Za-z0-9]{32}$/.test(text);

/** Exchanged once for the next one. */
export const generateRefreshToken = (): string => `refresh_${draw(readable, 43)}`;
