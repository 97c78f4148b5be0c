import { readErrorBody, statusError } from '../../../services/endpoints/error-body';

test.each([
  [
    'OpenAI',
    { error: { message: 'No such model', type: 'invalid_request_error', param: 'model', code: 'model_not_found' } },
    { message: 'No such model', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
  ],
  ['OpenAI without details', { error: { message: 'Slow down', type: null, param: null, code: null } }, { message: 'Slow down' }],
  [
    'llama-server',
    { error: { code: 400, message: 'too long', type: 'exceed_context_size_error' } },
    { message: 'too long', code: '400', type: 'exceed_context_size_error' },
  ],
  [
    'older vLLM',
    { object: 'error', message: 'too long', type: 'BadRequestError', param: null, code: 400 },
    { message: 'too long', code: '400', type: 'BadRequestError' },
  ],
  ['TGI', { error: 'Input validation error', error_type: 'validation' }, { message: 'Input validation error' }],
  [
    'Gemini',
    [{ error: { code: 429, message: 'Quota exceeded', status: 'RESOURCE_EXHAUSTED' } }],
    { message: 'Quota exceeded', code: '429' },
  ],
  ['FastAPI', { detail: 'Not Found' }, { message: 'Not Found' }],
  [
    "FastAPI's validation",
    { detail: [{ loc: ['body', 'n'], msg: 'must be 1', type: 'value_error' }] },
    { message: 'body.n: must be 1', param: 'n' },
  ],
  ['a page with a title', '<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>', { message: '502 Bad Gateway' }],
  ['a page without one', '<p>Service <b>unavailable</b></p>', { message: 'Service unavailable' }],
  ['plain text', 'upstream connect error', { message: 'upstream connect error' }],
  ['an unknown object', { status: 'bad' }, { message: '{"status":"bad"}' }],
  ['a message that is no text', { error: { message: { en: 'bad' } } }, { message: '{"en":"bad"}' }],
  ['nothing', undefined, { message: '' }],
  ['null', null, { message: '' }],
])('the words of %s are found', (_, body, expected) => {
  expect(readErrorBody(body)).toEqual(expected);
});

test('a refusal for the content, told by 403 and its reasons, has its own code', () => {
  expect(readErrorBody({ error: { code: 403, message: 'flagged', metadata: { reasons: ['violence'] } } })).toEqual({
    message: 'flagged',
    code: 'content_filter',
  });
});

test('an error of the SDK tells status and words, or that there were none', () => {
  expect(statusError(400, { detail: 'n is too large' }, new Headers()).message).toBe('400 n is too large');
  expect(statusError(500, undefined, new Headers()).message).toBe('500 status code (no body)');
});
