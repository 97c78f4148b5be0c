import { readFileSync } from 'node:fs';
import { CancelledFailure } from '@temporalio/common';
import { z } from 'zod';
import { faultIn, faultOf, repeatedFault } from '../../activities/repeated-fault';
import { PermanentEndpointError } from '../../services/endpoints/endpoint-errors';
import { SetUpError } from '../../services/local/set-up-error';
import { StorageUnavailableError } from '../../services/store/storage-errors';

function caught(body: () => unknown): Error {
  try {
    body();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it throws nothing');
}

const missing = (): Error => caught(() => (undefined as unknown as { rows: number }).rows);

test('the same fault is counted on from attempt to attempt, and another one begins anew', () => {
  const first = faultOf(missing(), undefined);
  expect(first).toMatchObject({ times: 1, what: expect.stringMatching(/^TypeError: Cannot read .*repeated-fault\.test\.ts:\d+/) });
  const second = faultOf(missing(), faultIn({ stage: 'select', fault: first }));
  expect(second).toEqual({ what: first!.what, times: 2 });
  expect(faultOf(new RangeError('too long'), second)?.times).toBe(1);
  expect(
    faultOf(
      caught(() => (null as unknown as { rows: number }).rows),
      second,
    )?.times,
  ).toBe(1);
});

test.each([undefined, null, 'text', {}, { fault: null }, { fault: { what: 3, times: 'x' } }])('details %j tell of no fault', (details) => {
  expect(faultIn(details)).toBeUndefined();
});

test.each<[string, Error]>([
  ['a wrong argument', caught(() => Buffer.alloc(-1))],
  ['a schema that does not fit', caught(() => z.number().parse('x'))],
  ['JSON that is none', caught(() => JSON.parse('{') as unknown)],
  ['a plain error around one', new Error('the chart cannot be drawn', { cause: missing() })],
])('%s is a fault that nobody foresaw', (_, error) => {
  expect(faultOf(error, undefined)?.times).toBe(1);
});

test.each<[string, unknown]>([
  ['a file that is not there', caught(() => readFileSync('/nowhere/at/all'))],
  ['a connection that was reset', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })],
  [
    'a fetch that failed',
    new TypeError('fetch failed', { cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }) }),
  ],
  ['a stream that ended early', Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })],
  ['gRPC that is unavailable', Object.assign(new Error('14 UNAVAILABLE'), { code: 14 })],
  ['an abort', new DOMException('This operation was aborted', 'AbortError')],
  ['a cancellation', new CancelledFailure('cancelled')],
  ['an error around a cancellation', new Error('the batch ended', { cause: new CancelledFailure('cancelled') })],
  ['an endpoint that refuses', new PermanentEndpointError('refused')],
  ['a store that cannot be written', new StorageUnavailableError('no space left')],
  ['an environment that cannot be installed', new SetUpError('PyPI does not answer')],
  ['what is no error', 'text'],
])('%s may be another time, and is not counted', (_, error) => {
  expect(faultOf(error, undefined)).toBeUndefined();
});

test('the third attempt that ends alike is the last: it says where, and has the stack in its details', () => {
  const error = missing();
  const fault = faultOf(error, undefined)!;
  expect(repeatedFault(error, fault)).toBeUndefined();
  expect(repeatedFault(error, { ...fault, times: 2 })).toBeUndefined();
  const failure = repeatedFault(error, { ...fault, times: 3 });
  expect(failure).toMatchObject({ type: 'RepeatedFaultError', nonRetryable: true, details: [error.stack] });
  expect(failure?.message).toMatch(/^TypeError: Cannot read .*the same fault 3 times in a row, in .*repeated-fault\.test\.ts:\d+/);
});
