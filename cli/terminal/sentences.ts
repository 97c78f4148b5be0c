import { SpecError } from '../../config/spec-errors';
import { PushError } from '../../export/push-repository';
import { MethodError } from '../../method/method-error';
import { AllRefusedError } from '../../services/batches/all-refused';
import { CodecKeysError } from '../../services/codec/codec-keys';
import { PermanentEndpointError } from '../../services/endpoints/endpoint-errors';
import { NoticeTargetError } from '../../services/notices/notice-targets';
import { CorruptArtifactError } from '../../services/store/stage-errors';
import { StorageUnavailableError } from '../../services/store/storage-errors';
import { StorePlaceError } from '../../services/store/store-place';
import { EXIT } from './errors';

/** Errors whose message needs no word of where it came from, and how a command ends with them. */
const SENTENCES = [
  [CodecKeysError, EXIT.usage],
  [NoticeTargetError, EXIT.usage],
  [SpecError, EXIT.usage],
  [StorePlaceError, EXIT.usage],
  [StorageUnavailableError, EXIT.unavailable],
  [MethodError, EXIT.failed],
  [PermanentEndpointError, EXIT.failed],
  [AllRefusedError, EXIT.failed],
  [CorruptArtifactError, EXIT.failed],
  [PushError, EXIT.failed],
] as const;

/** The exit code for an error whose message says it all; undefined for another. */
export function exitCodeOf(error: unknown): number | undefined {
  return SENTENCES.find(([type]) => error instanceof type)?.[1];
}
