import type { ModelSpec } from '../../config/spec';
import { mendOf, type KnownMends, type Mend } from './mends';
import type { ModelFailure } from './model-errors';
import { namedField } from './named-field';
import { mostReplyBytes } from './reply-size';
import { wireBody, withOwnField } from './wire-request';

type Body = Readonly<Record<string, unknown>>;

/** So many fields of one request may be sent otherwise than was asked for. */
const MOST_MENDS = 6;

export interface SentRequestOptions {
  readonly spec: Pick<ModelSpec, 'model' | 'request'>;
  /** What the endpoint is known to want otherwise. */
  readonly known: KnownMends;
}

/** One request as an endpoint gets it, which may be mended and sent again. */
export class SentRequest {
  private mends: readonly Mend[];
  private sent!: Body;
  private bytes!: Buffer;
  /** What was refused before the request was sent again otherwise, on trial. */
  private refusedFirst: ModelFailure | undefined;

  /**
   * @param asked the body that a stage asks for
   * @param json of it
   */
  constructor(
    private readonly asked: Body,
    json: string,
    private readonly options: SentRequestOptions,
  ) {
    this.mends = options.known.all;
    if (options.spec.request === undefined && this.mends.length === 0) {
      this.sent = asked;
      this.bytes = this.encode(json);
    } else this.write();
  }

  /** The body. Bytes lie outside the heap: a text in flight would be copied by each collection of young objects. */
  get body(): Buffer {
    return this.bytes;
  }

  /** The most bytes that a reply may have. */
  get maxReplyBytes(): number {
    return mostReplyBytes(this.asked, this.bytes.length);
  }

  /** The failure with the field that it is about, by the stages' name for it. */
  named(failure: ModelFailure): ModelFailure {
    return withOwnField(namedField(failure, this.sent), this.options.spec.request);
  }

  /** Changes what is sent so that the failure does not come again and the request means the same; false where nothing does that. */
  mend(failure: ModelFailure): boolean {
    if (this.mends.length >= MOST_MENDS) return false;
    const mend = mendOf(failure, this.mended());
    if (mend === undefined) return false;
    if (failure.param === undefined) this.refusedFirst ??= failure;
    this.mends = [...this.mends, mend];
    this.write();
    return true;
  }

  /** What to tell of a failure that nothing mends: where a trial changed nothing, what came before it. */
  told(failure: ModelFailure): ModelFailure {
    return failure.param === undefined && (failure.scope === 'item' || failure.kind === 'unsupported')
      ? (this.refusedFirst ?? failure)
      : failure;
  }

  /** The endpoint has answered, so it wants requests as this one was sent. */
  worked(): void {
    this.options.known.worked(this.mends);
  }

  private mended(): Body {
    return this.mends.reduce((rest, mend) => mend.apply(rest), this.asked);
  }

  private write(): void {
    this.sent = wireBody(this.mended(), this.options.spec.request);
    this.bytes = this.encode(JSON.stringify(this.sent));
  }

  private encode(json: string): Buffer {
    const model = `{"model":${JSON.stringify(this.options.spec.model)}`;
    return Buffer.from(json === '{}' ? `${model}}` : `${model},${json.slice(1)}`);
  }
}
