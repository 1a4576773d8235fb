import { z } from 'zod';
import { bind, defineRoute } from '../route.ts';

export const getOpenApi = defineRoute({
  id: 'getOpenApi',
  method: 'GET',
  path: '/openapi.json',
  tag: 'documentation',
  summary: 'This document (OpenAPI 3.1)',
  security: 'none',
  limited: false,
  answers: { 200: { description: 'The document', schema: z.looseObject({ openapi: z.string() }) } },
});

export const openApiRoutes = [getOpenApi];

/** `document` is made once: it does not change while the process lives. */
export const bindOpenApi = ({ document }: { document: { openapi: string } }) => [
  bind(getOpenApi)(async () => ({ status: 200, body: { ...document } })),
];
