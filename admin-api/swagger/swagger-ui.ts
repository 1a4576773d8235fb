import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import restify, { type Next, type Request, type Response, type Server } from 'restify';

const shippedFolder = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
/** What the page asks for; the rest of the package stays unserved, its own index.html above all, which loads a foreign document. */
const shippedFiles = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];
const ownFiles = { 'index.html': 'text/html; charset=utf-8', 'initializer.js': 'text/javascript; charset=utf-8' };

/** Swagger UI sets style attributes; scripts come from files of ours only, and nothing comes from anywhere else. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function markStatic(response: Response): void {
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('Cache-Control', 'no-cache');
}

/** Serves Swagger UI under /swagger/ from local files. */
export function mountSwaggerUi(server: Server): void {
  const toIndex = async (_: Request, response: Response) => {
    response.send(302, undefined, { Location: '/swagger/index.html' });
  };
  server.get('/swagger', toIndex);
  server.get('/swagger/', toIndex);

  for (const [name, mediaType] of Object.entries(ownFiles)) {
    const text = readFileSync(new URL(name, import.meta.url), 'utf8');
    server.get(`/swagger/${name}`, async (_: Request, response: Response) => {
      markStatic(response);
      response.sendRaw(200, text, { 'Content-Type': mediaType });
    });
  }

  const serve = restify.plugins.serveStaticFiles(shippedFolder, { setHeaders: markStatic });
  for (const name of shippedFiles) {
    const choose = (request: Request, _: Response, next: Next) => {
      request.params = { '*': name };
      next();
    };
    server.get(`/swagger/${name}`, choose, serve);
  }
}
