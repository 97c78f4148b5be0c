import { spawn } from 'node:child_process';
import type { Notice } from '../../contract/notices';
import type { NoticeTargets } from './notice-targets';

/** A notice was not taken; it is worth another try. Its message holds no secret. */
class NoticeNotSentError extends Error {
  override readonly name = 'NoticeNotSentError';
}

const TIMEOUT_MS = 30_000;
const SAID_CHARS = 300;

/** Tells a notice to all targets that want its event. @throws NoticeNotSentError where one did not take it */
export async function sendNotice(notice: Notice, { url, token, command, events }: NoticeTargets, stop: AbortSignal): Promise<void> {
  if (!events.has(notice.event)) return;
  const results = await Promise.allSettled([
    url === undefined ? undefined : post(url, token, notice, stop),
    command === undefined ? undefined : run(command, notice, stop),
  ]);
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  if (failed[0] !== undefined) throw failed[0];
}

/** What is posted. `text` is what Slack and Mattermost show of it, `content` what Discord does. */
function bodyOf(notice: Notice): Record<string, string> {
  const text = `Rehearse run ${notice.runId}: ${notice.message}`;
  return { text, content: text.slice(0, 2_000), ...notice };
}

async function post(url: string, token: string | undefined, notice: Notice, stop: AbortSignal): Promise<void> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(bodyOf(notice)),
      redirect: 'error', // the token must not travel to another host
      signal: AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
  } catch (error) {
    stop.throwIfAborted();
    const { name, cause } = error as Error;
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    throw new NoticeNotSentError(`the webhook of REHEARSE_NOTIFY_URL was not reached (${code ?? name})`); // its URL may be a secret
  }
  if (!response.ok) throw new NoticeNotSentError(`the webhook of REHEARSE_NOTIFY_URL answered ${response.status}`);
}

/** The notice is on standard input as JSON, and in variables: nothing of it becomes part of the command. */
async function run(command: string, notice: Notice, stop: AbortSignal): Promise<void> {
  const child = spawn('sh', ['-c', command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: {
      ...process.env,
      REHEARSE_NOTICE_RUN: notice.runId,
      REHEARSE_NOTICE_EVENT: notice.event,
      REHEARSE_NOTICE_MESSAGE: notice.message.replaceAll('\0', ''),
    },
    signal: AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]),
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => undefined); // it need not read it
  child.stdin.end(`${JSON.stringify(bodyOf(notice))}\n`);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-SAID_CHARS)));
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.name === 'AbortError' ? 'did not end in time' : error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `ended with ${signal ?? `exit code ${code}`}`));
  });
  stop.throwIfAborted();
  if (ended !== '') throw new NoticeNotSentError(`the command of REHEARSE_NOTIFY_COMMAND ${ended}: ${said.trim() || 'it said nothing'}`);
}
