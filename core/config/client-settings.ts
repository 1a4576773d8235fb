import type { Environment } from './environment.ts';

/** How the CLI reaches a Sluice elsewhere: `SLUICE_URL`, `SLUICE_TOKEN`. Without a URL it uses the control socket. */
export const clientSettings = (env: Environment): { readonly url?: string; readonly token?: string } => ({
  ...(env.SLUICE_URL ? { url: env.SLUICE_URL } : {}),
  ...(env.SLUICE_TOKEN ? { token: env.SLUICE_TOKEN } : {}),
});
