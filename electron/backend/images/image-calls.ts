/** What a person does with images. */
import type { CallHandlers, StreamHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { KubeList } from '#shared/kube/object.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { dataVolumes, pathOf, virtualMachines } from '../clusters/kinds.ts';
import { machineImages, readImage } from '../harvester/harvester-facts.ts';
import { usersOf } from './images-topic.ts';
import { fileSource, streamSource } from './upload-source.ts';
import type { Uploads } from './uploads.ts';

type ImageCalls = Pick<
  CallHandlers,
  'images.uploadFile' | 'images.cancelUpload' | 'images.pauseUpload' | 'images.resumeUpload' | 'images.dismissUpload' | 'images.expectSums' | 'images.serveUpload' | 'images.setUploadSettings' | 'images.delete'
>;

export function imageCalls(clusters: Clusters, uploads: Uploads): ImageCalls {
  return {
    'images.uploadFile': async ({ path, ...target }) => {
      const source = await fileSource(path);
      return { uploadId: uploads.begin(target, source.sizeBytes, Promise.resolve(source)).id };
    },
    'images.cancelUpload': ({ uploadId }) => {
      uploads.cancel(uploadId);
      return Promise.resolve({});
    },
    'images.pauseUpload': ({ uploadId }) => {
      uploads.pause(uploadId);
      return Promise.resolve({});
    },
    'images.resumeUpload': ({ uploadId }) => {
      uploads.resume(uploadId);
      return Promise.resolve({});
    },
    'images.dismissUpload': ({ uploadId }) => {
      uploads.dismiss(uploadId);
      return Promise.resolve({});
    },
    'images.expectSums': ({ text, uploadId }) => Promise.resolve({ fileNames: uploads.expectSums(text, uploadId) }),
    'images.serveUpload': async ({ uploadId }) => {
      await uploads.serve(uploadId);
      return {};
    },
    'images.setUploadSettings': (settings) => {
      uploads.setSettings({ key: 'uploads', ...settings });
      return Promise.resolve({});
    },
    'images.delete': async ({ clusterId, namespace, name, inDrives }) => {
      const client = await clusters.get(clusterId).client();
      const machines = await client.call<KubeList<VirtualMachine>>('GET', pathOf(virtualMachines, namespace));
      const users = usersOf(machines.items, namespace, name);
      if (users.length > 0 && !inDrives) {
        throw new HayloftError('conflict', `This image is in the drive of ${users.join(', ')}.`, {
          hint: 'Delete the machine, or take the image out of its drive first.',
        });
      }
      // Disks made from one of Harvester's images go on reading from it, which its webhook knows best.
      const own = await readImage(client, namespace, name);
      await client.call('DELETE', pathOf(own ? machineImages : dataVolumes, namespace, name));
      return {};
    },
  };
}

export function imageStreams(uploads: Uploads): Pick<StreamHandlers, 'images.upload'> {
  return {
    'images.upload': async ({ sizeBytes, tail, about, ...target }, stream, { signal }) => {
      const { id, finished } = uploads.begin(target, sizeBytes, streamSource(stream, sizeBytes, { tail, about }));
      stream.accept({ uploadId: id });
      signal.addEventListener('abort', () => uploads.cancel(id), { once: true });
      await finished;
    },
  };
}
