/** `same-bytes FOLDER TLS`: an HTTPS server that sends the files `whole` and `page` of a folder from memory, and nothing else. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const [folder = '', tls = ''] = process.argv.slice(2);
const files = new Map(['whole', 'page'].map((name) => [`/${name}`, readFileSync(join(folder, name))]));
const server = createServer({ cert: readFileSync(join(tls, 'server.crt')), key: readFileSync(join(tls, 'server.key')) }, (request, response) => {
  const body = files.get(request.url ?? '');
  response.writeHead(body ? 200 : 404, { 'content-type': 'application/json', 'content-length': body?.length ?? 0 }).end(body);
});
server.listen(0, '127.0.0.1', () => console.log(`at https://127.0.0.1:${(server.address() as AddressInfo).port}`));
