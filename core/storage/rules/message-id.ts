import { SluiceError } from '../../domain/errors.ts';

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for the text of a UUID in lower case: the only ids there are. */
export const isMessageId = (id: string): boolean => pattern.test(id);

/** Throws `REQUEST_INVALID` where the id is no UUID in lower case. */
export function checkedId(id: string): string {
  if (!isMessageId(id)) throw new SluiceError('REQUEST_INVALID', `${JSON.stringify(id)} is not the id of a message`);
  return id;
}
