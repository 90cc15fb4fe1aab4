/** The programs that Hayloft is measured against, started on loopback in folders of their own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../rig/until.ts';
import { startProgram } from '../rig/process.ts';

export interface Peer {
  port: number;
  /** Its own folder, for what it stores. */
  folder: string;
  stop(): Promise<void>;
}

/** nginx with WebDAV's PUT, storing below `folder/files`. */
export async function startNginx(): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  mkdirSync(join(folder, 'files'), { mode: 0o777 });
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off;
    user root;
    worker_processes auto;
    pid ${folder}/pid;
    error_log ${folder}/error.log;
    events {}
    http {
      access_log off;
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      scgi_temp_path ${folder}/scgi;
      uwsgi_temp_path ${folder}/uwsgi;
      client_max_body_size 0;
      server {
        listen 127.0.0.1:${port};
        root ${folder}/files;
        location / { dav_methods PUT DELETE; }
      }
    }`,
  );
  const program = startProgram('/usr/sbin/nginx', ['-c', config, '-e', join(folder, 'error.log')]);
  await until('nginx', () => answers(port));
  return { port, folder, stop: async () => { await program.stop(); rmSync(folder, { recursive: true, force: true }); } };
}

/** websockify in front of a unix socket. */
export async function startWebsockify(unixSocket: string): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-websockify-'));
  const port = await freePort();
  const program = startProgram('websockify', [`127.0.0.1:${port}`, `--unix-target=${unixSocket}`]);
  await until('websockify', () => answers(port));
  return { port, folder, stop: async () => { await program.stop(); rmSync(folder, { recursive: true, force: true }); } };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
