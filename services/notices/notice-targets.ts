import { NOTICE_EVENTS, type NoticeEvent } from '../../contract/notices';

/** Where notices go, from the worker's environment: a webhook's URL is a secret, and a command is the operator's to choose. */
export interface NoticeTargets {
  readonly url?: string;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
  /** Given to `sh -c`. */
  readonly command?: string;
  readonly events: ReadonlySet<NoticeEvent>;
}

/** The environment names a webhook or events that there are not. */
export class NoticeTargetError extends Error {
  override readonly name = 'NoticeTargetError';
}

const DEFAULT_EVENTS: readonly NoticeEvent[] = ['finished', 'failed', 'cancelled', 'paused', 'budget'];

/** @returns undefined where nothing is to be told @throws NoticeTargetError, without the values, which are secret */
export function noticeTargets(env: Readonly<Record<string, string | undefined>>): NoticeTargets | undefined {
  const url = env['REHEARSE_NOTIFY_URL'] || undefined;
  const command = env['REHEARSE_NOTIFY_COMMAND'] || undefined;
  if (url === undefined && command === undefined) return undefined;
  if (url !== undefined && !isHttp(url)) {
    throw new NoticeTargetError('REHEARSE_NOTIFY_URL is no http or https URL (its value is not shown, since it may be a secret)');
  }
  const names = (env['REHEARSE_NOTIFY_ON'] ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const unknown = names.filter((name) => !(NOTICE_EVENTS as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new NoticeTargetError(`REHEARSE_NOTIFY_ON names ${unknown.join(', ')}; there are ${NOTICE_EVENTS.join(', ')}`);
  }
  return {
    url,
    token: env['REHEARSE_NOTIFY_TOKEN'] || undefined,
    command,
    events: new Set(names.length === 0 ? DEFAULT_EVENTS : (names as NoticeEvent[])),
  };
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
