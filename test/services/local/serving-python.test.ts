import { servingPython } from '../../../services/local/serving-python';

const training = async () => ({ python: '/training/python', env: { A: 'b' } });

test('vLLM is served by the interpreter that has it, everything else by the one of the training', async () => {
  const python = servingPython({ REHEARSE_VLLM_PYTHON: process.execPath }, training);
  expect(await python('vllm')).toEqual({ python: process.execPath, env: { A: 'b' } });
  expect(await python('llama.cpp')).toEqual(await training());
});

test.each([{}, { REHEARSE_VLLM_PYTHON: '' }])('without it the training has vLLM too', async (env) => {
  expect(await servingPython(env, training)('vllm')).toEqual(await training());
});

test('an interpreter that is not there is told when the worker starts', () => {
  expect(() => servingPython({ REHEARSE_VLLM_PYTHON: '/nowhere/python' }, training)).toThrow(
    /REHEARSE_VLLM_PYTHON is "\/nowhere\/python", which is not there; name a Python interpreter/,
  );
});
