/** The backend in a process of its own, so that neither the window nor the tray ever waits for it. */
import '#shared/host/lean-heap.ts';
import { join } from 'node:path';
import { portCarrier } from '#shared/channel/port-carrier.ts';
import { serveChannel } from '#shared/channel/server.ts';
import { openLog } from '#shared/host/log-file.ts';
import { createBackend } from '../backend/backend.ts';
import type { BackendMessage } from './backend-host.ts';

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('The backend’s process needs the data folder as its argument.');

const log = openLog(dataDir, 'desktop');
const backend = createBackend({ dataDir, host: 'desktop', engineMain: join(import.meta.dirname, '..', 'engine', 'main.js'), log });
backend.begin();

process.parentPort.on('message', ({ data, ports }) => {
  const message = data as BackendMessage;
  if (message === 'connect') {
    for (const port of ports) {
      serveChannel(portCarrier(port), backend.handlers, {
        onInternalError: (name, error) => log.error(`“${name}” failed`, { error: error.message, cause: String(error.cause) }),
      });
    }
  } else {
    backend.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('The backend did not close well', { error: String(error) });
        process.exit(1);
      },
    );
  }
});
