import { LocalArtifactStore, type ArtifactStore } from '../../../services/store/artifact-store';
import { checkStoreWorks } from '../../../services/store/store-check';
import { useTempFolder } from '../../support/temp-folder';

const temp = useTempFolder();

/** A real store, but for what is given. */
function store(other: Partial<ArtifactStore> = {}): ArtifactStore {
  const real = new LocalArtifactStore({ root: temp() });
  return new Proxy(real, {
    get: (target, name) => (Reflect.get(other, name) ?? Reflect.get(target, name, target).bind(target)) as unknown,
  });
}

test('a store that works is no error and is left as it was', async () => {
  await checkStoreWorks(store());
  expect(await store().list('runs')).toEqual([]);
});

test('an object store that ignores conditional puts is refused before it costs anything', async () => {
  const careless = store({
    create: async (path, data) => {
      await store().write(path, data);
      return true;
    },
  });
  await expect(checkStoreWorks(careless)).rejects.toThrow(
    /ignores conditional puts \(If-None-Match: \*\).*use an object store that supports them$/,
  );
});

test('a store that does not give back what was written is refused', async () => {
  await expect(checkStoreWorks(store({ read: async () => Buffer.from('else') }))).rejects.toThrow('does not give back what was written');
  await expect(checkStoreWorks(store({ list: async () => [] }))).rejects.toThrow('does not give back what was written');
});
