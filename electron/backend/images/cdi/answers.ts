/** What CDI's upload proxy and the server behind it mean by their answers (CDI's pkg/uploadproxy and pkg/uploadserver). */
import { asHayloftError, HayloftError } from '#shared/contract/errors.ts';
import { AnswerError } from '../../clusters/api-errors.ts';

/**
 * What is to be done: `over`: nothing, it has all; `token`: with a new token; `door`: by another way; `wait`: it takes
 * nothing just now; `again`: from the beginning; `fail`: it will never work.
 */
export interface Verdict {
  what: 'over' | 'token' | 'door' | 'wait' | 'again' | 'fail';
  error: HayloftError;
}

/** What may be over in a moment: the network is gone, or the cluster begins anew. */
const passing: readonly string[] = ['connection-lost', 'unreachable', 'timeout', 'engine-not-running'];
/** What a server says when it is the connection that was at fault. */
const brokenStream = /unexpected EOF|connection reset|broken pipe|context canceled|client disconnected/i;

export const isPassing = (error: unknown): boolean => passing.includes(asHayloftError(error).code);

/** @param thrown what a request of an upload failed with */
export function judge(thrown: unknown): Verdict {
  const error = asHayloftError(thrown);
  if (!(error instanceof AnswerError) || error.named) return { what: isPassing(error) ? 'again' : 'fail', error };
  const { httpStatus, message } = error;
  const told = (code: HayloftError['code'], text: string, hint: string): HayloftError => new HayloftError(code, text, { hint, cause: error });
  switch (httpStatus) {
    case 401:
      return { what: 'token', error: told('unauthorized', 'The cluster did not take the token for the upload.', 'Look whether its clock is right; tokens last five minutes.') };
    case 409:
      return { what: 'over', error };
    case 413:
      return { what: 'door', error: told('too-large', 'Something between here and the cluster takes no requests of this size.', 'On an ingress of nginx the annotation nginx.ingress.kubernetes.io/proxy-body-size: "0" lets them through.') };
    case 502:
    case 504:
      return { what: 'again', error };
    case 503:
      if (/already finished/i.test(message)) return { what: 'over', error };
      if (/upload target|not found/i.test(message)) return { what: 'fail', error: told('conflict', `The cluster does not take an upload there: ${message}`, 'Look at the volume in the cluster.') };
      return { what: 'wait', error };
    case 400:
      if (/larger than the reported available/i.test(message)) return { what: 'fail', error: told('no-space', `The image does not fit into its volume: ${message}`, 'The disk inside may be larger than its header says. Convert it to qcow2, and upload that.') };
      if (/authorization|token/i.test(message)) return { what: 'token', error };
      return { what: 'fail', error: told('not-an-image', `The cluster cannot use this image: ${message}`, 'Convert it to qcow2 with qemu-img, and upload that.') };
    case 500:
      if (/no space left/i.test(message)) return { what: 'fail', error: told('no-space', `The cluster has no room for the image: ${message}`, 'Free some space in the cluster’s storage, and upload it again.') };
      return { what: brokenStream.test(message) ? 'again' : 'fail', error: told('internal', `The cluster could not store the image: ${message}`, 'Look at the log of the pod cdi-upload-… in the cluster.') };
    default:
      return { what: error.retryable ? 'again' : 'fail', error };
  }
}
