import { installSite } from './site.ts';

/** Global setup of vitest: a new machine installs the site before the tests, not within their time. */
export default async function setup(): Promise<void> {
  await installSite();
}
