import { hash } from 'node:crypto';

/** Lower-case hex SHA-256 of some bytes. */
export function sha256(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}
