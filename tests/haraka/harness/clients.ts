import type { DnsZone } from './dns-server.ts';

/*
 * Addresses that plugins take for public ones: many skip private addresses, and documentation networks count as such.
 * Nothing is ever sent to them.
 */

/** Has a name, which leads back to it. */
export const known = '45.33.12.7';
/** Has no name. */
export const nameless = '45.33.12.8';
/** Has a name that says it is one of many. */
export const generic = '45.33.12.9';
/** Has a name that leads elsewhere. */
export const mismatched = '45.33.12.10';

export const clientNames: DnsZone = {
  '7.12.33.45.in-addr.arpa': { PTR: ['mail.example.org'] },
  'mail.example.org': { A: [known] },
  '9.12.33.45.in-addr.arpa': { PTR: ['45-33-12-9.dsl.example.net'] },
  '45-33-12-9.dsl.example.net': { A: [generic] },
  '10.12.33.45.in-addr.arpa': { PTR: ['mail.example.net'] },
  'mail.example.net': { A: ['8.19.20.21'] },
};
