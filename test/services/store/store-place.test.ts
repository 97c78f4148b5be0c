import { join } from 'node:path';
import { openStore, storePlace } from '../../../services/runs/open-store';
import { parseStorePlace } from '../../../services/store/store-place';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();

test.each([
  ['/data/runs', { folder: '/data/runs' }],
  ['runs', { folder: 'runs' }],
  ['s3://my-bucket', { bucket: 'my-bucket', prefix: '' }],
  ['s3://my.bucket/team/runs/', { bucket: 'my.bucket', prefix: 'team/runs' }],
])('%j is a store', (text, place) => {
  expect(parseStorePlace(text)).toEqual(place);
});

test.each([
  ['gs://bucket/runs', /neither a directory nor s3:\/\/BUCKET\/PREFIX/],
  ['s3://', /has no valid bucket name/],
  ['s3://My_Bucket/runs', /has no valid bucket name/],
  ['s3://bucket/../other', /has a prefix that is not allowed/],
])('%j is refused with the reason', (text, reason) => {
  expect(() => parseStorePlace(text)).toThrow(reason);
});

test('the store lies in the data folder unless REHEARSE_STORE names another place', () => {
  expect(storePlace({ REHEARSE_HOME: temp() })).toBe(join(temp(), 'store'));
  expect(storePlace({ REHEARSE_HOME: temp(), REHEARSE_STORE: 's3://bucket' })).toBe('s3://bucket');
});

test('a program works in the store itself where that is a directory, else in the data folder', () => {
  const local = openStore(undefined, { env: { REHEARSE_HOME: temp() } });
  expect(local.workspace.isStore).toBe(true);
  expect(local.workspace.path('stages/x')).toBe(local.store.location('stages/x'));
  const remote = openStore('s3://bucket/p', { env: { REHEARSE_HOME: temp(), AWS_REGION: 'us-east-1' } });
  expect(remote.workspace.isStore).toBe(false);
  expect(remote.workspace.path('stages/x')).toBe(join(temp(), 'work/stages/x'));
  expect(remote.store.location('stages/x')).toBe('s3://bucket/p/stages/x');
});
