/** A program of its own, as QEMU is one: sends whoever connects to a unix socket as many bytes as asked for, as fast as they go. */
import { createServer } from 'node:net';

const [path = '', bytes = '0'] = process.argv.slice(2);
const chunk = Buffer.alloc(256 * 1024, 0x5a);

const server = createServer((viewer) => {
  let left = Number(bytes);
  const send = (): void => {
    while (left > 0) {
      left -= chunk.byteLength;
      if (!viewer.write(chunk)) return;
    }
  };
  viewer.on('drain', send).on('error', () => viewer.destroy());
  send();
});
server.listen(path, () => console.log('listening'));
