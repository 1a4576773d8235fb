import { z } from 'zod';

export const configSchema = z
  .strictObject({
    subdomains: z.boolean().default(false).describe('A listed domain stands for everything below it, too'),
    null_sender: z
      .boolean()
      .default(false)
      .describe('Take the null sender <> (reports, automatic answers) from logins that are bound to domains'),
  })
  .describe('The domains themselves are set with the credential or user, by API or command line.');
