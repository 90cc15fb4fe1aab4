import { describe, expect, it } from 'vitest';
import { errorFromAnswer, errorFromNetwork } from './api-errors.ts';
import { failure } from './fake-api-server.ts';

const answer = (code: number, reason: string, message: string, causes?: object[]): ReturnType<typeof errorFromAnswer> =>
  errorFromAnswer(code, JSON.stringify(failure(code, reason, message, causes)));

describe('an answer that says no', () => {
  it.each([
    [409, 'AlreadyExists', 'already-exists'],
    [409, 'Conflict', 'conflict'],
    [404, 'NotFound', 'not-found'],
    [403, 'Forbidden', 'forbidden'],
    [401, 'Unauthorized', 'unauthorized'],
    [507, 'InsufficientStorage', 'no-space'],
  ] as const)('%i %s is “%s”', (status, reason, code) => {
    expect(answer(status, reason, 'As the server says.')).toMatchObject({ code, message: 'As the server says.', retryable: false });
  });

  it('takes our own code from the engine, with what happened as the message and what to do as the hint', () => {
    const causes = [{ reason: 'no-space', message: 'Free some space.' }];
    expect(answer(500, 'InternalError', 'The disk is full.', causes)).toMatchObject({
      code: 'no-space',
      named: true,
      message: 'The disk is full.',
      hint: 'Free some space.',
    });
  });

  it('says what is wrong with a field, without the API’s preface', () => {
    const causes = [{ field: 'spec.storage', reason: 'FieldValueInvalid', message: 'Invalid value: "2 GiB": 1 GiB is free on the disk' }];
    expect(answer(422, 'Invalid', 'DataVolume "x" is invalid: spec.storage: …', causes)).toMatchObject({
      code: 'invalid',
      field: 'spec.storage',
      message: '1 GiB is free on the disk.',
    });
  });

  it('does not show a proxy’s page', () => {
    expect(errorFromAnswer(502, '<html>Bad gateway</html>')).toMatchObject({
      code: 'unreachable',
      message: 'The server answered with HTTP status 502.',
      retryable: true,
    });
  });
});

describe('a network that fails', () => {
  it.each([
    ['ECONNREFUSED', 'unreachable'],
    ['ECONNRESET', 'connection-lost'],
    ['ETIMEDOUT', 'timeout'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'untrusted'],
  ] as const)('%s is “%s”', (code, expected) => {
    const error = errorFromNetwork(Object.assign(new Error('x'), { code }), 'https://10.0.0.1:6443');
    expect(error).toMatchObject({ code: expected, message: expect.stringContaining('10.0.0.1:6443') as string });
  });
});
