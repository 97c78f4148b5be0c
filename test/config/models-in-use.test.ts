import { parseSpec } from '../../config/load-spec';
import { modelOf } from '../../config/models-in-use';
import { validSpec } from './valid-spec';

test('a model that the spec does not have is a fault of the caller', () => {
  const spec = parseSpec(validSpec());
  expect(modelOf(spec, 'other').model).toBe('other-large');
  expect(() => modelOf(spec, 'nobody')).toThrow('models has no "nobody"');
});
