import { describe, expect, it } from 'vitest';
import { message, testPlugin, transaction } from '../../core/pipeline/testing.ts';
import { plugin } from './index.ts';
import { heldPhrase } from './phrase-rule.ts';

const ask = async (action: 'reject' | 'defer', subject: string) => {
  await using tested = await testPlugin(plugin, { config: { phrases: ['free money'], action } });
  const t = transaction({ recipients: ['someone@example.com'] });
  const verdict = await tested.run('message', {
    session: t.session,
    transaction: t,
    message: message(`Subject: ${subject}\n\nhello\n`),
  });
  return { verdict, notes: t.notes, now: tested.fakes.clock.now() };
};

describe('template', () => {
  it('lets other subjects pass, and says when it looked', async () => {
    const { verdict, notes, now } = await ask('reject', 'lunch');
    expect(verdict).toBeUndefined();
    expect(notes).toEqual({ template: { checkedAt: now } });
  });

  it.each([
    ['reject', 550, '5.7.1'],
    ['defer', 450, '4.7.1'],
  ] as const)('%ss a phrase with %i %s and says which', async (action, code, enhanced) => {
    const { verdict } = await ask(action, 'Get FREE\n money');
    expect(verdict).toMatchObject({
      do: action,
      reply: { code, enhanced, text: expect.stringContaining('free money') },
    });
  });

  it('asks for its phrases by name', async () => {
    await expect(testPlugin(plugin)).rejects.toThrow(/plugins\.template\.config\.phrases/);
  });
});

it('compares without case, and names the phrase as configured', () => {
  expect(heldPhrase('AbC', ['x', 'bC'])).toBe('bC');
  expect(heldPhrase('abc', [])).toBeUndefined();
});
