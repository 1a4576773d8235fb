/**
 * The one catalogue of errors. A code is stable: it may be searched for, documented and matched by scripts.
 * `exit` is the CLI's exit status (sysexits.h), `http` the API's, `title` what a person reads first.
 */
export const catalogue = {
  CONFIG_INVALID: { title: 'The configuration is not valid', exit: 78, http: 422 },
  CONFIG_UNREADABLE: { title: 'The configuration file cannot be read', exit: 66, http: 500 },
  CONFLICT: { title: 'The request conflicts with what is stored', exit: 65, http: 409 },
  DATA_DIRECTORY_LOCKED: { title: 'Another Sluice uses this data folder', exit: 75, http: 503 },
  FORBIDDEN: { title: 'Not allowed', exit: 77, http: 403 },
  HARAKA_PLUGINS_UNUSABLE: { title: 'Not all Haraka plugins will run', exit: 1, http: 422 },
  IDEMPOTENCY_KEY_REUSED: { title: 'This idempotency key came with another request', exit: 64, http: 422 },
  INTERNAL: { title: 'Something went wrong inside Sluice', exit: 70, http: 500 },
  LISTEN_FAILED: { title: 'A port cannot be listened on', exit: 69, http: 503 },
  LOGIN_BUSY: { title: 'Too many logins are being checked', exit: 75, http: 503 },
  LOGIN_FAILED: { title: 'Email or password is wrong', exit: 77, http: 401 },
  MAIL_DEFERRED: { title: 'The mail was not taken now', exit: 75, http: 503 },
  MAIL_REFUSED: { title: 'The mail was refused', exit: 65, http: 422 },
  MESSAGE_CORRUPT: { title: 'A stored message is not what was accepted', exit: 65, http: 500 },
  METHOD_NOT_ALLOWED: { title: 'This address does not take this method', exit: 64, http: 405 },
  MODE_UNSUPPORTED: { title: 'This cannot be done in this mode', exit: 64, http: 409 },
  NOT_FOUND: { title: 'There is no such thing', exit: 69, http: 404 },
  PLUGIN_CONFIG_INVALID: { title: "A plugin's configuration is not valid", exit: 78, http: 422 },
  PLUGIN_INCOMPATIBLE: { title: 'A plugin does not fit this Sluice', exit: 78, http: 422 },
  PLUGIN_ORDER_CYCLE: { title: 'The order of the plugins goes in a circle', exit: 78, http: 422 },
  PLUGIN_START_FAILED: { title: 'A plugin could not start', exit: 70, http: 422 },
  PLUGIN_UNKNOWN: { title: 'A plugin cannot be found', exit: 78, http: 422 },
  PRECONDITION_FAILED: { title: 'It was changed meanwhile', exit: 75, http: 412 },
  PRECONDITION_REQUIRED: { title: 'Say which version you want to change', exit: 64, http: 428 },
  RATE_LIMITED: { title: 'Too many requests', exit: 75, http: 429 },
  REDIS_UNAVAILABLE: { title: 'Redis does not answer', exit: 69, http: 503 },
  REDIS_UNSUITABLE: { title: 'Redis is not set up as Sluice needs it', exit: 78, http: 503 },
  REGISTRATION_CLOSED: { title: 'Registration is closed', exit: 77, http: 403 },
  REQUEST_INVALID: { title: 'The request is not valid', exit: 64, http: 422 },
  REQUEST_TOO_LARGE: { title: 'The request is too large', exit: 65, http: 413 },
  REQUEST_UNREADABLE: { title: 'The request cannot be read', exit: 65, http: 400 },
  SERVICE_UNAVAILABLE: { title: 'Sluice cannot be reached', exit: 69, http: 503 },
  STORE_CORRUPT: { title: 'The database holds less than was accepted', exit: 65, http: 503 },
  STORE_FULL: { title: 'There is no room left on the disk', exit: 74, http: 507 },
  STORE_NEWER: { title: 'The database was written by a newer Sluice', exit: 65, http: 503 },
  STORE_UNAVAILABLE: { title: 'The database does not answer', exit: 69, http: 503 },
  STORE_UNSUITABLE: { title: 'This database server is not fit for Sluice', exit: 78, http: 503 },
  TLS_INVALID: { title: 'A certificate or key cannot be used', exit: 78, http: 422 },
  UNAUTHENTICATED: { title: 'Log in first', exit: 77, http: 401 },
  UNSUPPORTED_MEDIA_TYPE: { title: 'This kind of content is not taken', exit: 64, http: 415 },
} as const satisfies Record<string, { title: string; exit: number; http: number }>;

export type ErrorCode = keyof typeof catalogue;

/** Where in an input something is wrong: `path` is `plugins.quota.config.time_zone`, `line` counts from 1. */
export interface Problem {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly file?: string;
  /** The environment variable it came from, instead of a file. */
  readonly variable?: string;
}

/**
 * An error from the catalogue. `message` says what happened and what to do; it may be shown to a person.
 * `problems` lists every place of a bad input; `cause` is for the log only.
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; problems?: readonly Problem[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.problems = options.problems ?? [];
  }
}
