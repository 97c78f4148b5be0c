import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Notice } from '../../../contract/notices';
import { noticeTargets, type NoticeTargets } from '../../../services/notices/notice-targets';
import { sendNotice } from '../../../services/notices/send-notice';
import { useTempFolder } from '../../support/temp-folder';
import { Webhook } from '../../support/webhook';

const folder = useTempFolder();
const { signal } = new AbortController();
const NOTICE: Notice = { runId: 'r', event: 'failed', message: `it's "$(touch pwned)" \`x\`; rm -rf /`, at: '2026-11-03T09:12:00Z' };
let webhook: Webhook;

beforeEach(async () => {
  webhook = await Webhook.start();
});

afterEach(async () => await webhook.close());

function targets(env: Readonly<Record<string, string>>): NoticeTargets {
  const found = noticeTargets(env);
  if (found === undefined) throw new Error('no target');
  return found;
}

test('a webhook gets the notice, in the fields that Slack, Mattermost and Discord show, with its token', async () => {
  await sendNotice(NOTICE, targets({ REHEARSE_NOTIFY_URL: webhook.url, REHEARSE_NOTIFY_TOKEN: 'abc' }), signal);
  const text = `Rehearse run r: ${NOTICE.message}`;
  expect(webhook.received).toMatchObject([{ headers: { authorization: 'Bearer abc' }, body: { text, content: text, ...NOTICE } }]);
});

test('a command gets it on standard input and in variables, and none of its words are run', async () => {
  const file = join(folder(), 'told');
  await sendNotice(
    NOTICE,
    targets({ REHEARSE_NOTIFY_COMMAND: `cd '${folder()}' && { cat; echo "$REHEARSE_NOTICE_EVENT $REHEARSE_NOTICE_MESSAGE"; } > told` }),
    signal,
  );
  const [json = '', words] = (await readFile(file, 'utf8')).split('\n');
  expect(JSON.parse(json)).toMatchObject(NOTICE);
  expect(words).toBe(`failed ${NOTICE.message}`);
  await expect(readFile(join(folder(), 'pwned'))).rejects.toThrow(/ENOENT/);
});

test('only chosen events are told; without a choice a resumed run is not', async () => {
  const some = targets({ REHEARSE_NOTIFY_URL: webhook.url, REHEARSE_NOTIFY_ON: 'failed, resumed' });
  for (const event of ['finished', 'failed', 'resumed'] as const) await sendNotice({ ...NOTICE, event }, some, signal);
  await sendNotice({ ...NOTICE, event: 'resumed' }, targets({ REHEARSE_NOTIFY_URL: webhook.url }), signal);
  expect(webhook.received.map(({ body }) => body['event'])).toEqual(['failed', 'resumed']);
});

test.each([
  ['a status that is no success', 500, 'the webhook of REHEARSE_NOTIFY_URL answered 500'],
  ['a redirect, which is not followed', 302, 'the webhook of REHEARSE_NOTIFY_URL was not reached'],
])('%s is an error that does not show the URL', async (_, status, message) => {
  webhook.statuses.push(status);
  const failed = sendNotice(NOTICE, targets({ REHEARSE_NOTIFY_URL: webhook.url }), signal);
  await expect(failed).rejects.toThrow(/REHEARSE_NOTIFY_URL/);
  const error = await failed.catch((each: unknown) => each as Error);
  expect(error).toMatchObject({ name: 'NoticeNotSentError' });
  expect((error as Error).message).not.toContain('secret');
  expect((error as Error).message).toContain(message);
});

test('a command that fails says what it said; the webhook is told all the same', async () => {
  const both = targets({ REHEARSE_NOTIFY_URL: webhook.url, REHEARSE_NOTIFY_COMMAND: 'echo no mail today >&2; exit 3' });
  await expect(sendNotice(NOTICE, both, signal)).rejects.toThrow(
    'the command of REHEARSE_NOTIFY_COMMAND ended with exit code 3: no mail today',
  );
  expect(webhook.received).toHaveLength(1);
});

test.each([
  [{ REHEARSE_NOTIFY_URL: 'hooks.slack.com/secret' }, 'REHEARSE_NOTIFY_URL is no http or https URL'],
  [{ REHEARSE_NOTIFY_URL: 'ftp://secret@host/' }, 'REHEARSE_NOTIFY_URL is no http or https URL'],
  [{ REHEARSE_NOTIFY_COMMAND: 'true', REHEARSE_NOTIFY_ON: 'finish' }, 'REHEARSE_NOTIFY_ON names finish; there are finished, failed'],
])('%j is refused, without its secret', (env, message) => {
  expect(() => noticeTargets(env)).toThrow(message);
  expect(() => noticeTargets(env)).not.toThrow(/secret@|com\/secret/);
});

test('without a target nothing is told', () => {
  expect(noticeTargets({ REHEARSE_NOTIFY_ON: 'failed' })).toBeUndefined();
});
