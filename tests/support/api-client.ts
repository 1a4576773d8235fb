import { checkAnswer } from '../../admin-api/testing/answer-check.ts';

/** An answer of the API: status and the JSON of its body (undefined where there is none). */
export interface ApiAnswer {
  status: number;
  body: unknown;
}

export type ApiCall = (method: string, path: string, body?: unknown) => Promise<ApiAnswer>;

/** Speaks JSON with the API at `base`, with a token if there is one. */
export const apiClient =
  (base: string, token?: string): ApiCall =>
  async (method, path, body) => {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // Every answer that any test sees has to be one that the document describes.
    checkAnswer(method, path, { status: response.status, headers: Object.fromEntries(response.headers), text });
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };

/** A text field of an answer; throws with the whole answer where it is not there. */
export const textField = (answer: ApiAnswer, name: string): string => {
  const value: unknown = typeof answer.body === 'object' && answer.body !== null && Reflect.get(answer.body, name);
  if (typeof value !== 'string') throw new Error(`no ${name} in ${answer.status} ${JSON.stringify(answer.body)}`);
  return value;
};

export interface Account {
  token: string;
  /** With the token. */
  call: ApiCall;
}

export interface SmtpCredential {
  id: string;
  username: string;
  password: string;
}

/** Registers the first account, which becomes the administrator, and logs in. */
export const registerFirst = async (base: string, email = 'test@example.com'): Promise<Account> => {
  const call = apiClient(base);
  const password = 'password123';
  const registered = await call('POST', '/api/auth/register', { username: email.split('@', 1)[0], email, password });
  if (registered.status !== 201 && registered.status !== 200) {
    throw new Error(`register answered ${registered.status} ${JSON.stringify(registered.body)}`);
  }
  const token = textField(await call('POST', '/api/auth/login', { email, password }), 'token');
  return { token, call: apiClient(base, token) };
};

/** Creates an SMTP credential; quotas are large unless given. */
export const createCredential = async (
  account: Account,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<SmtpCredential> => {
  const answer = await account.call('POST', '/api/smtp-credentials', {
    name: 'tests',
    daily_quota: 1_000_000_000,
    hourly_quota: 1_000_000_000,
    ...settings,
  });
  return {
    id: textField(answer, 'id'),
    username: textField(answer, 'username'),
    password: textField(answer, 'password'),
  };
};
